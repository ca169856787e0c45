"""The systems of a vehicle that report OK or ALERT, in both API versions."""

from __future__ import annotations

from typing import NamedTuple

from ..store.models import Car

#: Below these values a system alerts: tire pressure (kPa), oil life, level of the 12 V battery.
_LOW_PRESSURE = 180.0
_LOW_OIL_LIFE = 0.1
_LOW_12_VOLTS = 0.4


class System(NamedTuple):
    """A system: its name in v3, its id in v2, and what a vehicle needs to have it (``plug``, ``tank``)."""

    name: str
    v2_id: str
    needs: str = ""


SYSTEMS = (
    System("ABS", "ABS"),
    System("ActiveSafety", "ACTIVE_SAFETY"),
    System("Airbag", "AIRBAG"),
    System("BrakeFluid", "BRAKE_FLUID"),
    System("DriverAssistance", "DRIVER_ASSISTANCE"),
    System("Emissions", "EMISSIONS", "tank"),
    System("EVBatteryConditioning", "EV_BATTERY_CONDITIONING", "plug"),
    System("EVCharging", "EV_CHARGING", "plug"),
    System("EVDriveUnit", "EV_DRIVE_UNIT", "plug"),
    System("EVHVBattery", "EV_HV_BATTERY", "plug"),
    System("Lighting", "LIGHTING"),
    System("MIL", "MIL"),
    System("OilLife", "OIL_LIFE", "tank"),
    System("OilPressure", "OIL_PRESSURE", "tank"),
    System("OilTemperature", "OIL_TEMPERATURE", "tank"),
    System("Telematics", "TELEMATICS"),
    System("TirePressure", "TIRE_PRESSURE"),
    System("TirePressureMonitoring", "TIRE_PRESSURE_MONITORING"),
    System("Transmission", "TRANSMISSION"),
    System("WasherFluid", "WASHER_FLUID"),
    System("WaterInFuel", "WATER_IN_FUEL", "tank"),
)


def has(car: Car, needs: str) -> bool:
    """Return whether the vehicle has what something needs: a ``plug``, a ``tank``, or nothing."""
    return {"plug": car.is_electric, "tank": car.has_engine}.get(needs, True)


def status(car: Car, system: System) -> dict[str, str | None]:
    """Return the status of a system, with a description if there is one."""
    alert = _alert(car, system.name)
    if alert is None and system.name == "EVCharging" and car.charge_state == "CHARGING":
        return {"status": "OK", "description": "Charging"}
    return {"status": "ALERT" if alert else "OK", "description": alert}


def _alert(car: Car, name: str) -> str | None:
    if name in ("Emissions", "MIL") and car.trouble_codes:
        return f"Trouble code {car.trouble_codes[0]['code']}"
    if name == "TirePressure" and min(car.tires_kpa) < _LOW_PRESSURE:
        return "Tire pressure low"
    if name == "OilLife" and car.oil_life < _LOW_OIL_LIFE:
        return "Oil change due"
    return None


def low_voltage_status(car: Car) -> str:
    """Return the state of the 12 V battery: GOOD, WARN or BAD."""
    if car.low_voltage_percent >= _LOW_12_VOLTS:
        return "GOOD"
    return "WARN" if car.low_voltage_percent >= _LOW_12_VOLTS / 2 else "BAD"
