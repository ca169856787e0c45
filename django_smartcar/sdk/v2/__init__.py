"""API v2: one token per user. When Smartcar retires it, this package can be removed."""

from ._client import Api, Paging, VehicleIds, get_user_id, get_vehicle_ids, iter_vehicle_ids
from .compatibility import (
    Capability,
    Compatibility,
    CompatibilityModel,
    get_compatibility,
    get_compatibility_matrix,
)
from .management import Connection, Connections, delete_connections, get_connections, iter_connections
from .vehicle import Vehicle

__all__ = [
    "Api",
    "Capability",
    "Compatibility",
    "CompatibilityModel",
    "Connection",
    "Connections",
    "Paging",
    "Vehicle",
    "VehicleIds",
    "delete_connections",
    "get_compatibility",
    "get_compatibility_matrix",
    "get_connections",
    "get_user_id",
    "get_vehicle_ids",
    "iter_connections",
    "iter_vehicle_ids",
]
