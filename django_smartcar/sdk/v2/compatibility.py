"""What Smartcar can do with a car that nobody has connected yet, API v2.

API v3 has ``sdk.v3.iter_compatible_vehicles``. Each call raises a SmartcarException. Source:
smartcar.com/docs, API reference v2.0, compatibility.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ...secret_types import Secret, Vin
from .. import const
from .._http import Requester, Response, default_requester, invalid, json_of
from .._schema import Shape, boolean, required, text, validated, whole_number


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
    """A model of a make, from its first year to its last; ``type`` is ``"ICE"``, ``"HEV"``, ``"PHEV"``, …"""

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
    """Whether a car may be connected, and which permissions would work with it.

    ``{"compatible", "reason", "capabilities": [{"permission", "endpoint", "capable", "reason"}, …]}``;
    capabilities are known in the United States only. ``flags`` are Smartcar's (``"country:DE"``). Smartcar
    sells this apart: PermissionException without. GET /compatibility.
    """
    vin, client_secret = Vin(vin), Secret(client_secret)
    params = {"vin": vin, "scope": _spaced(scope), "country": country, "flags": flags}
    response = (requester or default_requester).call(
        "GET", f"{api_url.rstrip('/')}/compatibility", params=params, auth=(client_id, client_secret)
    )
    found: Compatibility = _checked(response, _COMPATIBILITY, json_of(response))
    return found


def get_compatibility_matrix(
    region: str,
    make: str | None = None,
    *,
    client_id: str,
    client_secret: str,
    type: str | None = None,  # noqa: A002 - Smartcar's word
    scope: Sequence[str] | None = None,
    requester: Requester | None = None,
    api_url: str = const.API_URL,
) -> dict[str, list[CompatibilityModel]]:
    """The models that Smartcar can talk to, by make: ``{"NISSAN": [{"model", "start_year", …}, …]}``.

    In ``"US"``, ``"CA"`` or ``"EUROPE"``; of one make, of one ``type`` (``"BEV"``), or those that can do all
    of ``scope``. For reference: it promises nothing of one car. GET /compatibility/matrix.
    """
    client_secret = Secret(client_secret)
    asked = _spaced(scope) if scope else None
    params = {"region": region, "make": make, "type": type, "scope": asked}
    response = (requester or default_requester).call(
        "GET", f"{api_url.rstrip('/')}/compatibility/matrix", params=params, auth=(client_id, client_secret)
    )
    makes = json_of(response)
    if not isinstance(makes, dict):
        raise invalid(response, "it is not a JSON object")
    return {make: _checked(response, [_MODEL], models) for make, models in makes.items()}


def _checked(response: Response, shape: Shape, value: Any) -> Any:
    try:
        if value is None:
            raise ValueError("it is null")
        return validated(shape, value)
    except ValueError as error:
        raise invalid(response, str(error)) from None


def _spaced(words: Sequence[str]) -> str:
    # A string is a sequence too: joined, it would become "r e a d".
    return words if isinstance(words, str) else " ".join(words)
