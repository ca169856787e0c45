"""Save the simulator's state to a JSON file and load it, so that connected vehicles survive a restart."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from .models import (
    AccessToken,
    ApplicationToken,
    Car,
    Code,
    Grant,
    Limits,
    Owner,
    RefreshToken,
    State,
    Webhook,
)

VERSION = 1

_RECORDS: dict[str, type[Any]] = {
    "owners": Owner,
    "cars": Car,
    "grants": Grant,
    "codes": Code,
    "access_tokens": AccessToken,
    "refresh_tokens": RefreshToken,
}
#: Tables that older snapshots lack.
_NEWER_RECORDS: dict[str, type[Any]] = {"application_tokens": ApplicationToken, "webhooks": Webhook}

#: Fields of older snapshots: old name -> new name.
_RENAMED = {"command_error": "fault", "most_vehicles": "max_vehicles"}
#: Fields of older snapshots that are ignored.
_REMOVED: dict[type[Any], tuple[str, ...]] = {Grant: ("user",)}


class UnreadableSnapshot(Exception):
    """The file exists and is not a snapshot of this version."""


def read(path: Path) -> State:
    """Load the state from this file. Return an empty state if there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return State()
    except (OSError, ValueError) as error:
        raise UnreadableSnapshot(str(error)) from error
    try:
        return _state_from(json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableSnapshot(f"{type(error).__name__}: {error}") from error


def write(path: Path, state: State) -> None:
    """Replace the file atomically: a process killed while writing leaves the old snapshot intact."""
    document = json.dumps({"version": VERSION, **asdict(state)}, default=datetime.isoformat, indent=1)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(document)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def move_aside(path: Path) -> Path:
    """Rename an unreadable snapshot, so that it is not overwritten. Return the new path."""
    aside = path.with_name(f"{path.name}.unreadable")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.unreadable-{number}")
    os.replace(path, aside)
    return aside


def _state_from(document: dict[str, Any]) -> State:
    if document["version"] != VERSION:
        raise ValueError(f"snapshot version is {document['version']}, expected {VERSION}")
    tables = {name: document[name] for name in _RECORDS} | {
        name: document.get(name, {}) for name in _NEWER_RECORDS
    }
    records = {
        name: {key: _record_from(record, values) for key, values in tables[name].items()}
        for name, record in (_RECORDS | _NEWER_RECORDS).items()
    }
    return State(
        **records,
        subscriptions=document["subscriptions"],
        limits=_record_from(Limits, document.get("limits", {})),
        faults=document.get("faults", {}),
        redirect_uris=document.get("redirect_uris", []),
        clock_offset=document.get("clock_offset", 0),
    )


def _record_from(record: type[Any], values: dict[str, Any]) -> Any:
    datetimes = [field.name for field in fields(record) if "datetime" in str(field.type)]
    for old in _REMOVED.get(record, ()):
        values.pop(old, None)
    for old, new in _RENAMED.items():
        if old in values:
            values[new] = values.pop(old)
    for name in datetimes:
        if values.get(name) is not None:
            values[name] = datetime.fromisoformat(values[name])
    return record(**values)
