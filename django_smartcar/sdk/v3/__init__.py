"""API v3: one token for the whole application, and the same methods as API v2.

    access = sdk.ApplicationAuth(client_id, client_secret).request_token()
    for connection in sdk.v3.iter_connections(access["access_token"], user_id=user_id):
        car = sdk.v3.Vehicle(connection["vehicle_id"], access["access_token"], user_id)
        car.odometer()["data"]["distance"]

The methods and return types are those of API v2, built from signals, and those that are new in API v3. Every
call raises a SmartcarException when it fails.
"""

from ..signals import Signal, SignalError
from ..types import VehicleAttributes
from .commands import ScheduleStatus, Window
from .connections import (
    Connection,
    delete_connection,
    delete_user,
    get_connection,
    get_vehicle,
    iter_connections,
)
from .management import (
    CompatibleVehicle,
    Subscription,
    Webhook,
    get_application,
    get_subscription,
    get_webhook,
    iter_applications,
    iter_compatible_vehicles,
    iter_subscriptions,
    iter_webhooks,
    subscribe,
    unsubscribe,
)
from .vehicle import Signals, Vehicle

__all__ = [
    "CompatibleVehicle",
    "Connection",
    "ScheduleStatus",
    "Signal",
    "SignalError",
    "Signals",
    "Subscription",
    "Vehicle",
    "VehicleAttributes",
    "Webhook",
    "Window",
    "delete_connection",
    "delete_user",
    "get_application",
    "get_connection",
    "get_subscription",
    "get_vehicle",
    "get_webhook",
    "iter_applications",
    "iter_compatible_vehicles",
    "iter_connections",
    "iter_subscriptions",
    "iter_webhooks",
    "subscribe",
    "unsubscribe",
]
