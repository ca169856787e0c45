"""A site without ``django.contrib.messages``, and therefore without the admin."""

from .plain import *  # noqa: F403
from .plain import INSTALLED_APPS, MIDDLEWARE, TEMPLATES

INSTALLED_APPS = [
    app for app in INSTALLED_APPS if app not in ("django.contrib.admin", "django.contrib.messages")
]
MIDDLEWARE = [name for name in MIDDLEWARE if "messages" not in name]
TEMPLATES[0]["OPTIONS"]["context_processors"].remove("django.contrib.messages.context_processors.messages")
