"""Vehicles: read their values, sync them with Smartcar, and disconnect them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from django.db import router, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import databases, sdk, signals
from ...conf import conf
from ...databases import primary
from ...exceptions import (
    NotCapableException,
    PermissionException,
    PermissionMissing,
    ReconnectRequired,
    ResourceNotFoundException,
    SignalNotAvailable,
    SmartcarException,
)
from ...models import ConnectedVehicle, SmartcarAccount, SmartcarUser, VehicleSignal, WebhookEvent
from ...sdk.readings import PERMISSIONS, SOURCES, is_single
from ...sdk.signals import Signal
from ...sdk.v2.signals import METHODS
from .. import _access, _authenticated_calls, _rate_limits, readings, tokens, webhooks
from .._access import Access
from ..webhooks import subscriptions
from . import _details
from ._compatibility import Capabilities, capabilities, is_supported
from ._details import MAX_ID_LENGTH, VehicleDetails, read_all

__all__ = [
    "Capabilities",
    "DASHBOARD_READINGS",
    "MAX_ID_LENGTH",
    "capabilities",
    "disconnect",
    "disconnect_at_smartcar",
    "is_supported",
    "location",
    "lock_owner",
    "mark_disconnected",
    "observations_of",
    "odometer",
    "read",
    "read_all",
    "read_by_key",
    "refresh_readings",
    "reload",
    "store",
    "sync",
]

logger = logging.getLogger(__name__)


@sensitive_variables()
def odometer(vehicle: ConnectedVehicle) -> sdk.Odometer:
    """Read the odometer and save it.

    ``{"data": {"distance": 104.32}, "unit_system": "metric", "age": datetime}``: kilometres or miles, by the
    vehicle's ``unit_system``; ``age`` is when the vehicle recorded it, or None.
    Raises VehicleDisconnected, a SmartcarException, or as `tokens.access_token` does.
    """
    return cast(sdk.Odometer, _read_one(vehicle.pk, "odometer", partial(_access.load, vehicle)))


@sensitive_variables()
def location(vehicle: ConnectedVehicle) -> sdk.Location:
    """Read the location and save it.

    ``{"data": {"latitude": 37.4, "longitude": 122.1}, "age": datetime}``: degrees; ``age`` as in `odometer`.
    Raises VehicleDisconnected, a SmartcarException, or as `tokens.access_token` does.
    """
    return cast(sdk.Location, _read_one(vehicle.pk, "location", partial(_access.load, vehicle)))


@sensitive_variables()
def read_by_key(user: Any, key: Any, name: str) -> Any:
    """Read one value of a user's vehicle by its primary key, and save it.

    ``name`` is a method of the SDK that needs one signal, such as ``"odometer"``; the result is that of the
    method. One query finds the vehicle, if it belongs to this local user, with all that the request needs:
    that takes less CPU time than to get the vehicle first. Raises ConnectedVehicle.DoesNotExist if the user
    has no such vehicle, ValueError for another name, and as `odometer` does.
    """
    if name not in SOURCES or not is_single(name):
        raise ValueError(f"{name!r} is not read as one signal")
    key = ConnectedVehicle._meta.pk.get_prep_value(key)
    return _read_one(key, name, partial(_access.load_owned, user, key))


def _read_one(key: Any, name: str, load: Callable[..., Access]) -> Any:
    signal = SOURCES[name].names[0]
    with _authenticated_calls.opened(key, partial(load, signal=signal)) as (session, access):
        try:
            found = session.call(lambda car: car.read_with_signals(name), PERMISSIONS[name], retry=True)
        except (NotCapableException, PermissionException) as error:
            readings.save_many(readings.failures_of(access.vehicle, name, error))
            raise
    readings.save_read(access, found.signals)
    return found.result


@sensitive_variables()
def read(
    vehicle: ConnectedVehicle, names: Iterable[str], *, max_age: timedelta | None = None
) -> dict[str, Any]:
    """Read many values in one request and save them: name -> what was read, or an exception.

    A name is that of a method of the SDK, ``"odometer"`` to ``"service_history"`` (``sdk.readings.SOURCES``),
    whose result is what the method returns or raises; or that of any other signal (``sdk.signals.TYPES``),
    whose result is its state, a `VehicleSignal`. Its status says why it has no value. Through API v2, a
    signal that only API v3 has is a SignalNotAvailable.

    Without the driver's permission a value is not requested, and its result is a PermissionException. Each
    exception has its own ``retry_after``. Values younger than ``max_age`` come from the database.

    Raises ValueError for an unknown name, TypeError if ``max_age`` is not a timedelta, VehicleDisconnected,
    a SmartcarException if the request failed as a whole, or as `tokens.access_token` does.
    """
    wanted = _validate_names(names)
    if max_age is not None and not isinstance(max_age, timedelta):
        raise TypeError(
            f"max_age must be a timedelta, like timedelta(minutes=10), not {type(max_age).__name__}."
        )
    account = _authenticated_calls.account_of(vehicle)
    permitted = [name for name in wanted if vehicle.can(_permission(name))]
    values = {} if max_age is None else readings.cached(vehicle, permitted, max_age)
    for name in permitted:
        if not _is_told(account, name):
            values[name] = SignalNotAvailable(f"API v2 does not tell {name}", type="RESOURCE_NOT_FOUND")
    if requested := [name for name in permitted if name not in values]:
        values |= _read_batch(vehicle, requested)
    return {
        name: values[name] if name in values else PermissionMissing(scope=_permission(name))
        for name in wanted
    }


def _read_batch(vehicle: ConnectedVehicle, names: list[str]) -> dict[str, Any]:
    """Request these readings and signals, save all signals in the response, and return them by name."""
    signal_names = [name for name in names if name not in PERMISSIONS]
    paths = [name for name in names if name in PERMISSIONS]
    if vehicle.account.uses_v3:
        paths += signal_names  # the one response has all signals
    else:
        paths = list(dict.fromkeys([*paths, *(METHODS[name] for name in signal_names)]))
    cost = _authenticated_calls.cost(vehicle.account, paths)
    found = _authenticated_calls.call(vehicle, lambda car: car.batch_with_signals(paths), requests=cost)
    responses = {name: found.result[name] for name in paths if name in found.result}
    for name, response in responses.items():
        if isinstance(response, SmartcarException) and not (vehicle.account.uses_v3 and name in signal_names):
            _authenticated_calls.complete(response, vehicle.account, _permission(name))
            _rate_limits.record_failure(vehicle, response, 0)  # the batch itself has been counted
    readings.save_many(observations_of(vehicle, found.signals))
    return {**responses, **_states(vehicle, signal_names, responses)}


def _states(vehicle: ConnectedVehicle, names: list[str], responses: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of each signal, or the exception of the reading that has it."""
    if not names:
        return {}
    # Not from a replica: they have just been saved.
    rows = primary(VehicleSignal).filter(vehicle=vehicle, signal__in=names)
    stored = {state.signal: state for state in rows}
    states: dict[str, Any] = {}
    for name in names:
        response = responses.get(METHODS.get(name, ""))
        is_failed = isinstance(response, SmartcarException) and not vehicle.account.uses_v3
        states[name] = response if is_failed else readings.state_of(vehicle, name, stored)
    return states


