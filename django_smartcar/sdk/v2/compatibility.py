"""The compatibility API of v2: what Smartcar supports for a vehicle that is not connected yet.

API v3 has ``sdk.v3.iter_compatible_vehicles``. Each call raises a SmartcarException. Source:
smartcar.com/docs, API reference v2.0, compatibility.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ...secret_types import Secret, Vin
from .. import const
from .._http.requester import Requester, Response, default_requester, invalid, json_of
from .._response_schema import Shape, boolean, required, text, validated, whole_number
from ..connect import join_scopes


class Capability(TypedDict):
    """``reason`` is ``"VEHICLE_NOT_CAPABLE"``, ``"SMARTCAR_NOT_CAPABLE"`` or None."""

    permission: str
    endpoint: str | None
    capable: bool
    reason: str | None


class Compatibility(TypedDict):
    """``reason`` is ``"VEHICLE_NOT_COMPATIBLE"``, ``"MAKE_NOT_COMPATIBLE"`` or None."""

    compatible: bool
    reason: str | None
    capabilities: list[Capability]


class CompatibilityModel(TypedDict):
    """A model and its first and last year. ``type`` is ``"ICE"``, ``"HEV"``, ``"PHEV"`` or ``"BEV"``."""

    model: str
    start_year: int | None
    end_year: int | None
    type: str | None
    endpoints: list[str]
    permissions: list[str]


_COMPATIBILITY: Mapping[str, Shape] = {
    "compatible": required(boolean),
    "reason": text,
    "capabilities": [
        {"permission": required(text), "endpoint": text, "capable": required(boolean), "reason": text},
    ],
}
_MODEL: Mapping[str, Shape] = {
    "model": required(text),
    "start_year": whole_number,
    "end_year": whole_number,
    "type": text,
    "endpoints": [required(text)],
    "permissions": [required(text)],
}


def get_compatibility(
    vin: str,
    scope: Sequence[str],
    country: str = "US",
    *,
    client_id: str,
    client_secret: str,
    flags: str | None = None,
    requester: Requester | None = None,
    api_url: str = const.API_URL,
) -> Compatibility:
    """Return whether a vehicle can be connected, and which permissions it supports.

    ``{"compatible", "reason", "capabilities": [{"permission", "endpoint", "capable", "reason"}, …]}``;
    capabilities are known in the United States only. ``flags`` are Smartcar's (``"country:DE"``). Smartcar
    sells this feature separately: PermissionException without it. GET /compatibility.
    """
    vin, client_secret = Vin(vin), Secret(client_secret)
    params = {"vin": vin, "scope": join_scopes(scope), "country": country, "flags": flags}
    response = (requester or default_requester).call(
        "GET", f"{api_url.rstrip('/')}/compatibility", params=params, auth=(client_id, client_secret)
    )
    result: Compatibility = _checked(response, _COMPATIBILITY, json_of(response))
    return result


def get_compatibility_matrix(
    region: str,
    make: str | None = None,
    *,
    client_id: str,
    client_secret: str,
    type: str | None = None,  # noqa: A002 - Smartcar's name
    scope: Sequence[str] | None = None,
    requester: Requester | None = None,
    api_url: str = const.API_URL,
) -> dict[str, list[CompatibilityModel]]:
    """Return the supported models by make: ``{"NISSAN": [{"model", "start_year", …}, …]}``.

    ``region`` is ``"US"``, ``"CA"`` or ``"EUROPE"``. Filter by make, by ``type`` (``"BEV"``), or by
    ``scope``, all of which a model must support. An individual vehicle may differ. GET /compatibility/matrix.
    """
    client_secret = Secret(client_secret)
    params = {"region": region, "make": make, "type": type, "scope": join_scopes(scope) or None}
    response = (requester or default_requester).call(
        "GET", f"{api_url.rstrip('/')}/compatibility/matrix", params=params, auth=(client_id, client_secret)
    )
    makes = json_of(response)
    if not isinstance(makes, dict):
        raise invalid(response, "the body is not a JSON object")
    return {make: _checked(response, [_MODEL], models) for make, models in makes.items()}


def _checked(response: Response, shape: Shape, value: Any) -> Any:
    try:
        if value is None:
            raise ValueError("the body is null")
        return validated(shape, value)
    except ValueError as error:
        raise invalid(response, str(error)) from None
