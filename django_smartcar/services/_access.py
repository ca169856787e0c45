"""Read in one query what a call for one vehicle needs: its account, token and rate limits, and more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import connections, models, router
from django.utils import timezone

from ..conf import conf
from ..exceptions import NotCapableException, VehicleDisconnected
from ..models import (
    ApplicationToken,
    ConnectedVehicle,
    RateLimit,
    SmartcarAccount,
    SmartcarUser,
    VehicleCommand,
    VehicleSignal,
)
from . import _rate_limits, client

#: How long a command is refused locally after Smartcar reported that the vehicle is not capable of it.
INCAPABLE_TTL = timedelta(days=1)
INCAPABLE = ("VEHICLE_NOT_CAPABLE", "MAKE_NOT_COMPATIBLE")

_KEY = ConnectedVehicle._meta.pk
_ACCOUNT: Any = ConnectedVehicle._meta.get_field("account")
_OWNER: Any = SmartcarUser._meta.get_field("user")
_CREATED_AT: Any = VehicleCommand._meta.get_field("created_at")


class Limit(NamedTuple):
    """The columns of a `RateLimit` that a call needs."""

    id: int
    blocked_until: datetime | None
    month: str


class StateColumns(dict[str, Any]):
    """The columns of a `VehicleSignal`, by name. Its ``repr`` does not show the value."""

    def __repr__(self) -> str:
        return f"<state of {self.get('signal')}>"


class Access(NamedTuple):
    """The rows that a call for one vehicle needs, as they are now."""

    vehicle: ConnectedVehicle
    account: SmartcarAccount
    #: The application's token; None through API v2, or if there is none yet.
    token: ApplicationToken | None
    vehicle_limit: Limit | None
    application_limit: Limit | None
    #: The state of the signal that was asked for.
    state: StateColumns | None = None
    #: Whether Smartcar recently reported that the vehicle is not capable of the command.
    is_incapable: bool = False

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
    row = _row(vehicle.pk, signal=signal, command=command) if vehicle.is_connected else None
    if row is None or row.pop("disconnected_at") is not None:
        raise VehicleDisconnected(vehicle)
    return _access(vehicle, row)


def load_owned(user: Any, key: Any, *, signal: str) -> Access:
    """Read the rows, and the vehicle itself, by its primary key; it must be one of this local user.

    Raises ConnectedVehicle.DoesNotExist or VehicleDisconnected.
    """
    is_possible = key is not None and 0 < key <= models.BigIntegerField.MAX_BIGINT
    row = _row(key, owner=user.pk, signal=signal) if is_possible and user.pk is not None else None
    if row is None:
        raise ConnectedVehicle.DoesNotExist("The user has no vehicle with this key.")
    vehicle = row.pop("vehicle")
    if row.pop("disconnected_at") is not None:
        raise VehicleDisconnected(vehicle)
    return _access(vehicle, row)


def _access(vehicle: ConnectedVehicle, row: dict[str, Any]) -> Access:
    access = Access(vehicle, **row)
    # Without the check of the routers: the vehicle may come from a replica.
    vehicle.account_id = access.account.pk
    _ACCOUNT.set_cached_value(vehicle, access.account)
    return access


def _end_of(limit: Limit | None) -> datetime | None:
    return None if limit is None else limit.blocked_until


def _row(key: Any, *, owner: Any = None, signal: str = "", command: str = "") -> dict[str, Any] | None:
    """Return the parts of the row by their names, and two flags; None if there is no such vehicle."""
    alias = router.db_for_write(ConnectedVehicle)
    connection = connections[alias]
    query = _query(alias, owner is not None, bool(signal), bool(command))
    values: list[Any] = []
    if command:
        since = _CREATED_AT.get_db_prep_value(timezone.now() - INCAPABLE_TTL, connection)
        values += [command, since, *INCAPABLE]
    values.append(conf.SMARTCAR_CLIENT_ID if conf.SMARTCAR_API_VERSION == client.V3 else "")
    if owner is not None:
        values.append(_OWNER.get_db_prep_value(owner, connection))
    if signal:
        values.append(signal)
    values.append(_KEY.get_db_prep_value(key, connection))
    with connection.cursor() as cursor:
        cursor.execute(query.statement, values)
        columns = cursor.fetchone()
    if columns is None:
        return None
    try:
        flags = {"disconnected_at": columns[0], "is_incapable": bool(columns[1])}
        return {**flags, **{part.name: part.read(columns, connection) for part in query.parts}}
    except Exception as error:
        # The frames have the columns as they are stored, which error reports must not show.
        raise error.with_traceback(None) from None
    finally:
        del columns


class _Part:
    """The columns of one model in a row, and what is made of them."""

    def __init__(self, alias: str, name: str, fields: Sequence[Any], start: int) -> None:
        self.name = name
        self._columns = slice(start, start + len(fields))
        self._make = _maker(alias, fields)
        connection = connections[alias]
        # The columns whose value is not what the database returns.
        self._converters = [
            (number, field.cached_col, converters)
            for number, field in enumerate(fields)
            if (
                converters := [
                    *connection.ops.get_db_converters(field.cached_col),
                    *field.get_db_converters(connection),
                ]
            )
        ]

    def read(self, row: Sequence[Any], connection: Any) -> Any:
        """Return what is made of a row; None if it has none."""
        values = list(row[self._columns])
        if values[0] is None:
            return None
        for number, expression, converters in self._converters:
            for convert in converters:
                values[number] = convert(values[number], expression, connection)
        return self._make(values)


def _maker(alias: str, fields: Sequence[Any]) -> Callable[[Sequence[Any]], Any]:
    names = [field.attname for field in fields]
    model = fields[0].model
    if model is VehicleSignal:
        return lambda values: StateColumns(zip(names, values, strict=True))
    return Limit._make if model is RateLimit else partial(model.from_db, alias, names)


class _Query(NamedTuple):
    statement: str
    parts: Sequence[_Part]


#: The models whose columns are read, by the names of their tables in the query.
_PARTS: dict[str, type[models.Model]] = {
    "vehicle": ConnectedVehicle,
    "account": SmartcarAccount,
    "token": ApplicationToken,
    "vehicle_limit": RateLimit,
    "application_limit": RateLimit,
    "state": VehicleSignal,
}
_TOKEN = ("id", "access_token", "access_expires_at", "token_version")
#: The columns that a read needs. Of a vehicle that is not at hand, Django reads the others if they are used.
_NEEDED: dict[type[models.Model], Collection[str]] = {
    ConnectedVehicle: (
        *("id", "account_id", "smartcar_vehicle_id", "unit_system"),
        *("reauthentication_required_at", "disconnected_at"),
    ),
    SmartcarAccount: (
        *(*_TOKEN, "smartcar_user_id", "api_version", "mode"),
        *("refresh_token", "reconnect_required_at"),
    ),
    ApplicationToken: (*_TOKEN, "client_id"),
    RateLimit: Limit._fields,
    VehicleSignal: [
        field.attname
        for field in VehicleSignal._meta.concrete_fields
        if not field.primary_key and field.name not in VehicleSignal.COMMAND_COLUMNS
    ],
}


@lru_cache(maxsize=16)
def _query(alias: str, has_owner: bool, has_signal: bool, has_command: bool) -> _Query:
    """Return the query; its parameters are in the order of `_row`."""
    quote: Callable[[Any], str] = connections[alias].ops.quote_name
    parts: list[_Part] = []
    columns = ["vehicle.disconnected_at", _refusal(quote) if has_command else "NULL"]
    for name, model in _PARTS.items():
        if (name == "vehicle" and not has_owner) or (name == "state" and not has_signal):
            continue
        fields: Sequence[Any] = model._meta.concrete_fields
        if has_owner or model in (RateLimit, VehicleSignal):
            fields = [field for field in fields if field.attname in _NEEDED[model]]
        parts.append(_Part(alias, name, fields, len(columns)))
        columns += [f"{name}.{quote(field.column)}" for field in fields]
    return _Query(f"SELECT {', '.join(columns)} FROM {_tables(quote, has_owner, has_signal)}", parts)  # noqa: S608


def _tables(quote: Callable[[str], str], has_owner: bool, has_signal: bool) -> str:
    """Return the joined tables, and the condition."""
    named: list[type[models.Model]] = [SmartcarUser, *_PARTS.values()]
    table = {model: quote(model._meta.db_table) for model in named}
    keys = " ".join(
        f"WHEN '{version}' THEN '{_rate_limits.RateLimitKey('', version).application}'"
        for version in (client.V2, client.V3)
    )
    joins = [
        f"{table[ConnectedVehicle]} vehicle",
        f"JOIN {table[SmartcarAccount]} account ON account.id = vehicle.account_id",
        f"LEFT JOIN {table[ApplicationToken]} token "
        f"ON token.client_id = %s AND account.api_version = '{client.V3}'",
        f"LEFT JOIN {table[RateLimit]} vehicle_limit "
        f"ON vehicle_limit.{quote('key')} = vehicle.smartcar_vehicle_id",
        f"LEFT JOIN {table[RateLimit]} application_limit "
        f"ON application_limit.{quote('key')} = CASE account.api_version {keys} END",
    ]
    if has_owner:
        owner = f"owner.id = account.smartcar_user_id AND owner.{quote(_OWNER.column)} = %s"
        joins.append(f"JOIN {table[SmartcarUser]} owner ON {owner}")
    if has_signal:
        of_vehicle = f"state.vehicle_id = vehicle.id AND state.{quote('signal')} = %s"
        joins.append(f"LEFT JOIN {table[VehicleSignal]} state ON {of_vehicle}")
    return f"{' '.join(joins)} WHERE vehicle.id = %s"


def _refusal(quote: Callable[[str], str]) -> str:
    """Return the condition that Smartcar has refused a command to the vehicle for good."""
    return (
        f"EXISTS (SELECT 1 FROM {quote(VehicleCommand._meta.db_table)} refused "  # noqa: S608
        "WHERE refused.vehicle_id = vehicle.id AND refused.action = %s AND refused.created_at > %s "
        "AND refused.error_type = 'COMPATIBILITY' AND refused.error_code IN (%s, %s))"
    )
