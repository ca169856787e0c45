"""What is stored: rows and facts about one row. Never the network."""

from .accounts import SmartcarAccount, SmartcarUser
from .allowances import Allowance
from .attempts import ConnectAttempt
from .commands import VehicleCommand
from .external_ids import ExternalId
from .tokens import ApplicationToken, LeasedToken
from .vehicles import ConnectedVehicle, make_as_written

__all__ = [
    "Allowance",
    "ApplicationToken",
    "ConnectAttempt",
    "ConnectedVehicle",
    "ExternalId",
    "LeasedToken",
    "SmartcarAccount",
    "SmartcarUser",
    "VehicleCommand",
    "make_as_written",
]
