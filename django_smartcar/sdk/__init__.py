"""Smartcar over requests. No Django: usable alone.

    from django_smartcar import sdk

    client = sdk.AuthClient(client_id, client_secret, redirect_uri, scope=["read_odometer"])
    client.get_auth_url(state=state)             # send the driver there; the redirect brings a code
    access = client.exchange_code(code)
    for vehicle_id in sdk.iter_vehicle_ids(access["access_token"]):
        sdk.Vehicle(vehicle_id, access["access_token"]).odometer()["data"]["distance"]

Generation 3 has one token for the whole application, and the same face (see ``sdk.v3``):

    access = sdk.ApplicationAuth(client_id, client_secret).request_token()
    sdk.v3.Vehicle(vehicle_id, access["access_token"], user_id).odometer()["data"]["distance"]

Whatever goes wrong is a ``SmartcarException``; the tree of them is drawn in ``sdk.exceptions``.
"""

from . import api, connect, const, faults, requester, v3, webhooks
from .api import Api, Paging, VehicleIds, get_user_id, get_vehicle_ids, iter_vehicle_ids
from .auth import Access, ApplicationAccess, ApplicationAuth, AuthClient, is_expired
from .compatibility import (
    Capability,
    Compatibility,
    CompatibilityModel,
    get_compatibility,
    get_compatibility_matrix,
)
from .envelopes import exception_for
from .exceptions import (
    AuthenticationException,
    GatewayTimeoutException,
    InvalidAnswerException,
    MonthlyLimitExceeded,
    NoAnswerException,
    NotCapableException,
    NotStoredException,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    ServerException,
    SmartcarException,
    StateException,
    UnexpectedStatusException,
    ValidationException,
)
from .management_v2 import Connection, Connections, delete_connections, get_connections, iter_connections
from .requester import Requester
from .shapes import (
    Answer,
    Batch,
    Battery,
    BatteryCapacity,
    Charge,
    ChargeLimit,
    Closure,
    DiagnosticSystem,
    DiagnosticSystemStatus,
    DiagnosticTroubleCode,
    DiagnosticTroubleCodes,
    EngineOil,
    Fuel,
    Location,
    LocationData,
    LockStatus,
    NominalCapacity,
    Odometer,
    OdometerData,
    ServiceHistory,
    ServiceRecord,
    Status,
    Subscribed,
    TirePressure,
    VehicleAttributes,
    VehicleInfo,
)
from .vehicle import Vehicle
from .webhooks import hash_challenge, verify_payload

__all__ = [
    "Access",
    "Answer",
    "Api",
    "ApplicationAccess",
    "ApplicationAuth",
    "AuthClient",
    "AuthenticationException",
    "Batch",
    "Battery",
    "BatteryCapacity",
    "Capability",
    "Charge",
    "ChargeLimit",
    "Closure",
    "Compatibility",
    "CompatibilityModel",
    "Connection",
    "Connections",
    "DiagnosticSystem",
    "DiagnosticSystemStatus",
    "DiagnosticTroubleCode",
    "DiagnosticTroubleCodes",
    "EngineOil",
    "Fuel",
    "GatewayTimeoutException",
    "InvalidAnswerException",
    "Location",
    "LocationData",
    "LockStatus",
    "MonthlyLimitExceeded",
    "NoAnswerException",
    "NominalCapacity",
    "NotCapableException",
    "NotStoredException",
    "Odometer",
    "OdometerData",
    "Paging",
    "PermissionException",
    "RateLimitingException",
    "Requester",
    "ResourceNotFoundException",
    "ServerException",
    "ServiceHistory",
    "ServiceRecord",
    "SmartcarException",
    "StateException",
    "Status",
    "Subscribed",
    "TirePressure",
    "UnexpectedStatusException",
    "ValidationException",
    "Vehicle",
    "VehicleAttributes",
    "VehicleIds",
    "VehicleInfo",
    "api",
    "connect",
    "const",
    "delete_connections",
    "exception_for",
    "faults",
    "get_compatibility",
    "get_compatibility_matrix",
    "get_connections",
    "get_user_id",
    "get_vehicle_ids",
    "hash_challenge",
    "is_expired",
    "iter_connections",
    "iter_vehicle_ids",
    "requester",
    "v3",
    "verify_payload",
    "webhooks",
]
