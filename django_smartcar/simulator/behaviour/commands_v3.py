"""The commands of v3: the deeds of v2.0 under other paths, and a few more; short ones and long ones."""

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
from ..faults.injection import refuse_command
from ..store.models import Car
from ..vehicles.values import timestamp
from .commands_v2 import COMMANDS, Command
from .commands_v2 import execute as execute_v2

Attributes = dict[str, Any]


class V3Command(NamedTuple):
    """What is posted to, and what it stands for."""

    kind: str
    command: Command
    #: Turns what was sent into the parameters that the deed takes, or says what is wrong with it.
    read: Callable[[Attributes], Attributes]


def _nothing(attributes: Attributes) -> Attributes:
    return {}


def _limit(attributes: Attributes) -> Attributes:
    percent = attributes.get("percent")
    if type(percent) is not int or not 50 <= percent <= 100:
        raise malformed("percent must be an integer from 50 to 100")
    return {"limit": percent / 100}


def coordinates(attributes: Attributes) -> Attributes:
    """A place on earth."""
    found = {}
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = attributes.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -most <= value <= most:
            raise malformed(f"{name} must be a number from -{most} to {most}")
        found[name] = value
    return found


def _fixed(**parameters: str) -> Callable[[Attributes], Attributes]:
    return lambda attributes: dict(parameters)


def _port(is_open: bool) -> Callable[[Car, Attributes], None]:
    def act(car: Car, body: Attributes) -> None:
        refuse_command(car)
        if not car.is_electric:
            raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
        car.is_charge_port_open = is_open

    return act


_CHARGE, _SECURITY = COMMANDS["charge"], COMMANDS["security"]

#: By path below ``commands/``.
V3_COMMANDS: dict[str, V3Command] = {
    "charge/start": V3Command("charge-start", _CHARGE, _fixed(action="START")),
    "charge/stop": V3Command("charge-stop", _CHARGE, _fixed(action="STOP")),
    "charge/set-limit": V3Command("charge-set-limit", COMMANDS["charge/limit"], _limit),
    "charge-port/open": V3Command("charge-port-open", Command("control_charge", _port(True)), _nothing),
    "charge-port/close": V3Command("charge-port-close", Command("control_charge", _port(False)), _nothing),
    "security/lock": V3Command("security-lock", _SECURITY, _fixed(action="LOCK")),
    "security/unlock": V3Command("security-unlock", _SECURITY, _fixed(action="UNLOCK")),
    "navigation/set-destination": V3Command(
        "navigation-set-destination", COMMANDS["navigation/destination"], coordinates
    ),
}


def takes_attributes(found: V3Command) -> bool:
    """Whether the body says anything."""
    return found.read in (_limit, coordinates)


def execute(
    known: Connection, found: V3Command, attributes: Attributes, reauthenticate_url: str
) -> HttpResponseBase:
    """Do as the command says. What is wrong with the request is said at once, what is wrong with the car
    when the car has been asked.
    """
    if found.command.scope not in known.permissions:
        raise SmartcarError("PERMISSION")
    parameters = found.read(attributes)
    began = store.now()

    def run() -> tuple[int, Attributes]:
        try:
            execute_v2(known.car, found.command, parameters)
        except SmartcarError as error:
            if error.code == "AUTHENTICATION_FAILED":
                error.url = reauthenticate_url
            return error.status, shared_body(error)
        return 200, {"data": _execution(found.kind, attributes, began)}

    return _answer(run)


def _answer(run: Callable[[], tuple[int, Attributes]]) -> HttpResponseBase:
    """What a deed comes to: at once, or 202 and the real result at the end of a long answer."""
    seconds = conf.SMARTCAR_SIMULATOR_COMMAND_SECONDS
    if seconds > 0:
        # Streamed: no Content-Length. The status has left long before the result is known.
        return StreamingHttpResponse(_later(run, seconds), status=202, content_type="application/json")
    status, body = run()
    return JsonResponse(body, status=status)


def _later(run: Callable[[], tuple[int, Attributes]], seconds: float) -> Iterator[bytes]:
    yield b""  # sends the headers
    store.sleep(seconds)
    yield json.dumps(run()[1]).encode()


def _execution(kind: str, parameters: Attributes, began: datetime) -> Attributes:
    ended = store.now()
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
            "executedAt": timestamp(began),
            "completedAt": timestamp(ended),
            "durationInSeconds": round((ended - began).total_seconds(), 3),
        },
    }
