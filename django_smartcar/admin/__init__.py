"""The admin of this app. It never shows a token or a VIN; a position only on request, which is logged."""

from .accounts import ApplicationTokenAdmin, SmartcarAccountAdmin, SmartcarUserAdmin
from .commands import VehicleCommandAdmin
from .readings import VehicleReadingAdmin, VehicleSignalAdmin
from .vehicles import ConnectedVehicleAdmin
from .webhooks import VehicleProblemAdmin, WebhookEndpointAdmin, WebhookEventAdmin

__all__ = [
    "ApplicationTokenAdmin",
    "ConnectedVehicleAdmin",
    "SmartcarAccountAdmin",
    "SmartcarUserAdmin",
    "VehicleCommandAdmin",
    "VehicleProblemAdmin",
    "VehicleReadingAdmin",
    "VehicleSignalAdmin",
    "WebhookEndpointAdmin",
    "WebhookEventAdmin",
]
