"""The models. A method uses only its own row, and never the network."""

from .accounts import SmartcarAccount, SmartcarUser
from .commands import VehicleCommand
from .connect_attempts import ConnectAttempt
from .external_ids import ExternalId
from .names import PERMISSION_NAMES, make_as_written, named_permissions, time_as_written
from .rate_limits import RateLimit
from .readings import Source, VehicleReading, VehicleSignal
from .signal_types import LABELS, label_of
from .throttles import Throttle
from .tokens import ApplicationToken, LeasedToken
from .vehicles import ConnectedVehicle
from .webhooks import KIND_NAMES, PROBLEM_TYPES, VehicleProblem, WebhookEndpoint, WebhookEvent

__all__ = [
    "KIND_NAMES",
    "LABELS",
    "PERMISSION_NAMES",
    "PROBLEM_TYPES",
    "RateLimit",
    "ApplicationToken",
    "ConnectAttempt",
    "ConnectedVehicle",
    "ExternalId",
    "LeasedToken",
    "SmartcarAccount",
    "SmartcarUser",
    "Source",
    "Throttle",
    "VehicleCommand",
    "VehicleReading",
    "VehicleProblem",
    "VehicleSignal",
    "WebhookEndpoint",
    "WebhookEvent",
    "label_of",
    "make_as_written",
    "named_permissions",
    "time_as_written",
]
