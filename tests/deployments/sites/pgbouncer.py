"""A site behind PgBouncer in transaction pooling, set up as Django's documentation says."""

from .plain import *  # noqa: F403
from .plain import DATABASES

DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
