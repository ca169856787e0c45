"""Settings of the site of the benchmarks of growth and of pages: those of the others, and the admin."""

from .settings import *  # noqa: F403
from .settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS += ["django.contrib.admin", "django.contrib.messages"]
MIDDLEWARE += ["django.contrib.messages.middleware.MessageMiddleware"]
ROOT_URLCONF = "benchmarks.growth_urls"
ALLOWED_HOSTS = ["testserver"]
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
    }
]
STATIC_URL = "static/"
