"""What an operator sees and does: no token, no VIN and no position is ever shown here."""

from .accounts import SmartcarAccountAdmin, SmartcarUserAdmin
from .commands import VehicleCommandAdmin
from .vehicles import ConnectedVehicleAdmin

__all__ = ["ConnectedVehicleAdmin", "SmartcarAccountAdmin", "SmartcarUserAdmin", "VehicleCommandAdmin"]
