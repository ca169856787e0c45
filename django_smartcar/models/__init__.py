"""What is stored: rows and facts about one row. Never the network."""

from .accounts import SmartcarAccount, SmartcarUser
from .commands import VehicleCommand
from .connect_attempts import ConnectAttempt
from .external_ids import ExternalId
from .rate_limits import Allowance
from .reading_types import KINDS, READS, UNITS, Kind, Read
from .readings import VehicleReading
from .tokens import ApplicationToken, LeasedToken
from .vehicles import ConnectedVehicle, make_as_written
from .webhooks import LatestSignal, VehicleProblem, WebhookEndpoint, WebhookEvent

__all__ = [
    "KINDS",
    "READS",
    "UNITS",
    "Allowance",
    "ApplicationToken",
    "ConnectAttempt",
    "ConnectedVehicle",
    "ExternalId",
    "Kind",
    "LatestSignal",
    "LeasedToken",
    "Read",
    "SmartcarAccount",
    "SmartcarUser",
    "VehicleCommand",
    "VehicleReading",
    "VehicleProblem",
    "WebhookEndpoint",
    "WebhookEvent",
    "make_as_written",
]
