"""A site with Django's connection pool: the default one, or one with the options in SITE_POOL."""

import json
import os

from .plain import *  # noqa: F403
from .plain import DATABASES

DATABASES["default"]["OPTIONS"] = {"pool": json.loads(os.environ.get("SITE_POOL", "true"))}
