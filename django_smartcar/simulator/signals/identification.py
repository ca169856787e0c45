"""Signals of what a vehicle is and who may use it: identification, account, connection and software."""

from __future__ import annotations

from ..store.models import Car
from ..vehicles import equipment
from .signal import Signal, value, values

_CONFIGURATION = "read_extended_vehicle_info"


def _is_online(car: Car) -> bool:
    return car.state not in ("asleep", "unreachable")


def _account_permissions(car: Car) -> list[str]:
    """Return what the owner's account at the brand may do, in the brand's words."""
    return ["vehicle_device_data", "vehicle_cmds", *(["vehicle_charging_cmds"] if car.is_electric else [])]


IDENTIFICATION = [
    Signal("ConnectivitySoftware", "CurrentFirmwareVersion", _CONFIGURATION, value(equipment.firmware)),
    Signal("ConnectivityStatus", "IsAsleep", "read_vehicle_info", value(lambda car: car.state == "asleep")),
    Signal("ConnectivityStatus", "IsDigitalKeyPaired", "read_vehicle_info", value(equipment.has_digital_key)),
    Signal("ConnectivityStatus", "IsOnline", "read_vehicle_info", value(_is_online)),
    Signal("VehicleIdentification", "ExteriorColor", _CONFIGURATION, value(equipment.color)),
    Signal("VehicleIdentification", "Nickname", _CONFIGURATION, value(equipment.nickname)),
    Signal("VehicleIdentification", "Packages", _CONFIGURATION, values(equipment.packages)),
    Signal("VehicleIdentification", "Trim", _CONFIGURATION, value(equipment.trim)),
    Signal("VehicleIdentification", "VIN", "read_vin", value(lambda car: car.vin)),
    Signal("VehicleUserAccount", "Permissions", "read_user_profile", values(_account_permissions)),
    Signal("VehicleUserAccount", "Role", "read_user_profile", value(lambda car: "Owner")),
]
