"""The example project in the language of the browser, with its own layout or that of the app."""

from example.settings import *  # noqa: F403
from example.settings import INSTALLED_APPS, MIDDLEWARE, env

MIDDLEWARE.insert(3, "django.middleware.locale.LocaleMiddleware")
if env("LAYOUT") == "app":  # its templates are found before those of the example
    INSTALLED_APPS.remove("example")
    INSTALLED_APPS.append("example")
