"""compatibility.api.smartcar.com: which models can be connected. Anybody may ask."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from ..errors.v3 import malformed, not_found
from . import v3_compatibility
from .v3_responses import answering_v3, page_of


@answering_v3
def compatible_vehicles(request: HttpRequest) -> HttpResponseBase:
    """The models, with filters."""
    if request.method != "GET":
        raise not_found("path")
    region = _choice(request, "filter[region]", v3_compatibility.REGIONS)
    powertrain = _choice(request, "filter[powertrainType]", v3_compatibility.POWERTRAINS)
    found = v3_compatibility.listed(request.GET.get("filter[make]"), region, powertrain)
    body = page_of(request, found, v3_compatibility.resource, size=50)
    # This host names its pages otherwise than the others do.
    meta = {"page": body["meta"].pop("pageNumber"), **body["meta"]}
    return JsonResponse(body | {"meta": meta})


@answering_v3
def missing(request: HttpRequest, path: str) -> HttpResponseBase:
    """Any other path of this host."""
    raise not_found("path")


def _choice(request: HttpRequest, name: str, known: tuple[str, ...]) -> str | None:
    value = request.GET.get(name)
    if value is not None and value not in known:
        raise malformed(f"{name} must be one of: [{','.join(known)}]")
    return value
