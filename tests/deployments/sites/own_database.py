"""A site whose car and user tables are not in "default"; its requests are transactions in both databases."""

from .plain import *  # noqa: F403
from .plain import DATABASES

cars = {**DATABASES["default"], "ATOMIC_REQUESTS": True}
rest = {**cars, "NAME": f"{cars['NAME']}-rest"}
DATABASES = {"default": rest, "cars": cars}
DATABASE_ROUTERS = ["tests.deployments.sites.routers.OwnDatabase"]
