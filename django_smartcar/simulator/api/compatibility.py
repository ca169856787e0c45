"""compatibility.api.smartcar.com, ``/v3/compatible-vehicles``: the supported models (API v3). No token."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from ..behaviour.commands_v3 import V3_COMMANDS
from ..errors.v3 import malformed, not_found
from ..signals.catalog import SIGNALS
from ..vehicles.catalog import MAKES, REGIONS, Make, Model, find_make, regions
from .v3_pagination import paginate
from .v3_responses import v3_api_view

_POWERTRAINS = ("ICE", "BEV", "PHEV")

#: What vehicles of a powertrain lack, as signals name it.
_MISSING = {"BEV": "tank", "ICE": "plug"}


class _RegionalModel(NamedTuple):
    """A model in one region: one row of the list."""

    make: Make
    model: Model
    region: str


@v3_api_view
def compatible_vehicles(request: HttpRequest) -> HttpResponseBase:
    """List the models, filtered by make, region and powertrain."""
    if request.method != "GET":
        raise not_found("path")
    region = _choice(request, "filter[region]", REGIONS)
    powertrain = _choice(request, "filter[powertrainType]", _POWERTRAINS)
    found = _models(request.GET.get("filter[make]"), region, powertrain)
    body = paginate(request, found, _resource, size=50)
    # This host calls the page number ``page``; the others call it ``pageNumber``.
    meta = {"page": body["meta"].pop("pageNumber"), **body["meta"]}
    return JsonResponse(body | {"meta": meta})


@v3_api_view
def path_not_found(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer any other path of this host with 404."""
    raise not_found("path")


def _choice(request: HttpRequest, name: str, allowed: tuple[str, ...]) -> str | None:
    value = request.GET.get(name)
    if value is not None and value not in allowed:
        raise malformed(f"{name} must be one of: [{','.join(allowed)}]")
    return value


def _models(make: str | None, region: str | None, powertrain: str | None) -> list[_RegionalModel]:
    """Return every model in every region, or those of one make, region or powertrain."""
    return [
        _RegionalModel(each, model, each_region)
        for each in MAKES.values()
        if make is None or each is find_make(make)
        for model in each.models
        if powertrain in (None, model.powertrain)
        for each_region in regions(each)
        if region in (None, each_region)
    ]


def _resource(one: _RegionalModel) -> dict[str, Any]:
    """Return a model as JSON:API resource."""
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
    missing = _MISSING.get(powertrain)
    signals = [
        {
            "type": "signal",
            "name": signal.name,
            "group": signal.group,
            "code": signal.code,
            "capability": "supported",
            "permission": signal.scope,
        }
        for signal in SIGNALS.values()
        if signal.needs != missing
    ]
    commands = [
        {
            "type": "command",
            "name": path.partition("/")[2],
            "group": path.partition("/")[0],
            "code": v3_command.kind,
            "capability": "supported",
            "permission": v3_command.command.scope,
        }
        for path, v3_command in V3_COMMANDS.items()
        if not (missing == "plug" and path.startswith("charge"))
    ]
    return signals + commands