def observations_of(vehicle: ConnectedVehicle, signals: Iterable[Signal]) -> Iterator[readings.Observation]:
    """Return the observations in the signals of a batch.

    API v2 reads only what the driver has granted; API v3 answers with all signals that it has.
    """
    return readings.observations_of(vehicle, signals, granted_only=vehicle.account.uses_v3)


def _permission(name: str) -> str:
    """Return the permission that a reading or a signal needs."""
    return PERMISSIONS[name] if name in PERMISSIONS else sdk.signals.TYPES[name].permission


def _is_told(account: SmartcarAccount, name: str) -> bool:
    """Return whether the account's API has this reading or signal."""
    return account.uses_v3 or name in PERMISSIONS or name in METHODS


#: What `refresh_readings` reads: the values on a vehicle's page.
DASHBOARD_READINGS = (
    *("odometer", "battery", "fuel", "charge", "get_charge_limit"),
    *("lock_status", "tire_pressure", "engine_oil", "location"),
)


def refresh_readings(vehicle: ConnectedVehicle) -> None:
    """Read the permitted values of a vehicle's page in one request, and save them.

    Values that the vehicle does not have, or that Smartcar has not collected, do not count as failures unless
    every value failed. Raises as `read` does, or the first SmartcarException, after saving the rest.
    """
    values = read(vehicle, [name for name in DASHBOARD_READINGS if vehicle.can(PERMISSIONS[name])])
    failures = [value for value in values.values() if isinstance(value, SmartcarException)]
    expected = () if len(failures) == len(values) else (NotCapableException, SignalNotAvailable)
    for failure in failures:
        if not isinstance(failure, expected):
            raise failure


