"""Settings of the tests: a custom user model, LoginRequiredMiddleware, and the simulator in the URLconf."""

import environ
import pymysql

# Stands in for mysqlclient, which does not build everywhere.
pymysql.install_as_MySQLdb()

env = environ.Env()

SECRET_KEY = "only-for-the-tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
LANGUAGE_CODE = "en"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "people.Person"
LOGIN_URL = "/login/"

DATABASES = {"default": env.db("TEST_DATABASE_URL", default="sqlite://:memory:")}
if DATABASES["default"]["NAME"] not in (":memory:", "") and "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}  # not in memory
    DATABASES["default"]["OPTIONS"] = {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "tests.people",
    "django_smartcar",
    "django_smartcar.simulator",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Most tests mock API v2; those of API v3 or of both versions set this themselves.
SMARTCAR_API_VERSION = "2.0"
SMARTCAR_CLIENT_ID = "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11"
SMARTCAR_CLIENT_SECRET = "the-secret-of-the-tests"
SMARTCAR_ENCRYPTION_KEYS = ["b25seS1mb3ItdGhlLXRlc3RzLTMyLWJ5dGVzLWxvbmc="]

# Each test has its own callback.
SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = True

# The deployment checks warn of the simulator, and of redirect URIs that are built from the request.
SILENCED_SYSTEM_CHECKS = ["smartcar.W041", "smartcar.W042", "smartcar.W093"]
