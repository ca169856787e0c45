"""A site behind a proxy that ends TLS. SITE_PROXY_HEADER is the header that says so, if Django knows it."""

import os

from .plain import *  # noqa: F403

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
if name := os.environ.get("SITE_PROXY_HEADER"):
    SECURE_PROXY_SSL_HEADER = (name, "https")
