"""Export stored data for the user it is about, as a stream: page by page, to limit memory use."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.utils import timezone

from ...fields import EncryptedTextField
from ...models import (
    ConnectAttempt,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
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
    "done",
    "last_error",
    "webhooks",
    "webhooks_error",
    "actor",
    "user",
}


def readings_csv(vehicles: QuerySet[ConnectedVehicle]) -> Iterator[str]:
    """Yield CSV: a header, then a line for each reading of these vehicles, by vehicle, signal and time."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for reading in _readings(vehicles):
        yield writer.writerow([_cell(reading[name]) for name in COLUMNS])


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
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _cell(value: Any) -> Any:
    """Return a value as a CSV cell. Text must not start like a formula, which spreadsheets would execute."""
    if isinstance(value, dict | list):
        return _json(value)
    if isinstance(value, Secret):
        return _cell(value.reveal())
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value.isoformat() if hasattr(value, "isoformat") else value


class _Echo:
    """A file-like object whose ``write`` returns the line."""

    def write(self, line: str) -> str:
        return line
