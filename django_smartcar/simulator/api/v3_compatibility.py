"""v3's list of the models that can be connected, and of what each of them can do."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..behaviour.commands_v3 import V3_COMMANDS
from ..signals.catalog import SIGNALS
from ..vehicles.catalog import MAKES, Make, Model, find_make

REGIONS = ("US", "CA", "EUROPE")
POWERTRAINS = ("ICE", "BEV", "PHEV")

#: Only for cars with a plug, or with a tank.
_ELECTRIC = ("charge", "tractionbattery")
_FUELLED = ("internalcombustionengine", "closure-enginecover")


class Listed(NamedTuple):
    make: Make
    model: Model
    region: str


def listed(make: str | None, region: str | None, powertrain: str | None) -> list[Listed]:
    """Every model in every region, or those of one make, region or kind of engine."""
    return [
        Listed(known, model, place)
        for known in MAKES.values()
        if make is None or known is find_make(make)
        for model in known.models
        if powertrain in (None, model.powertrain)
        for place in REGIONS
        if region in (None, place)
    ]


def resource(one: Listed) -> dict[str, Any]:
    """A model as it is listed."""
    make, model, region = one
    parts = (make.id, model.name, model.first_year, model.last_year, model.powertrain, region)
    return {
        "id": "-".join(str(part) for part in parts),
        "type": "vehicle-model-capability",
        "attributes": {
            "make": make.id,
            "model": model.name,
            "region": region,
            "powertrainType": model.powertrain,
            "years": {"start": model.first_year, "end": model.last_year},
            "capabilities": _capabilities(model.powertrain),
        },
    }


def _capabilities(powertrain: str) -> list[dict[str, Any]]:
    lacking = {"BEV": _FUELLED, "ICE": _ELECTRIC}.get(powertrain, ())
    readable = [
        {
            "type": "signal",
            "name": signal.name,
            "group": signal.group,
            "code": signal.code,
            "capability": "supported",
            "permission": signal.scope,
        }
        for signal in SIGNALS.values()
    ]
    orders = [
        {
            "type": "command",
            "name": path.partition("/")[2],
            "group": path.partition("/")[0],
            "code": found.kind,
            "capability": "supported",
            "permission": found.command.scope,
        }
        for path, found in V3_COMMANDS.items()
    ]
    return [one for one in readable + orders if not str(one["code"]).startswith(lacking)]
