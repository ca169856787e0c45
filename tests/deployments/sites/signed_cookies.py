"""A site whose sessions are signed cookies, written with each response."""

from .plain import *  # noqa: F403

SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_SAVE_EVERY_REQUEST = True
