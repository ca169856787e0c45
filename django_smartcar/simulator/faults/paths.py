"""Which paths a fault or a latency can be of, and what a path of v2.0 is called in v3."""

from __future__ import annotations

from collections.abc import Iterator

_SYSTEMS = ("abs", "airbag", "brakefluid", "lighting", "tirepressuremonitoring", "washerfluid")
_CLOSURES = ("doors", "enginecover", "fronttrunk", "islocked", "reartrunk", "sunroof", "windows")

#: By a reading's path in v2.0: the signals that v3 tells the same with.
SIGNALS_OF = {
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
    "security": (*(f"closure-{name}" for name in _CLOSURES), "charge-ischargingportflapopen"),
    "diagnostics/system_status": tuple(f"diagnostics-{name}" for name in _SYSTEMS),
    "diagnostics/dtcs": ("diagnostics-dtccount", "diagnostics-dtclist"),
    "service/history": ("service-records",),
}

#: By what is posted to in v2.0.
_POSTED_TO = {
    "batch": ("signals",),
    "security": ("commands/security/lock", "commands/security/unlock"),
    "charge": ("commands/charge/start", "commands/charge/stop"),
    "charge/limit": ("commands/charge/set-limit",),
    "navigation/destination": ("commands/navigation/set-destination",),
}


def _older() -> Iterator[tuple[str, tuple[str, str]]]:
    for path, codes in SIGNALS_OF.items():
        yield from ((f"signals/{code}", ("GET", path)) for code in codes)
    for path, newer in _POSTED_TO.items():
        yield from ((one, ("POST", path)) for one in newer)


#: By path in v3: the methods and paths of v2.0 that stand for it too.
OLDER: dict[str, list[tuple[str, str]]] = {}
for _path, _asked in _older():
    OLDER.setdefault(_path, []).append(_asked)

#: All below a car, but for those of charge schedules. Written out, as what answers them raises the faults.
BELOW_CAR = (
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
    "signals/charge-amperage",
    "signals/charge-amperagemax",
    "signals/charge-amperagerequested",
    "signals/charge-chargelimits",
    "signals/charge-chargetimers",
    "signals/charge-detailedchargingstatus",
    "signals/charge-ischarging",
    "signals/charge-ischargingcableconnected",
    "signals/charge-ischargingportflapopen",
    "signals/charge-isfastchargerpresent",
    "signals/charge-voltage",
    "signals/climate-externaltemperature",
    "signals/climate-internaltemperature",
    "signals/closure-doors",
    "signals/closure-enginecover",
    "signals/closure-fronttrunk",
    "signals/closure-islocked",
    "signals/closure-reartrunk",
    "signals/closure-sunroof",
    "signals/closure-windows",
    "signals/connectivitystatus-isasleep",
    "signals/connectivitystatus-isonline",
    "signals/diagnostics-abs",
    "signals/diagnostics-airbag",
    "signals/diagnostics-brakefluid",
    "signals/diagnostics-lighting",
    "signals/diagnostics-tirepressuremonitoring",
    "signals/diagnostics-washerfluid",
    "signals/diagnostics-dtccount",
    "signals/diagnostics-dtclist",
    "signals/internalcombustionengine-amountremaining",
    "signals/internalcombustionengine-fuellevel",
    "signals/internalcombustionengine-oillife",
    "signals/internalcombustionengine-range",
    "signals/location-preciselocation",
    "signals/odometer-traveleddistance",
    "signals/service-isinservice",
    "signals/service-records",
    "signals/tractionbattery-nominalcapacity",
    "signals/tractionbattery-range",
    "signals/tractionbattery-stateofcharge",
    "signals/vehicleidentification-vin",
    "signals/wheel-tires",
    "commands/charge/start",
    "commands/charge/stop",
    "commands/charge/set-limit",
    "commands/charge-port/open",
    "commands/charge-port/close",
    "commands/security/lock",
    "commands/security/unlock",
    "commands/navigation/set-destination",
)

#: The paths of hosts. Below all but the last of them there are more.
_HOSTS = (
    *("vehicles", "users", "connections", "webhooks", "subscriptions", "applications", "compatibility"),
    *("compatible-vehicles", "user", "oauth/token", "oauth2/token"),
)
_HOSTS_WITH_MORE = _HOSTS[:7]


def check_below_car(path: str) -> None:
    """Raise ValueError for a path that neither generation has below a car."""
    if path not in BELOW_CAR and not path.startswith("charge-schedules/"):
        raise ValueError(
            f"Neither generation has a path {path!r} below a car. There are: {', '.join(BELOW_CAR)}, "
            "charge-schedules/…"
        )


def check_of_host(path: str) -> None:
    """Raise ValueError for a path that no host has."""
    if path not in _HOSTS and path.partition("/")[0] not in _HOSTS_WITH_MORE:
        raise ValueError(
            f"No host has a path {path!r}; if it is one below a car, say which car. "
            f"There are: {', '.join(_HOSTS)}."
        )
