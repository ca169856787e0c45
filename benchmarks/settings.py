"""The site that is measured, as the README sets one up.

The environment names its database and its Smartcar.
"""

import environ

env = environ.Env()

SECRET_KEY = "only-for-the-benchmarks"  # noqa: S105
DATABASES = {"default": env.db("BENCH_DATABASE_URL")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # As Django's documentation advises where several write.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_smartcar",
]
USE_TZ = True

SMARTCAR_API_VERSION = "2.0"
SMARTCAR_CLIENT_ID = "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11"
SMARTCAR_CLIENT_SECRET = "nobody-asks-for-it"  # noqa: S105
SMARTCAR_ENCRYPTION_KEYS = ["b25seS1mb3ItdGhlLXRlc3RzLTMyLWJ5dGVzLWxvbmc="]
SMARTCAR_AUTH_URL = env("BENCH_AUTH_URL")
