"""The models. A method uses only its own row, and never the network."""

from .accounts import SmartcarAccount, SmartcarUser
from .commands import VehicleCommand
from .connect_attempts import ConnectAttempt
from .external_ids import ExternalId
from .rate_limits import RateLimit
from .reading_types import READ_METHODS, READING_TYPES, UNITS, ReadingType, ReadMethod
from .readings import VehicleReading
from .tokens import ApplicationToken, LeasedToken
from .vehicles import ConnectedVehicle, make_as_written
from .webhooks import LatestSignal, VehicleProblem, WebhookEndpoint, WebhookEvent

__all__ = [
    "READING_TYPES",
    "READ_METHODS",
    "ReadMethod",
    "ReadingType",
    "UNITS",
    "RateLimit",
    "ApplicationToken",
    "ConnectAttempt",
    "ConnectedVehicle",
    "ExternalId",
    "LatestSignal",
    "LeasedToken",
    "SmartcarAccount",
    "SmartcarUser",
    "VehicleCommand",
    "VehicleReading",
    "VehicleProblem",
    "WebhookEndpoint",
    "WebhookEvent",
    "make_as_written",
]
