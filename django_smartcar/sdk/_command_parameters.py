"""Validation of command parameters, before anything is sent. The same rules hold for both API versions."""

import math
from typing import Any, Final

MIN_CHARGE_LIMIT: Final = 0.5


def check_charge_limit(limit: Any, *, whole_percent: bool = False) -> float:
    """Return ``limit``, a fraction of 1. Raise ValueError if Smartcar would reject it.

    Smartcar accepts 0.5 to 1. API v3 accepts whole percentages only: ``whole_percent`` checks that, too.
    """
    if not _is_number(limit) or not MIN_CHARGE_LIMIT <= limit <= 1:
        raise ValueError(f"the charge limit must be a number from {MIN_CHARGE_LIMIT} to 1, not {limit!r}")
    if whole_percent and not math.isclose(limit * 100, round(limit * 100), abs_tol=1e-6):
        raise ValueError(f"the charge limit must be a whole percentage, not {limit!r}")
    return limit  # type: ignore[no-any-return]


def check_coordinates(latitude: Any, longitude: Any) -> dict[str, float]:
    """Return ``{"latitude", "longitude"}``, in degrees. Raise ValueError if they are out of range.

    The error quotes neither: error texts are logged, and positions must not be.
    """
    if not (_is_number(latitude) and _is_number(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError("latitude must be a number from -90 to 90, longitude a number from -180 to 180")
    return {"latitude": latitude, "longitude": longitude}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