def reload(vehicle: ConnectedVehicle) -> None:
    """Reload the vehicle's details, permissions and readings from Smartcar. Raises as `refresh_readings`."""
    account, vehicle_id = _authenticated_calls.account_of(vehicle), vehicle.smartcar_vehicle_id
    details = _authenticated_calls.as_driver(
        account, lambda credentials: _details.read(credentials, vehicle_id)
    )
    if columns := details.columns():
        primary(ConnectedVehicle).filter(pk=vehicle.pk).update(**columns)
    databases.reload(vehicle)
    refresh_readings(vehicle)
    if details.failed is not None:
        raise details.failed


def sync(account: SmartcarAccount) -> list[ConnectedVehicle]:
    """Update the account's vehicles, their details and permissions from Smartcar; return the vehicles.

    Vehicles that Smartcar no longer lists are marked as disconnected. A vehicle that has moved to a newer
    account stays there. Raises ReconnectRequired, RefreshInProgress or a SmartcarException, with nothing
    changed.
    """
    own = primary(ConnectedVehicle).filter(account=account)
    before = set(own.connected().values_list("pk", flat=True))
    found = _authenticated_calls.as_driver(account, read_all)
    with transaction.atomic(using=router.db_for_write(ConnectedVehicle)):
        owner = lock_owner(account.smartcar_user_id)
        elsewhere = primary(ConnectedVehicle).filter(account__smartcar_user=owner).exclude(account=account)
        taken = set(elsewhere.values_list("smartcar_vehicle_id", flat=True))
        listed = [details.vehicle_id for details in found]
        returned = own.filter(smartcar_vehicle_id__in=listed).exclude(disconnected_at=None)
        subscriptions.reset(returned)
        synced = store(account, [details for details in found if details.vehicle_id not in taken])
        gone = list(own.filter(pk__in=before).exclude(smartcar_vehicle_id__in=listed))
        primary(ConnectedVehicle).filter(pk__in=[vehicle.pk for vehicle in gone]).update(
            disconnected_at=timezone.now()
        )
    for vehicle in gone:
        databases.reload(vehicle)
        signals.vehicle_disconnected.send_robust(ConnectedVehicle, vehicle=vehicle, actor=None)
    return synced


def lock_owner(smartcar_user_id: str) -> SmartcarUser:
    """Lock the user's row until the transaction ends: one process at a time writes its vehicles."""
    owner: SmartcarUser = primary(SmartcarUser).select_for_update().get(pk=smartcar_user_id)
    return owner


def store(
    account: SmartcarAccount, found: Iterable[VehicleDetails], connected_at: datetime | None = None
) -> list[ConnectedVehicle]:
    """Save the vehicles of `read_all` to this account. The caller must hold `lock_owner`.

    ``connected_at`` is when the driver began to connect those that are not connected; now by default. After
    the commit, their webhook events that have arrived since are made due.
    """
    found, connected_at = list(found), connected_at or timezone.now()
    _begin_again(account, [details.vehicle_id for details in found], connected_at)
    stored = [_store(account, details, connected_at) for details in found]
    alias = router.db_for_write(ConnectedVehicle)
    transaction.on_commit(partial(webhooks.wake, stored), using=alias, robust=True)
    return stored


