"""Read in one query what a call for one vehicle needs: its account, token and rate limits, and more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connections, models, router
from django.utils import timezone

from ..conf import conf
from ..exceptions import NotCapableException, VehicleDisconnected
from ..models import (
    ApplicationToken,
    ConnectedVehicle,
    RateLimit,
    SmartcarAccount,
    VehicleCommand,
    VehicleSignal,
)
from . import _rate_limits, client

#: How long a command is refused locally after Smartcar reported that the vehicle is not capable of it.
INCAPABLE_TTL = timedelta(days=1)
INCAPABLE = ("VEHICLE_NOT_CAPABLE", "MAKE_NOT_COMPATIBLE")

#: The models whose columns are read, and their names in the query.
_PARTS: dict[str, type[models.Model]] = {
    "account": SmartcarAccount,
    "token": ApplicationToken,
    "vehicle_limit": RateLimit,
    "application_limit": RateLimit,
    "state": VehicleSignal,
}


@dataclass(frozen=True)
class Access:
    """The rows that a call for one vehicle needs, as they are now."""

    account: SmartcarAccount
    #: The application's token; None through API v2, or if there is none yet.
    token: ApplicationToken | None
    vehicle_limit: RateLimit | None
    application_limit: RateLimit | None
    #: The state of the signal that was asked for.
    state: VehicleSignal | None
    #: Whether Smartcar recently reported that the vehicle is not capable of the command.
    is_incapable: bool

    def check_limits(self) -> None:
        """Raise RateLimited if a limit of the vehicle or of the application is active."""
        if limit := _rate_limits.limit_until(_end_of(self.vehicle_limit), _end_of(self.application_limit)):
            raise limit

    def check_capability(self) -> None:
        """Raise NotCapableException if Smartcar recently reported that."""
        if self.is_incapable:
            raise NotCapableException(
                "Smartcar recently reported that the vehicle is not capable of this",
                type="COMPATIBILITY",
                code="VEHICLE_NOT_CAPABLE",
            )


def load(vehicle: ConnectedVehicle, *, signal: str = "", command: str = "") -> Access:
    """Read the rows, and set the account on the instance. Raises VehicleDisconnected.

    ``signal`` names a signal whose state is needed, ``command`` a command that is to be sent.
    """
    if not vehicle.is_connected:
        raise VehicleDisconnected(vehicle)
    row = _row(router.db_for_write(ConnectedVehicle), vehicle, signal, command)
    if row is None or not row.pop("is_connected"):
        raise VehicleDisconnected(vehicle)
    access = Access(**row)
    # Without the check of the routers: the vehicle may come from a replica.
    vehicle.account_id = access.account.pk
    foreign_key: Any = ConnectedVehicle._meta.get_field("account")
    foreign_key.set_cached_value(vehicle, access.account)
    return access


def _end_of(limit: RateLimit | None) -> datetime | None:
    return None if limit is None else limit.blocked_until


def _row(alias: str, vehicle: ConnectedVehicle, signal: str, command: str) -> dict[str, Any] | None:
    """Return the model instances by their names in the query, and two flags; None if the vehicle is gone."""
    connection = connections[alias]
    application_id = conf.SMARTCAR_CLIENT_ID if conf.SMARTCAR_API_VERSION == client.V3 else ""
    values: list[Any] = [application_id, signal, vehicle.pk]
    if command:
        since = connection.ops.adapt_datetimefield_value(timezone.now() - INCAPABLE_TTL)
        values = [command, since, *INCAPABLE, *values]
    with connection.cursor() as cursor:
        cursor.execute(_statement(alias, bool(command)), values)
        columns = cursor.fetchone()
    if columns is None:
        return None
    try:
        flags = {"is_connected": columns[0] is None, "is_incapable": bool(columns[1])}
        return {**flags, **_instances(alias, columns[2:])}
    except Exception as error:
        # The frames have the columns as they are stored, which error reports must not show.
        raise error.with_traceback(None) from None
    finally:
        del columns


@lru_cache(maxsize=8)
def _statement(alias: str, is_command: bool) -> str:
    """Return the query; with a command, its first parameters are the action, a time and two error codes."""
    quote: Callable[[Any], str] = connections[alias].ops.quote_name
    columns = [
        f"{part}.{quote(field.column)}"
        for part, model in _PARTS.items()
        for field in model._meta.concrete_fields
    ]
    named: list[type[models.Model]] = [ConnectedVehicle, VehicleCommand, *_PARTS.values()]
    table = {model: quote(model._meta.db_table) for model in named}
    keys = " ".join(
        f"WHEN '{version}' THEN '{_rate_limits.RateLimitKey('', version).application}'"
        for version in (client.V2, client.V3)
    )
    # The names are those of our own models.
    return (
        f"SELECT vehicle.disconnected_at, {_refusal(table[VehicleCommand]) if is_command else 'NULL'}, "  # noqa: S608
        f"{', '.join(columns)} FROM {table[ConnectedVehicle]} vehicle "
        f"JOIN {table[SmartcarAccount]} account ON account.id = vehicle.account_id "
        f"LEFT JOIN {table[ApplicationToken]} token "
        f"ON token.client_id = %s AND account.api_version = '{client.V3}' "
        f"LEFT JOIN {table[RateLimit]} vehicle_limit "
        f"ON vehicle_limit.{quote('key')} = vehicle.smartcar_vehicle_id "
        f"LEFT JOIN {table[RateLimit]} application_limit "
        f"ON application_limit.{quote('key')} = CASE account.api_version {keys} END "
        f"LEFT JOIN {table[VehicleSignal]} state "
        f"ON state.vehicle_id = vehicle.id AND state.{quote('signal')} = %s WHERE vehicle.id = %s"
    )


def _refusal(table: str) -> str:
    """Return the condition that Smartcar has refused a command to the vehicle for good."""
    return (
        f"EXISTS (SELECT 1 FROM {table} refused WHERE refused.vehicle_id = vehicle.id "  # noqa: S608
        "AND refused.action = %s AND refused.created_at > %s "
        "AND refused.error_type = 'COMPATIBILITY' AND refused.error_code IN (%s, %s))"
    )


def _instances(alias: str, row: Sequence[Any]) -> dict[str, Any]:
    """Return the model instances in a row; None where it has none."""
    found: dict[str, Any] = {}
    start = 0
    for name, model in _PARTS.items():
        readers = _readers(alias, model)
        values = row[start : start + len(readers)]
        start += len(readers)
        found[name] = None if values[0] is None else _instance(alias, model, readers, values)
    return found


def _instance(
    alias: str,
    model: type[models.Model],
    readers: Iterable[tuple[str, Callable[[Any], Any] | None]],
    values: Any,
) -> Any:
    names = [name for name, _ in readers]
    read = [
        value if reader is None else reader(value) for (_, reader), value in zip(readers, values, strict=True)
    ]
    return model.from_db(alias, names, read)


@lru_cache(maxsize=16)
def _readers(alias: str, model: type[models.Model]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Return each column's attribute, and the function that makes its value of what the database returned."""
    return [(field.attname, _reader(alias, field)) for field in model._meta.concrete_fields]


def _reader(alias: str, column: Any) -> Callable[[Any], Any] | None:
    connection = connections[alias]
    expression = column.cached_col
    own = column.get_db_converters(connection)
    if not (converters := [*connection.ops.get_db_converters(expression), *own]):
        return None

    def read(value: Any) -> Any:
        for converter in converters:
            value = converter(value, expression, connections[alias])
        return value

    return read
