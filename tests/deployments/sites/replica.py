"""A site that reads from a replica, which cannot be written to, and lags behind."""

from .plain import *  # noqa: F403
from .plain import DATABASES

primary = DATABASES["default"]
DATABASES["replica"] = {
    **primary,
    "NAME": f"file:{primary['NAME']}-replica?mode=ro",
    "OPTIONS": {"timeout": 30, "uri": True},
    "TEST": {"MIRROR": "default"},
}
DATABASE_ROUTERS = ["tests.deployments.sites.routers.Replica"]
