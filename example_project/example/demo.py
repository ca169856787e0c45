"""The people of the demo. Their passwords open a site on one's own machine, with pretend cars."""

from django.conf import settings
from django.http import HttpRequest

LOGINS = {"demo": "demo", "admin": "admin"}


def context(request: HttpRequest) -> dict[str, object]:
    """Whether the cars are pretended, and who may log in, for the templates."""
    return {"simulated": settings.SIMULATED, "logins": LOGINS if settings.DEBUG else {}}
