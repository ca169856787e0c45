"""Commands of API v3: those of API v2 under other paths, and two more. Short ones and long ones (202)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.http import JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from .. import store
from ..access.connections import Connection
from ..conf import conf
from ..errors.v2 import SmartcarError
from ..errors.v3 import malformed, shared_body
from ..faults.injection import raise_for_command
from ..store.models import Car
from ..vehicles.v2_readings import timestamp
from .commands_v2 import COMMANDS, Command
from .commands_v2 import execute as execute_v2

Attributes = dict[str, Any]


class V3Command(NamedTuple):
    """A command of API v3 and the v2 command that it runs."""

    kind: str
    command: Command
    #: Validates the request's attributes and turns them into the v2 command's body.
    parse: Callable[[Attributes], Attributes]


def _parse_nothing(attributes: Attributes) -> Attributes:
    return {}


def _parse_limit(attributes: Attributes) -> Attributes:
    percent = attributes.get("percent")
    if type(percent) is not int or not 50 <= percent <= 100:
        raise malformed("percent must be an integer from 50 to 100")
    return {"limit": percent / 100}


def parse_coordinates(attributes: Attributes) -> Attributes:
    """Return the latitude and longitude, each checked against its range."""
    place = {}
    for name, maximum in (("latitude", 90), ("longitude", 180)):
        value = attributes.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -maximum <= value <= maximum:
            raise malformed(f"{name} must be a number from -{maximum} to {maximum}")
        place[name] = value
    return place


def _fixed_body(**parameters: str) -> Callable[[Attributes], Attributes]:
    return lambda attributes: dict(parameters)


def _set_charge_port(is_open: bool) -> Callable[[Car, Attributes], None]:
    def run(car: Car, body: Attributes) -> None:
        raise_for_command(car)
        if not car.is_electric:
            raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
        car.is_charge_port_open = is_open

    return run


_CHARGE, _SECURITY = COMMANDS["charge"], COMMANDS["security"]

#: By path below ``commands/``.
V3_COMMANDS: dict[str, V3Command] = {
    "charge/start": V3Command("charge-start", _CHARGE, _fixed_body(action="START")),
    "charge/stop": V3Command("charge-stop", _CHARGE, _fixed_body(action="STOP")),
    "charge/set-limit": V3Command("charge-set-limit", COMMANDS["charge/limit"], _parse_limit),
    "charge-port/open": V3Command(
        "charge-port-open", Command("control_charge", _set_charge_port(True)), _parse_nothing
    ),
    "charge-port/close": V3Command(
        "charge-port-close", Command("control_charge", _set_charge_port(False)), _parse_nothing
    ),
    "security/lock": V3Command("security-lock", _SECURITY, _fixed_body(action="LOCK")),
    "security/unlock": V3Command("security-unlock", _SECURITY, _fixed_body(action="UNLOCK")),
    "navigation/set-destination": V3Command(
        "navigation-set-destination", COMMANDS["navigation/destination"], parse_coordinates
    ),
}


def has_attributes(v3_command: V3Command) -> bool:
    """Return whether the command's request must have a body with attributes."""
    return v3_command.parse in (_parse_limit, parse_coordinates)


def execute(
    connection: Connection, v3_command: V3Command, attributes: Attributes, reauthenticate_url: str
) -> HttpResponseBase:
    """Run the command and return its response.

    Raises `SmartcarError` for a wrong request. An error of the vehicle is in the response. A long command has
    status 202 and its result, or its error, in the body.
    """
    if v3_command.command.scope not in connection.permissions:
        raise SmartcarError("PERMISSION")
    parameters = v3_command.parse(attributes)
    started_at = store.now()

    def run() -> tuple[int, Attributes]:
        try:
            execute_v2(connection.car, v3_command.command, parameters)
        except SmartcarError as error:
            if error.code == "AUTHENTICATION_FAILED":
                error.url = reauthenticate_url
            return error.status, shared_body(error)
        return 200, {"data": _execution(v3_command.kind, attributes, started_at)}

    return _respond(run)


def _respond(run: Callable[[], tuple[int, Attributes]]) -> HttpResponseBase:
    """Return the result at once, or 202 with the result at the end of a streamed body."""
    seconds = conf.SMARTCAR_SIMULATOR_COMMAND_SECONDS
    if seconds > 0:
        # Streamed, without Content-Length: the status is sent before the result is known.
        return StreamingHttpResponse(_delayed(run, seconds), status=202, content_type="application/json")
    status, body = run()
    return JsonResponse(body, status=status)


def _delayed(run: Callable[[], tuple[int, Attributes]], seconds: float) -> Iterator[bytes]:
    yield b""  # sends the headers
    store.sleep(seconds)
    yield json.dumps(run()[1]).encode()


def _execution(kind: str, parameters: Attributes, started_at: datetime) -> Attributes:
    completed_at = store.now()
    return {
        "id": f"exec_{uuid.uuid4().hex}",
        "type": "command-execution",
        "attributes": {
            "commandType": kind,
            "status": {"value": "SUCCESS"},
            "executionMode": "async" if conf.SMARTCAR_SIMULATOR_COMMAND_SECONDS > 0 else "sync",
            "parameters": parameters,
        },
        "meta": {
            "executedAt": timestamp(started_at),
            "completedAt": timestamp(completed_at),
            "durationInSeconds": round((completed_at - started_at).total_seconds(), 3),
        },
    }
