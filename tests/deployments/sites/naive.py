"""A site that stores local times: ``USE_TZ = False``."""

from .plain import *  # noqa: F403

USE_TZ = False
