"""Logins of the demo. The passwords are public: use them only locally, with simulated vehicles."""

from django.conf import settings
from django.http import HttpRequest

LOGINS = {"demo": "demo", "admin": "admin"}


def context(request: HttpRequest) -> dict[str, object]:
    """Return whether the vehicles are simulated, and the demo logins, for templates."""
    return {"simulated": settings.SIMULATED, "logins": LOGINS if settings.DEBUG else {}}
