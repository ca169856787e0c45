"""The read methods that the Vehicle classes of both API versions share.

Each raises a SmartcarException when it fails: a PermissionException if the owner has not granted the scope, a
NotCapableException if the vehicle does not support it, and in API v3 a SignalNotAvailable if Smartcar has not
collected the signals (see ``sdk.v3.Vehicle.signals``).

``age`` is when the vehicle recorded the data. Where API v3 combines several signals, it is the time of the
oldest: no part is older than ``age``, and some may be newer.
"""

from collections.abc import Iterable
from typing import Any, cast

from ._periods import Day, Period, period
from .types import (
    Batch,
    Battery,
    BatteryCapacity,
    Charge,
    ChargeLimit,
    DiagnosticSystemStatus,
    DiagnosticTroubleCodes,
    EngineOil,
    Fuel,
    LockStatus,
    NominalCapacity,
    ServiceHistory,
    TirePressure,
    WithSignals,
)


class SignalMethods:
    """Reads of one vehicle together with the signals in the response. A subclass implements them."""

    def read_with_signals(self, name: str) -> WithSignals:
        """Call the read method ``name``, and return its result with the signals that it is built from."""
        raise NotImplementedError

    def batch_with_signals(self, paths: Iterable[str]) -> WithSignals:
        """Call ``batch``, and return its result with all signals in the response."""
        raise NotImplementedError

    def batch(self, paths: Iterable[str]) -> Batch:
        """Read many endpoints in one request. Return method -> its result, or the exception it would raise.

        ``paths`` are Smartcar's (``"/tires/pressure"``) or method names (``"tire_pressure"``). They fail
        independently, and each exception has its own ``retry_after``::

            for name, result in car.batch(["odometer", "/fuel"]).items():
                print(name, "failed" if isinstance(result, sdk.SmartcarException) else result)

        API v2: POST /batch, where each path counts as a request. The key of a brand's own path is
        ``"tesla_charge_ammeter"``, and its value what ``request`` returns. Raises an exception if the whole
        batch fails, as for an unknown path. API v3: GET /signals, all that Smartcar has stored for the
        vehicle; only ``"attributes"`` and ``"permissions"``, which are not signals, take a request each. The
        result of a path that API v3 does not have is a ResourceNotFoundException.
        """
        return cast(Batch, self.batch_with_signals(paths).result)


