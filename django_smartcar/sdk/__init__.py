"""Smartcar over requests. No Django: usable alone.

    from django_smartcar import sdk

    client = sdk.AuthClient(client_id, client_secret, redirect_uri, scope=["read_odometer"])
    client.get_auth_url(state=state)             # send the driver there; the redirect brings a code
    access = client.exchange_code(code)
    for vehicle_id in sdk.iter_vehicle_ids(access["access_token"]):
        sdk.Vehicle(vehicle_id, access["access_token"]).odometer()["data"]["distance"]

API v3 has one token for the whole application, and the same face (see ``sdk.v3``):

    access = sdk.ApplicationAuth(client_id, client_secret).request_token()
    sdk.v3.Vehicle(vehicle_id, access["access_token"], user_id).odometer()["data"]["distance"]

Whatever goes wrong is a ``SmartcarException``; the tree of them is drawn in ``sdk.exceptions``.
"""

from . import connect, const, v3, webhooks
from ._http import USER_AGENT, Requester, call, failures
from ._http._error_bodies import exception_for
from ._http.session import MAX_CONNECTIONS
from .auth import Access, ApplicationAccess, ApplicationAuth, AuthClient, is_expired
from .exceptions import (
    AuthenticationException,
    GatewayTimeoutException,
    InvalidAnswerException,
    MonthlyLimitExceeded,
    NoAnswerException,
    NotCapableException,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    ServerException,
    SignalNotAvailable,
    SmartcarException,
    StateException,
    UnexpectedStatusException,
    ValidationException,
)
from .types import (
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
from .v2 import (
    Api,
    Capability,
    Compatibility,
    CompatibilityModel,
    Connection,
    Connections,
    Paging,
    Vehicle,
    VehicleIds,
    delete_connections,
    get_compatibility,
    get_compatibility_matrix,
    get_connections,
    get_user_id,
    get_vehicle_ids,
    iter_connections,
    iter_vehicle_ids,
)
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
    "MAX_CONNECTIONS",
    "MonthlyLimitExceeded",
    "NoAnswerException",
    "NominalCapacity",
    "NotCapableException",
    "SignalNotAvailable",
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
    "USER_AGENT",
    "UnexpectedStatusException",
    "ValidationException",
    "Vehicle",
    "VehicleAttributes",
    "VehicleIds",
    "VehicleInfo",
    "call",
    "connect",
    "const",
    "delete_connections",
    "exception_for",
    "failures",
    "get_compatibility",
    "get_compatibility_matrix",
    "get_connections",
    "get_user_id",
    "get_vehicle_ids",
    "hash_challenge",
    "is_expired",
    "iter_connections",
    "iter_vehicle_ids",
    "v3",
    "verify_payload",
    "webhooks",
]
