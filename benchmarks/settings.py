"""Settings of the measured site, as in docs/. The environment has the database and Smartcar's URL."""

import sys

import environ
import pymysql

env = environ.Env()

SECRET_KEY = "only-for-the-benchmarks"  # noqa: S105
ALLOWED_HOSTS = ["localhost"]
# As in production: database connections are persistent.
DATABASES = {"default": {**env.db("BENCH_DATABASE_URL"), "CONN_MAX_AGE": None}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # As Django's documentation recommends for concurrent writers. Only FULL survives a power failure.
    synchronous = env("BENCH_SYNCHRONOUS", default="NORMAL")
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}",
    }
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    pymysql.install_as_MySQLdb()  # stands in for mysqlclient, which does not build everywhere
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_smartcar",
    "benchmarks.bare",
]
SMARTCAR_RATE_LIMIT = None
# Those of `startproject`, without messages.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "benchmarks.urls"
USE_TZ = True

SMARTCAR_API_VERSION = "2.0"
SMARTCAR_CLIENT_ID = "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11"
SMARTCAR_CLIENT_SECRET = "not-used"  # noqa: S105
SMARTCAR_ENCRYPTION_KEYS = ["b25seS1mb3ItdGhlLXRlc3RzLTMyLWJ5dGVzLWxvbmc="]
SMARTCAR_MANAGEMENT_TOKENS = ["3d0b8f9e-7a55-4c0c-9a1e-6a3f1c1f5d77"]
SMARTCAR_API_URL = env("BENCH_SMARTCAR_URL", default="https://smartcar.invalid")
SMARTCAR_AUTH_URL = f"{SMARTCAR_API_URL}/oauth/token"
# Only receiving is measured, not the processing of the events.
SMARTCAR_WEBHOOK_WORK = "command"

if folder := env("BENCH_DJSTRIPE", default=""):
    sys.path.append(folder)
    INSTALLED_APPS.append("djstripe")
    DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK = "benchmarks.sides.receiving.do_nothing"
    STRIPE_TEST_SECRET_KEY = "sk_test_not_used"  # noqa: S105
    STRIPE_LIVE_MODE = False
