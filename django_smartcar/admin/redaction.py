"""Show what is known to be harmless in a webhook payload, or in a signal's value; of the rest, type and size.

Known are the fields in the tables below, and the signals of the catalogue that say neither where a car is nor
who has it. So what Smartcar adds one day is hidden until it is listed here.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..secret_types import Coordinate, Secret
from .imports import signals

#: Ids, codes, names of types and times: nothing with a space, an @ or the form of a VIN.
_WORD = re.compile(r"[\w./:+-]{1,64}", re.ASCII)
_VIN = re.compile(r"(?<![A-Za-z0-9])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_-]{1,40}")


def scalar(value: Any) -> Any:
    """Return a number, a boolean, or text that is one word; what is anything else is described."""
    is_word = isinstance(value, str) and not isinstance(value, Secret) and _WORD.fullmatch(value)
    if is_word and not _VIN.search(value):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, Coordinate)
    return value if value is None or is_number else describe(value)


_SIGNAL_NAMES = {"code": scalar, "name": scalar, "group": scalar}


def _reference(value: Any) -> Any:
    """Return a signal that something else refers to, by its code or by an object with it."""
    return _shown(value, _SIGNAL_NAMES) if isinstance(value, Mapping) else scalar(value)


_TRIGGER = {"type": scalar, **_SIGNAL_NAMES, "signal": _reference}
_ERROR = {
    **dict.fromkeys(("type", "code", "state", "statusCode", "requestId"), scalar),
    "resolution": {"type": scalar},
    "signals": [_reference],
}
_SIGNAL = {
    **_SIGNAL_NAMES,
    "status": {"value": scalar, "error": _ERROR},
    "meta": dict.fromkeys(("oemUpdatedAt", "retrievedAt", "ingestedAt"), scalar),
}
#: The fields of payloads of versions 4 and 2.0.
_PAYLOAD: dict[str, Any] = {
    **dict.fromkeys(("eventId", "eventType", "eventName", "webhookId", "version", "mode"), scalar),
    "data": {
        "user": {"id": scalar},
        "vehicle": {"id": scalar, "mode": scalar, "powertrainType": scalar},
        "signals": [_SIGNAL],
        "errors": [_ERROR],
        "triggers": [_TRIGGER],
    },
    "triggers": [_TRIGGER],
    "meta": dict.fromkeys(
        (
            *("version", "webhookId", "deliveryId", "deliveredAt", "mode", "sequence", "signalCount"),
            "deliveryTime",
        ),
        scalar,
    ),
    "payload": {
        **dict.fromkeys(("eventId", "eventType", "eventTime", "vehicleId"), scalar),
        "vehicles": [
            {
                "vehicleId": scalar,
                "requestId": scalar,
                "data": [
                    {
                        "path": scalar,
                        "code": scalar,
                        "timestamp": scalar,
                        "headers": dict.fromkeys(
                            ("sc-data-age", "sc-fetched-at", "sc-unit-system", "sc-request-id"), scalar
                        ),
                    }
                ],
            }
        ],
    },
}

#: The paths of API v2 whose bodies say neither where a car is nor who has it.
_PATHS = {
    *(
        "odometer",
        "fuel",
        "battery",
        "battery/capacity",
        "battery/nominal_capacity",
        "charge",
        "charge/limit",
    ),
    *("engine/oil", "tires/pressure", "security", "diagnostics/system_status", "diagnostics/dtcs"),
}
#: The fields of the bodies of such paths and signals: in lower case, without underscores.
_NUMBERS = {
    *(
        "value",
        "values",
        "additionalvalues",
        "row",
        "column",
        "rowcount",
        "columncount",
        "isopen",
        "islocked",
    ),
    *(
        "tirepressure",
        "limit",
        "activelimit",
        "capacity",
        "nominal",
        "availablecapacities",
        "distance",
        "range",
    ),
    *("percentremaining", "amountremaining", "ispluggedin", "liferemaining", "frontleft", "frontright"),
    *("backleft", "backright", "doors", "windows", "sunroof", "storage", "chargingport", "systems"),
    *("activecodes", "timestamp"),
}
_WORDS = {"unit", "type", "status", "state", "source", "code", "systemid"}


def redact(payload: Any) -> Any:
    """Return a copy of a webhook payload, as `load_json` returned it, of what is known to be harmless."""
    return _shown(payload, _PAYLOAD)


def signal_value(name: str, value: Any) -> Any:
    """Return what is known to be harmless of a signal's value: ``name`` is our name, or Smartcar's code."""
    if not (json_type := signals.public_type(name)):
        return describe(value)
    return _body(value, shows_text=json_type not in ("number", "boolean"))


def describe(value: Any) -> str:
    """Return the type of a value, and its size."""
    if isinstance(value, str):
        return f"<text, {len(value)} characters>"
    if isinstance(value, list | Mapping):
        return f"<{'list' if isinstance(value, list) else 'object'}, {len(value)} items>"
    return "<nothing>" if value is None else "<number>"


def _shown(value: Any, rule: Any) -> Any:
    if isinstance(rule, dict) and isinstance(value, Mapping):
        shown = {_name(name): _shown(item, rule.get(name)) for name, item in value.items()}
        if (body := value.get("body")) is not None and (rule is _SIGNAL or "path" in rule):
            shown["body"] = _known_body(value, body)
        return shown
    if isinstance(rule, list) and isinstance(value, list):
        return [_shown(item, rule[0]) for item in value]
    return rule(value) if callable(rule) else describe(value)


def _known_body(item: Mapping[str, Any], body: Any) -> Any:
    """Return what is harmless of the body of a signal, or of a path of API v2."""
    code, path = item.get("code"), item.get("path")
    if isinstance(path, str):
        return _body(body, shows_text=False) if path.strip("/") in _PATHS else describe(body)
    return signal_value(code, body) if isinstance(code, str) else describe(body)


def _body(value: Any, *, shows_text: bool) -> Any:
    if isinstance(value, Mapping):
        return {_name(name): _field(name, item, shows_text) for name, item in value.items()}
    if isinstance(value, list):
        return [_body(item, shows_text=shows_text) for item in value]
    return scalar(value) if shows_text or not isinstance(value, str) else describe(value)


def _field(name: str, value: Any, shows_text: bool) -> Any:
    plain = name.replace("_", "").lower()
    if plain in _WORDS:
        return scalar(value)
    return _body(value, shows_text=shows_text) if plain in _NUMBERS else describe(value)


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) else describe(name)