def disconnect(vehicle: ConnectedVehicle, *, actor: Any = None) -> bool:
    """Disconnect the vehicle at Smartcar, then mark the row. The row and its readings are kept.

    Return False if the account's tokens no longer work, so that only the row was marked; otherwise True.
    Raises VehicleDisconnected, RefreshInProgress or a SmartcarException: the vehicle is still connected then.
    """
    # A new connection updates the row: a vehicle that was connected again meanwhile must stay connected.
    before = primary(ConnectedVehicle).values_list("updated_at", flat=True).get(pk=vehicle.pk)
    is_disconnected = True
    try:
        disconnect_at_smartcar(vehicle)
    except ReconnectRequired as error:
        if error.status_code is not None:
            raise  # the brand needs a new login: the tokens work, and the vehicle is still connected
        is_disconnected = False
    account = _authenticated_calls.stored_account(vehicle)
    if mark_disconnected(vehicle, actor, before):
        tokens.clear_tokens_if_unused(account)
    return is_disconnected


def disconnect_at_smartcar(vehicle: ConnectedVehicle) -> None:
    """End the vehicle's connection at Smartcar, if there still is one. The row is not changed."""
    subscriptions.end(vehicle)
    try:
        _authenticated_calls.call(vehicle, lambda car: car.disconnect(), requests=0)
    except (PermissionException, ResourceNotFoundException) as error:
        if not _authenticated_calls.is_gone(error, vehicle.account):
            raise
        logger.info("vehicle %s was already disconnected at Smartcar", vehicle.pk)


def mark_disconnected(vehicle: ConnectedVehicle, actor: Any = None, unless_after: Any = None) -> bool:
    """Mark the row as disconnected and send `vehicle_disconnected`.

    Return False if the row was updated after ``unless_after``, by a new connection.
    """
    rows = primary(ConnectedVehicle).filter(pk=vehicle.pk)
    if unless_after is not None:
        rows = rows.filter(updated_at=unless_after)
    marked = rows.update(disconnected_at=timezone.now())
    databases.reload(vehicle)
    if marked:
        signals.vehicle_disconnected.send_robust(ConnectedVehicle, vehicle=vehicle, actor=actor)
    return bool(marked)


def _validate_names(names: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        raise ValueError(f"names must be a list of strings, not one string: [{names!r}]")
    wanted = list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in PERMISSIONS and name not in sdk.signals.TYPES]:
        raise ValueError(
            f"{', '.join(map(repr, unknown))}: unknown name; choose from {', '.join(PERMISSIONS)}, "
            "or a signal's name"
        )
    return wanted


def _begin_again(account: SmartcarAccount, vehicle_ids: list[str], connected_at: datetime) -> None:
    """Begin a new period for vehicles that this user had disconnected; others may have had them meanwhile.

    The user's events of the last period get the user's id, unless another user had the vehicle, too.
    """
    rows = primary(ConnectedVehicle).filter(smartcar_vehicle_id__in=vehicle_ids)
    own = rows.filter(account__smartcar_user=account.smartcar_user)
    returned = own.exclude(disconnected_at=None)
    if returned.exists():
        events = primary(WebhookEvent)
        others = rows.exclude(account__smartcar_user=account.smartcar_user)
        of_user = events.filter(events.without_user(returned)).exclude(events.without_user(others))
        of_user.update(smartcar_user_id=account.smartcar_user_id)
        returned.update(connected_at=connected_at)


def _store(account: SmartcarAccount, details: VehicleDetails, connected_at: datetime) -> ConnectedVehicle:
    columns = {**details.columns(), "account": account}
    # Two users may connect the same vehicle, each with an account of their own: match this user's row.
    vehicle, _created = ConnectedVehicle.objects.update_or_create(
        account__smartcar_user=account.smartcar_user,
        smartcar_vehicle_id=details.vehicle_id,
        defaults={**columns, "disconnected_at": None},
        create_defaults={
            **columns,
            "smartcar_vehicle_id": details.vehicle_id,
            "connected_at": connected_at,
            "unit_system": conf.SMARTCAR_UNIT_SYSTEM,
        },
    )
    return vehicle
