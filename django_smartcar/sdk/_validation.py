"""What a car can be told: checked before it is sent, alike in both API versions."""

MIN_CHARGE_LIMIT = 0.5


def charge_limit(limit: float) -> float:
    """The limit itself; ValueError if it is not from 0.5 to 1."""
    if not MIN_CHARGE_LIMIT <= limit <= 1:
        raise ValueError(f"a charge limit is from {MIN_CHARGE_LIMIT} to 1, not {limit!r}")
    return limit


def place(latitude: float, longitude: float) -> dict[str, float]:
    """``{"latitude", "longitude"}``; ValueError if there is no such place."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"there is no place at latitude {latitude!r}, longitude {longitude!r}")
    return {"latitude": latitude, "longitude": longitude}
