"""Settings of a small site whose users connect their cars.

It works without configuration, with the simulator of django-smartcar. Settings are read from the environment
and from a file ``.env`` in the directory of ``manage.py``; see ``env.example``.
"""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=True)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
# Both are public: use them only for a local demo.
DEMO_SECRET_KEY = "django-insecure-demo-key-that-everybody-knows"  # noqa: S105
SECRET_KEY = env("SECRET_KEY", default=DEMO_SECRET_KEY) if DEBUG else env("SECRET_KEY")

DEMO_ENCRYPTION_KEY = "ZGVtby1rZXktdGhhdC1ldmVyeWJvZHkta25vd3MtMzI="
SMARTCAR_ENCRYPTION_KEYS = env.list(
    "SMARTCAR_ENCRYPTION_KEYS", default=[DEMO_ENCRYPTION_KEY] if DEBUG else []
)

# Smartcar: a real application if one is configured, else the simulator, served by this site.
SMARTCAR_API_VERSION = env("SMARTCAR_API_VERSION", default="3")
SMARTCAR_CLIENT_ID = env("SMARTCAR_CLIENT_ID", default="")
SIMULATED = not SMARTCAR_CLIENT_ID
if SIMULATED and not DEBUG and not env.bool("SERVE_SIMULATOR", default=False):
    raise ImproperlyConfigured(
        "This site would serve the Smartcar simulator, which has no login and public tokens, while DEBUG is "
        "off. Set SMARTCAR_CLIENT_ID and the other variables of a Smartcar application, or set "
        "SERVE_SIMULATOR=true on a machine that nobody else can reach."
    )
if SIMULATED:
    ORIGIN = env("EXAMPLE_ORIGIN", default="http://127.0.0.1:8000")
    SMARTCAR_SIMULATOR_URL = env("SMARTCAR_SIMULATOR_URL", default=f"{ORIGIN}/smartcar-simulator")
    SILENCED_SYSTEM_CHECKS = ["smartcar.E019"]  # without DEBUG only by SERVE_SIMULATOR, see above
    # As in Smartcar's dashboard: Connect redirects nowhere else.
    SMARTCAR_SIMULATOR_REDIRECT_URIS = [
        f"{origin}/cars/callback/" for origin in (ORIGIN, ORIGIN.replace("127.0.0.1", "localhost"))
    ]
    SMARTCAR_SIMULATOR_APPLICATION_NAME = "Carport"
    SMARTCAR_SIMULATOR_PROFILE = env("SMARTCAR_SIMULATOR_PROFILE", default="brand")
    # Whether the cars move by themselves; otherwise they move when they are read.
    LIVE = env.bool("EXAMPLE_LIVE", default=False)
    SMARTCAR_SIMULATOR_STATE = env("SMARTCAR_SIMULATOR_STATE", default=BASE_DIR / "simulator.json")
else:
    SMARTCAR_CLIENT_SECRET = env("SMARTCAR_CLIENT_SECRET")
    SMARTCAR_APPLICATION_ID = env("SMARTCAR_APPLICATION_ID", default="")
    SMARTCAR_V2_CLIENT_ID = env("SMARTCAR_V2_CLIENT_ID", default="")
    SMARTCAR_V2_CLIENT_SECRET = env("SMARTCAR_V2_CLIENT_SECRET", default="")
    SMARTCAR_MANAGEMENT_TOKENS = env.list("SMARTCAR_MANAGEMENT_TOKENS", default=[])
    SMARTCAR_MODE = env("SMARTCAR_MODE", default="live")
    SMARTCAR_WEBHOOKS = env.list("SMARTCAR_WEBHOOKS", default=[])

if MAP_TILES_URL := env("MAP_TILES_URL", default=""):
    SMARTCAR_MAP_TILES = {"url": MAP_TILES_URL, "attribution": env("MAP_TILES_ATTRIBUTION")}

# More than the default, so that the page "Your cars" shows something for every car.
SMARTCAR_SCOPE = [
    "required:read_vehicle_info",
    "read_vin",
    "read_odometer",
    "read_location",
    "read_battery",
    "read_charge",
    "read_fuel",
    "read_engine_oil",
    "read_tires",
    "read_security",
    "read_thermometer",
    "read_speedometer",
    "control_security",
    "control_charge",
    "control_navigation",
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "example",  # before django_smartcar, so that its smartcar/base.html is found first
    "django_smartcar",
]
if SIMULATED:
    INSTALLED_APPS += ["django_smartcar.simulator"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "example.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example.urls"
WSGI_APPLICATION = "example.wsgi.application"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "smartcar:vehicles"
LOGOUT_REDIRECT_URL = "home"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example.demo.context",
            ],
        },
    },
]

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers wait for up to 20 seconds instead of failing, and never block readers.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
