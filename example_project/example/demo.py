"""Logins of the demo. The passwords are public: use them only locally, with simulated vehicles."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.http import HttpRequest

LOGINS = {"demo": "demo", "admin": "admin"}


def context(request: HttpRequest) -> dict[str, object]:
    """Return whether the vehicles are simulated, and the demo logins, for templates."""
    return {"simulated": settings.SIMULATED, "logins": LOGINS if settings.DEBUG else {}}


def user_named(name: str) -> Any:
    """Return a user of the demo; create it if it is missing. Raises CommandError without DEBUG."""
    if not settings.DEBUG:
        raise CommandError("The demo's passwords are public: this command requires DEBUG=true.")
    users = get_user_model()._default_manager
    user = users.filter(username=name).first()
    is_admin = name == "admin"
    return user or users.create_user(name, password=LOGINS[name], is_staff=is_admin, is_superuser=is_admin)
