"""The site of the tests, as processes of its own: they share its database file."""

import os

from ..settings import *  # noqa: F403

DATABASES["default"]["OPTIONS"] = {"timeout": 30, "transaction_mode": "IMMEDIATE"}  # noqa: F405
SMARTCAR_AUTH_URL = os.environ["SITE_AUTH_URL"]
