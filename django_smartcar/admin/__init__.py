"""What an operator sees and does: no token, no VIN and no position is ever shown here."""

from .accounts import ApplicationTokenAdmin, SmartcarAccountAdmin, SmartcarUserAdmin
from .commands import VehicleCommandAdmin
from .readings import VehicleReadingAdmin
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
    "WebhookEndpointAdmin",
    "WebhookEventAdmin",
]
