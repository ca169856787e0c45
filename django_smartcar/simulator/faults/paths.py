"""Paths that faults and latencies can be set for, and the v3 paths that a v2 path includes."""

from __future__ import annotations

from collections.abc import Iterator

from ..vehicles.signal_names import SIGNAL_CODES, SIGNAL_NAMES, code_of
from ..vehicles.systems import SYSTEMS

#: Signals of v3 with the same data, by GET path of v2.
SIGNALS_BY_V2_PATH = {
    "vin": ("vehicleidentification-vin",),
    "odometer": ("odometer-traveleddistance",),
    "location": ("location-preciselocation",),
    "fuel": tuple(f"internalcombustionengine-{name}" for name in ("amountremaining", "fuellevel", "range")),
    "battery": ("tractionbattery-range", "tractionbattery-stateofcharge"),
    "battery/capacity": ("tractionbattery-nominalcapacity",),
    "battery/nominal_capacity": ("tractionbattery-nominalcapacity",),
    "charge": ("charge-detailedchargingstatus", "charge-ischarging", "charge-ischargingcableconnected"),
    "charge/limit": ("charge-chargelimits",),
    "engine/oil": ("internalcombustionengine-oillife",),
    "tires/pressure": ("wheel-tires",),
    "security": (
        *(code_of("Closure", name) for name in SIGNAL_NAMES["Closure"]),
        "charge-ischargingportflapopen",
    ),
    "diagnostics/system_status": tuple(code_of("Diagnostics", system.name) for system in SYSTEMS),
    "diagnostics/dtcs": ("diagnostics-dtccount", "diagnostics-dtclist"),
    "service/history": ("service-records",),
}

#: Paths of v3 with the same effect, by POST path of v2.
_V3_PATHS_BY_V2_POST = {
    "batch": ("signals",),
    "security": ("commands/security/lock", "commands/security/unlock"),
    "charge": ("commands/charge/start", "commands/charge/stop"),
    "charge/limit": ("commands/charge/set-limit",),
    "navigation/destination": ("commands/navigation/set-destination",),
}


def _v2_equivalents() -> Iterator[tuple[str, tuple[str, str]]]:
    for path, codes in SIGNALS_BY_V2_PATH.items():
        yield from ((f"signals/{code}", ("GET", path)) for code in codes)
    for path, v3_paths in _V3_PATHS_BY_V2_POST.items():
        yield from ((v3_path, ("POST", path)) for v3_path in v3_paths)


#: Methods and paths of v2 whose faults apply as well, by path of v3.
V2_EQUIVALENTS: dict[str, list[tuple[str, str]]] = {}
for _path, _method_and_path in _v2_equivalents():
    V2_EQUIVALENTS.setdefault(_path, []).append(_method_and_path)

#: The paths below a vehicle, except those of charge schedules. All but the signals are spelled out here,
#: because the modules that serve them import `faults`.
VEHICLE_PATHS = (
    "/",
    "permissions",
    "batch",
    "vin",
    "odometer",
    "location",
    "fuel",
    "battery",
    "battery/capacity",
    "battery/nominal_capacity",
    "charge",
    "charge/limit",
    "engine/oil",
    "tires/pressure",
    "security",
    "diagnostics/system_status",
    "diagnostics/dtcs",
    "service/history",
    "navigation/destination",
    "tesla/attributes",
    "tesla/status",
    "tesla/charge/ammeter",
    "tesla/charge/wattmeter",
    "tesla/charge/schedule",
    "tesla/charge/records",
    "tesla/charge/records/billing",
    "tesla/charge/completion",
    "tesla/charge/voltmeter",
    "tesla/climate/cabin",
    "tesla/climate/defroster",
    "tesla/climate/steering_wheel",
    "tesla/compass",
    "tesla/security",
    "tesla/speedometer",
    "tesla/thermometer/interior",
    "tesla/thermometer/exterior",
    "cadillac/charge/completion",
    "cadillac/charge/voltmeter",
    "chevrolet/charge/completion",
    "chevrolet/charge/voltmeter",
    "ford/charge/schedule_by_location",
    "lincoln/charge/schedule_by_location",
    "nissan/charge/schedule",
    "tesla/charge/charge_port_door",
    "tesla/security/frunk",
    "tesla/security/trunk",
    "tesla/security/pin",
    "signals",
    *(f"signals/{code}" for code in SIGNAL_CODES),
    "commands/charge/start",
    "commands/charge/stop",
    "commands/charge/set-limit",
    "commands/charge-port/open",
    "commands/charge-port/close",
    "commands/security/lock",
    "commands/security/unlock",
    "commands/navigation/set-destination",
)

#: The paths that name no vehicle. All but the last four may have more segments.
_HOST_PATHS = (
    *("vehicles", "users", "connections", "webhooks", "subscriptions", "applications", "compatibility"),
    *("compatible-vehicles", "user", "oauth/token", "oauth2/token"),
)
_HOST_PATH_PREFIXES = _HOST_PATHS[:7]


def check_vehicle_path(path: str) -> None:
    """Raise ValueError if neither API version has this path below a vehicle."""
    if path not in VEHICLE_PATHS and not path.startswith("charge-schedules/"):
        raise ValueError(
            f"No API version has the path {path!r} below a vehicle. There are: {', '.join(VEHICLE_PATHS)}, "
            "charge-schedules/…"
        )


def check_host_path(path: str) -> None:
    """Raise ValueError if no host has this path."""
    if path not in _HOST_PATHS and path.partition("/")[0] not in _HOST_PATH_PREFIXES:
        raise ValueError(
            f"No host has the path {path!r}. If it is a path below a vehicle, pass the vehicle. "
            f"There are: {', '.join(_HOST_PATHS)}."
        )