class ReadMethods(SignalMethods):
    """The read methods of one vehicle. A subclass implements ``_read``."""

    def _read(self, name: str, period: Period | None = None) -> Any:
        raise NotImplementedError

    def fuel(self) -> Fuel:
        """Return the fuel level: ``{"data": {"range", …}, "unit_system", "age"}``.

        Also ``percent_remaining`` and ``amount_remaining``. Kilometres or miles, a fraction of 1, litres or
        US gallons; European brands leave some of them None. Scope ``read_fuel``; NotCapableException for an
        electric vehicle. GET /fuel; signals internalcombustionengine-range, -fuellevel and -amountremaining.
        """
        return cast(Fuel, self._read("fuel"))

    def battery(self) -> Battery:
        """Return the battery level: ``{"data": {"percent_remaining", "range"}, "unit_system", "age"}``.

        A fraction of 1, kilometres or miles; some brands leave one of them None. Scope ``read_battery``;
        NotCapableException for a vehicle without a plug. GET /battery; signals tractionbattery-stateofcharge
        and -range.
        """
        return cast(Battery, self._read("battery"))

    def battery_capacity(self) -> BatteryCapacity:
        """Return the battery's capacity: ``{"data": {"capacity"}, "age"}``.

        Kilowatt-hours in both unit systems; Smartcar recommends ``nominal_capacity`` instead. Scope
        ``read_battery``; ServerException if Smartcar knows no capacity, or several (``code``
        ``"RECORD_NOT_FOUND"``, ``"MULTIPLE_RECORDS_FOUND"``). GET /battery/capacity; signal
        tractionbattery-nominalcapacity.
        """
        return cast(BatteryCapacity, self._read("battery_capacity"))

    def nominal_capacity(self) -> NominalCapacity:
        """Return nominal capacities: ``{"data": {"available_capacities", "capacity", "url"}, "age"}``.

        Kilowatt-hours. ``capacity`` is ``{"nominal", "source"}``, or None until one of ``[{"capacity",
        "description"}, …]`` is selected, which the owner can do at ``url``; API v3 has no ``url``. Scope
        ``read_battery``; NotCapableException for a vehicle without a plug. GET /battery/nominal_capacity;
        signal tractionbattery-nominalcapacity.
        """
        return cast(NominalCapacity, self._read("nominal_capacity"))

    def charge(self) -> Charge:
        """Return the charging state: ``{"data": {"is_plugged_in", "state"}, "age"}``.

        ``state`` is ``"CHARGING"``, ``"FULLY_CHARGED"`` or ``"NOT_CHARGING"``. In API v3 one of the two
        fields may be None. No units. Scope ``read_charge``; NotCapableException for a vehicle without a plug.
        GET /charge; signals charge-ischargingcableconnected and -detailedchargingstatus.
        """
        return cast(Charge, self._read("charge"))

    def get_charge_limit(self) -> ChargeLimit:
        """Return the charge limit: ``{"data": {"limit"}, "age"}``.

        A fraction of 1. API v3 returns the active limit, else the global one; None if there is neither. Scope
        ``read_charge``; NotCapableException for a vehicle without a plug, or without a limit. GET
        /charge/limit; signal charge-chargelimits.
        """
        return cast(ChargeLimit, self._read("get_charge_limit"))

    def engine_oil(self) -> EngineOil:
        """Return the remaining oil life: ``{"data": {"life_remaining"}, "age"}``.

        A fraction of 1, or None if the brand does not report it. Scope ``read_engine_oil``;
        NotCapableException for an electric vehicle. GET /engine/oil; signal internalcombustionengine-oillife.
        """
        return cast(EngineOil, self._read("engine_oil"))

    def tire_pressure(self) -> TirePressure:
        """Return tire pressures: ``{"data": {"front_left", …}, "unit_system", "age"}``.

        Also ``front_right``, ``back_left`` and ``back_right``. Kilopascals or pounds per square inch; None
        for a tire that the brand does not report. Scope ``read_tires``; NotCapableException without sensors.
        GET /tires/pressure; signal wheel-tires.
        """
        return cast(TirePressure, self._read("tire_pressure"))

    def lock_status(self) -> LockStatus:
        """Return the lock status and what is open: ``{"data": {"is_locked", "doors", …}, "age"}``.

        ``doors``, ``windows``, ``sunroof``, ``storage`` and ``charging_port`` are lists of ``{"type":
        "frontLeft", "status": "CLOSED"}``, empty if the brand does not report them. No units. Scope
        ``read_security``, and in API v3 ``read_charge`` for the port; NotCapableException for a vehicle that
        does not report it. GET /security; signals closure-islocked, -doors, -windows, -sunroof, -fronttrunk,
        -reartrunk, -tailgate and charge-ischargingportflapopen.
        """
        return cast(LockStatus, self._read("lock_status"))

    def diagnostic_system_status(self) -> DiagnosticSystemStatus:
        """Return the status of the vehicle's systems: ``{"data": {"systems": […]}, "age"}``.

        Each is ``{"system_id": "SYSTEM_ABS", "status": "OK" or "ALERT", "description"}``, the description
        None for most brands. No units. Scope ``read_diagnostics``; NotCapableException for most brands.
        GET /diagnostics/system_status; signals diagnostics-abs, …, -waterinfuel.
        """
        return cast(DiagnosticSystemStatus, self._read("diagnostic_system_status"))

    def diagnostic_trouble_codes(self) -> DiagnosticTroubleCodes:
        """Return the active trouble codes: ``{"data": {"active_codes": […]}, "age"}``.

        Each is ``{"code": "P0420", "timestamp"}``; the datetime is None if the brand does not report it. No
        units. Scope ``read_diagnostics``; NotCapableException for most brands.
        GET /diagnostics/dtcs; signal diagnostics-dtclist.
        """
        return cast(DiagnosticTroubleCodes, self._read("diagnostic_trouble_codes"))

    def service_history(self, start_date: Day | None = None, end_date: Day | None = None) -> ServiceHistory:
        """Return the service records: ``{"data": {"items": […]}, "unit_system", "age"}``.

        From ``start_date`` to ``end_date``, both days included; by default, of the last year. A record has
        ``service_id``, ``odometer_distance`` (kilometres or miles), ``service_date``, ``service_tasks``,
        ``service_details`` and ``service_cost``, any of which may be None. Scope ``read_service_history``;
        NotCapableException for most brands; ValueError for text that is not a date. GET /service/history;
        signal service-records.
        """
        return cast(ServiceHistory, self._read("service_history", period(start_date, end_date)))
