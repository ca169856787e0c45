"""A plain site: the settings that `startproject` writes, with the app. The other sites differ from it."""

import os
from pathlib import Path

from ...settings import *  # noqa: F403
from ...settings import env

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
ROOT_URLCONF = "tests.deployments.sites.urls"
STATIC_ROOT = "static"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "tests.people",
    "django_smartcar",
]
TEMPLATES[0]["DIRS"] = [Path(__file__).parent / "templates"]  # noqa: F405
SQLITE = {"timeout": 30, "transaction_mode": "IMMEDIATE"}
DATABASES = {"default": env.db("SITE_DATABASE_URL")}
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["OPTIONS"] = SQLITE

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}

SILENCED_SYSTEM_CHECKS = []
SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = False
SMARTCAR_ENCRYPTION_KEYS = ["b25seS1mb3ItdGhlLXRlc3RzLTMyLWJ5dGVzLWxvbmc="]
SMARTCAR_MANAGEMENT_TOKENS = os.environ.get("SMARTCAR_MANAGEMENT_TOKENS", "").split()
for _name in (
    *("API_VERSION", "CLIENT_ID", "CLIENT_SECRET", "APPLICATION_ID", "V2_CLIENT_ID", "V2_CLIENT_SECRET"),
    *("IAM_URL", "VEHICLE_API_URL", "CONNECT_URL", "AUTH_URL", "API_URL"),
    *("MANAGEMENT_URL", "MANAGEMENT_API_URL"),
):
    globals()[f"SMARTCAR_{_name}"] = os.environ.get(f"SMARTCAR_{_name}", "")
