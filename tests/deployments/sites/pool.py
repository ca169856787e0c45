"""A site with Django's connection pool."""

from .plain import *  # noqa: F403
from .plain import DATABASES

DATABASES["default"]["OPTIONS"] = {"pool": True}
