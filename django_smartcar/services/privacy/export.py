"""What is stored, for the person it is about: piece by piece, so that no amount of it fills the memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
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
    VehicleReading,
    WebhookEvent,
)
from ...querysets import in_pages

COLUMNS = ["vehicle", "car", "kind", "value", "unit", "recorded_at", "fetched_at", "source", "is_outlier"]

#: What opens something, or is this site's own business.
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


def readings_csv(rows: QuerySet[VehicleReading]) -> Iterator[str]:
    """A line for each reading, after one with the names of the columns."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for reading in _readings(rows):
        yield writer.writerow([_cell(reading[name]) for name in COLUMNS])


def readings_json(rows: QuerySet[VehicleReading]) -> Iterator[str]:
    """A list of objects, one for each reading."""
    yield from _list(_readings(rows))


def person(user: Any) -> Iterator[str]:
    """An object with all that is stored about a local user and their cars, but for tokens."""
    own_cars = ConnectedVehicle.objects.for_user(user)
    drivers = SmartcarUser.objects.filter(user=user)
    parts: list[tuple[str, QuerySet[Any], Callable[[Any], dict[str, Any]]]] = [
        ("external_ids", ExternalId.objects.filter(user=user), _facts),
        ("smartcar_users", drivers, _facts),
        ("accounts", SmartcarAccount.objects.for_user(user), _facts),
        ("vehicles", own_cars, _facts),
        ("commands", VehicleCommand.objects.filter(vehicle__in=own_cars), _command_of(user)),
        ("problems", VehicleProblem.objects.filter(vehicle__in=own_cars), _facts),
        ("webhook_events", WebhookEvent.objects.about(drivers, own_cars), _event),
        ("connect_attempts", ConnectAttempt.objects.filter(user=user), _facts),
    ]
    yield f'{{"exported_at": {_json(timezone.now())}'
    for name, rows, facts in parts:
        yield f',\n"{name}": '
        yield from _list(facts(row) for page in in_pages(rows) for row in page)
    yield ',\n"readings": '
    yield from _list(_readings(VehicleReading.objects.for_user(user)))
    yield "}"


def _readings(rows: QuerySet[VehicleReading]) -> Iterator[dict[str, Any]]:
    for page in in_pages(rows.select_related("vehicle")):
        for row in page:
            kept = {name: getattr(row, name) for name in COLUMNS[2:]}
            yield {"vehicle": row.vehicle.smartcar_vehicle_id, "car": row.vehicle.name, **kept}


def _facts(row: Model) -> dict[str, Any]:
    """Every column of a row that is neither a token nor hidden."""
    return {
        field.name: row.serializable_value(field.attname)
        for field in row._meta.concrete_fields
        if not isinstance(field, EncryptedTextField) and field.name not in HIDDEN
    }


def _event(event: WebhookEvent) -> dict[str, Any]:
    return {**_facts(event), "payload": event.payload}


def _command_of(user: Any) -> Callable[[VehicleCommand], dict[str, Any]]:
    # Who else has commanded the car is somebody else's data.
    return lambda command: {**_facts(command), "asked_by_you": command.actor_id == user.pk}


def _list(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    before = "["
    for item in items:
        yield f"{before}\n{_json(item)}"
        before = ","
    yield "[]" if before == "[" else "\n]"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _cell(value: Any) -> Any:
    """A value as a spreadsheet takes it: a text from elsewhere must not be a formula there."""
    if isinstance(value, dict | list):
        return _json(value)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value.isoformat() if hasattr(value, "isoformat") else value


class _Echo:
    """A file that gives back what is written into it."""

    def write(self, line: str) -> str:
        return line
