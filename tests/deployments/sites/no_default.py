"""A site without a database "default"."""

from .own_database import *  # noqa: F403
from .own_database import cars, rest

DATABASES = {"default": {}, "cars": cars, "sessions": rest}
DATABASE_ROUTERS = ["tests.deployments.sites.routers.NoDefault"]
