"""Settings of a site in processes of its own: workers and commands share its database file."""

import json
import os

from ..settings import *  # noqa: F403
from ..webhooks import TOKEN

INSTALLED_APPS = [*INSTALLED_APPS, "django_tasks_db", "tests.site_project"]  # noqa: F405
if "sqlite3" in DATABASES["default"]["ENGINE"]:  # noqa: F405
    DATABASES["default"]["OPTIONS"] = {"timeout": 30, "transaction_mode": "IMMEDIATE"}  # noqa: F405
SMARTCAR_AUTH_URL = os.environ.get("SITE_AUTH_URL", "https://auth.smartcar.com/oauth/token")
SMARTCAR_WEBHOOK_WORK = os.environ.get("SITE_WORK", "inline")
SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
SMARTCAR_RATE_LIMIT = None
SMARTCAR_API_URL = os.environ.get("SITE_API_URL", "https://api.smartcar.com")

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# Any other setting, as JSON.
globals().update(json.loads(os.environ.get("SITE_SETTINGS", "{}")))

CELERY_BROKER_URL = os.environ.get("SITE_BROKER_URL", "filesystem://")
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": os.environ["SITE_BROKER"],
        "data_folder_out": os.environ["SITE_BROKER"],
        "control_folder": os.environ["SITE_BROKER"] + "-control",
    }

# Django 6 logs the result of a task to django.tasks, which has no handler where DEBUG is False.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "loggers": {"django.tasks": {"handlers": ["console"], "level": "INFO"}},
}
