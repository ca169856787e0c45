"""Export stored data for the user it is about, as a stream: page by page, to limit memory use."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.utils import timezone

from ...databases import to_utc
from ...fields import EncryptedTextField
from ...models import (
    ConnectAttempt,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
    Throttle,
    VehicleCommand,
    VehicleProblem,
    VehicleSignal,
    WebhookEvent,
)
from ...querysets import in_pages
from ...secret_types import Secret

COLUMNS = ["vehicle", "car", "signal", "value", "unit", "recorded_at", "received_at", "source", "is_outlier"]

#: Fields left out of exports: secrets and internal bookkeeping.
HIDDEN = {
    "state_digest",
    "session_digest",
    "refresh_lease",
    "refresh_lease_until",
    "token_version",
    "refresh_error",
    "reauthentication_url",
    "sync_claim",
    "lease",
    "lease_until",
    "slot",
    "done",
    "last_error",
    "webhooks",
    "webhooks_error",
    "actor",
    "user",
}


def readings_csv(vehicles: QuerySet[ConnectedVehicle], *, decimal_separator: str = ".") -> Iterator[str]:
    """Yield CSV: a header, then a line for each reading of these vehicles, by vehicle, signal and time.

    With a decimal comma, semicolons separate the columns: so do the spreadsheets of those languages.
    """
    writer = csv.writer(_Echo(), delimiter=";" if decimal_separator == "," else ",")
    yield writer.writerow(COLUMNS)
    for reading in _readings(vehicles):
        yield writer.writerow([_cell(reading[name], decimal_separator) for name in COLUMNS])


def readings_json(vehicles: QuerySet[ConnectedVehicle]) -> Iterator[str]:
    """Yield a JSON list with an object for each reading of these vehicles, in the same order."""
    yield from _list(_readings(vehicles))


def person(user: Any) -> Iterator[str]:
    """Yield a JSON object with all data about a local user and their vehicles, except tokens."""
    own_vehicles = ConnectedVehicle.objects.for_user(user)
    drivers = SmartcarUser.objects.filter(user=user)
    parts: list[tuple[str, QuerySet[Any], Callable[[Any], dict[str, Any]]]] = [
        ("external_ids", ExternalId.objects.filter(user=user), _columns),
        ("smartcar_users", drivers, _columns),
        ("accounts", SmartcarAccount.objects.for_user(user), _columns),
        ("vehicles", own_vehicles, _columns),
        ("commands", VehicleCommand.objects.filter(vehicle__in=own_vehicles), _command_of(user)),
        ("problems", VehicleProblem.objects.filter(vehicle__in=own_vehicles), _columns),
        ("signals", VehicleSignal.objects.for_user(user), _columns),
        ("webhook_events", WebhookEvent.objects.about(drivers, own_vehicles), _event),
        ("connect_attempts", ConnectAttempt.objects.filter(user=user), _columns),
        ("throttles", Throttle.objects.filter(user=user), _columns),
    ]
    yield f'{{"exported_at": {_json(timezone.now())}'
    for name, rows, to_dict in parts:
        yield f',\n"{name}": '
        yield from _list(to_dict(row) for page in in_pages(rows) for row in page)
    yield ',\n"readings": '
    yield from _list(_readings(own_vehicles))
    yield "}"


def _readings(vehicles: QuerySet[ConnectedVehicle]) -> Iterator[dict[str, Any]]:
    for vehicle in chain.from_iterable(in_pages(vehicles)):
        for row in chain.from_iterable(vehicle.readings.in_signal_order()):
            columns = {name: getattr(row, name) for name in COLUMNS[2:]}
            yield {"vehicle": vehicle.smartcar_vehicle_id, "car": vehicle.name, **columns}


def _columns(row: Model) -> dict[str, Any]:
    """Return the columns of a row that are neither encrypted nor hidden."""
    return {
        field.name: row.serializable_value(field.attname)
        for field in row._meta.concrete_fields
        if not isinstance(field, EncryptedTextField) and field.name not in HIDDEN
    }


def _event(event: WebhookEvent) -> dict[str, Any]:
    return {**_columns(event), "payload": event.payload}


def _command_of(user: Any) -> Callable[[VehicleCommand], dict[str, Any]]:
    # Who else sent commands to the vehicle is another person's data.
    return lambda command: {**_columns(command), "asked_by_you": command.actor_id == user.pk}


def _list(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    separator = "["
    for item in items:
        yield f"{separator}\n{_json(item)}"
        separator = ","
    yield "[]" if separator == "[" else "\n]"


def _json(value: Any) -> str:
    return json.dumps(value, cls=_Encoder, ensure_ascii=False)


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        return super().default(to_utc(o) if isinstance(o, datetime) else o)


def _cell(value: Any, decimal_separator: str) -> Any:
    """Return a value as a CSV cell: numbers stay numbers, and no text is a formula."""
    if isinstance(value, dict | list):
        return _json(_without_formulas(value))
    if isinstance(value, float):
        return repr(float(value)).replace(".", decimal_separator)
    return to_utc(value).isoformat() if isinstance(value, datetime) else _without_formulas(value)


#: What a spreadsheet may split a line at: not only our delimiter.
_SPLITS = r"[,;|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]"
#: What it may skip at the beginning of a cell, and the signs of a formula, in full width and the like, too.
_SKIPPED = r"""[\s"\x00-\x1f\x7f\xad\u200b-\u200f\u2060\ufeff]"""
_SIGNS = r"[=+\-@\u2212\u207a-\u207c\u208a-\u208c\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]"
_FORMULA = re.compile(f"((?:^|{_SPLITS})(?:(?!{_SPLITS}){_SKIPPED})*)({_SIGNS})")


def _without_formulas(value: Any) -> Any:
    """Return text, or the texts in a JSON value, with an apostrophe wherever a formula would begin."""
    if isinstance(value, dict):
        return {_without_formulas(name): _without_formulas(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_formulas(item) for item in value]
    if not isinstance(value, str):
        return value
    text = _FORMULA.sub(r"\1'\2", value.reveal() if isinstance(value, Secret) else value)
    return "'" + text if text.startswith(("\t", "\r", "\n")) else text


class _Echo:
    """A file-like object whose ``write`` returns the line."""

    def write(self, line: str) -> str:
        return line
