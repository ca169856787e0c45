"""The services and exceptions, imported when a page first uses them.

Each process that loads the admin would import them at its start, and requests with them: that would take more
than twice as long as the rest of this app.
"""

from typing import TYPE_CHECKING

from ..late import late

if TYPE_CHECKING:
    from .. import charts, exceptions
    from ..services import commands, fleet, places, privacy, readings, signals, tokens, vehicles, webhooks
    from ..services.webhooks import subscriptions
else:
    charts = late("django_smartcar.charts")
    exceptions = late("django_smartcar.exceptions")
    commands = late("django_smartcar.services.commands")
    fleet = late("django_smartcar.services.fleet")
    places = late("django_smartcar.services.places")
    privacy = late("django_smartcar.services.privacy")
    readings = late("django_smartcar.services.readings")
    signals = late("django_smartcar.services.signals")
    subscriptions = late("django_smartcar.services.webhooks.subscriptions")
    tokens = late("django_smartcar.services.tokens")
    vehicles = late("django_smartcar.services.vehicles")
    webhooks = late("django_smartcar.services.webhooks")

__all__ = [
    "charts",
    "commands",
    "exceptions",
    "fleet",
    "places",
    "privacy",
    "readings",
    "signals",
    "subscriptions",
    "tokens",
    "vehicles",
    "webhooks",
]
