"""The names of all signals of API v3, by group. `signals.catalog` has their permissions and bodies."""

from __future__ import annotations

from .systems import SYSTEMS

SIGNAL_NAMES: dict[str, tuple[str, ...]] = {
    "Charge": (
        "Amperage",
        "AmperageMax",
        "AmperageRequested",
        "ChargeLimits",
        "ChargePortStatusColor",
        "ChargeRate",
        "ChargeRecords",
        "ChargerPhases",
        "ChargeTimers",
        "ChargingConnectorType",
        "DetailedChargingStatus",
        "EnergyAdded",
        "FastChargerType",
        "IsCharging",
        "IsChargingCableConnected",
        "IsChargingCableLatched",
        "IsChargingPortFlapOpen",
        "IsFastChargerPresent",
        "TimeToComplete",
        "Voltage",
        "Wattage",
    ),
    "Climate": ("ExternalTemperature", "InternalTemperature"),
    "Closure": (
        "Doors",
        "EngineCover",
        "FrontTrunk",
        "IsLocked",
        "RearTrunk",
        "Sunroof",
        "Tailgate",
        "Windows",
    ),
    "ConnectivitySoftware": ("CurrentFirmwareVersion",),
    "ConnectivityStatus": ("IsAsleep", "IsDigitalKeyPaired", "IsOnline"),
    "Diagnostics": ("DTCCount", "DTCList", *(system.name for system in SYSTEMS)),
    "HVAC": (
        "CabinTargetTemperature",
        "IsCabinHVACActive",
        "IsFrontDefrosterActive",
        "IsRearDefrosterActive",
        "IsSteeringHeaterActive",
    ),
    "InternalCombustionEngine": ("AmountRemaining", "FuelLevel", "OilLife", "Range"),
    "Location": ("IsAtHome", "PreciseLocation"),
    "LowVoltageBattery": ("StateOfCharge", "Status"),
    "Motion": ("CurrentSpeed",),
    "Odometer": ("TraveledDistance",),
    "Service": ("IsInService", "Records"),
    "Surveillance": ("Brand", "IsEnabled"),
    "TractionBattery": (
        "IsHeaterActive",
        "MaxRangeChargeCounter",
        "NominalCapacity",
        "Range",
        "StateOfCharge",
    ),
    "Transmission": ("DriveMode", "GearState"),
    "VehicleIdentification": ("ExteriorColor", "Nickname", "Packages", "Trim", "VIN"),
    "VehicleUserAccount": ("Permissions", "Role"),
    "Wheel": ("Style", "Tires"),
}


def code_of(group: str, name: str) -> str:
    """Return the code of a signal: ``odometer-traveleddistance``."""
    return f"{group}-{name}".lower()


#: The codes of all signals, in the order of the list above.
SIGNAL_CODES = tuple(code_of(group, name) for group, names in SIGNAL_NAMES.items() for name in names)
