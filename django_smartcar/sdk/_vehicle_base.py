"""What a car can be asked, in both API versions: the methods, their words and their types, once.

Every one of them raises a SmartcarException when it fails: a PermissionException where the owner has not
granted the scope, a NotCapableException where the car has nothing of the kind, and in API v3 a
SignalNotAvailable where Smartcar has not collected the signals (see ``sdk.v3.Vehicle.signals``).

``age`` is when the car recorded what it tells. Where API v3 makes a reading of several signals, it is
when the oldest of them was recorded: no part is older than ``age``, and some may be younger.
"""

from typing import Any, cast

from ._periods import Day, Period, period
from .types import (
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
)


class ReadMethods:
    """The readings of one car; a generation says how one is got."""

    def _read(self, name: str, within: Period | None = None) -> Any:
        raise NotImplementedError

    def fuel(self) -> Fuel:
        """The tank: ``{"data": {"range", "percent_remaining", "amount_remaining"}, "unit_system", "age"}``.

        Kilometres or miles, a fraction of 1, litres or US gallons; brands of Europe leave some of them None.
        Scope ``read_fuel``; NotCapableException for an electric car. GET /fuel; signals
        internalcombustionengine-range, -fuellevel and -amountremaining.
        """
        return cast(Fuel, self._read("fuel"))

    def battery(self) -> Battery:
        """The high-voltage battery: ``{"data": {"percent_remaining", "range"}, "unit_system", "age"}``.

        A fraction of 1, kilometres or miles; some brands leave one of them None. Scope ``read_battery``;
        NotCapableException for a car without a plug. GET /battery; signals tractionbattery-stateofcharge and
        -range.
        """
        return cast(Battery, self._read("battery"))

    def battery_capacity(self) -> BatteryCapacity:
        """How much the battery holds: ``{"data": {"capacity"}, "age"}``.

        Kilowatt hours in both unit systems; Smartcar advises ``nominal_capacity`` instead. Scope
        ``read_battery``; ServerException if Smartcar knows no capacity, or several (``code``
        ``"RECORD_NOT_FOUND"``, ``"MULTIPLE_RECORDS_FOUND"``). GET /battery/capacity; signal
        tractionbattery-nominalcapacity.
        """
        return cast(BatteryCapacity, self._read("battery_capacity"))

    def nominal_capacity(self) -> NominalCapacity:
        """What the battery was made for: ``{"data": {"available_capacities", "capacity", "url"}, "age"}``.

        Kilowatt hours. ``capacity`` is ``{"nominal", "source"}``, or None while nobody has chosen among
        ``[{"capacity", "description"}, …]``, which the owner can do at ``url``; API v3 has no ``url``.
        Scope ``read_battery``; NotCapableException for a car without a plug. GET /battery/nominal_capacity;
        signal tractionbattery-nominalcapacity.
        """
        return cast(NominalCapacity, self._read("nominal_capacity"))

    def charge(self) -> Charge:
        """Whether it charges: ``{"data": {"is_plugged_in", "state"}, "age"}``.

        ``"CHARGING"``, ``"FULLY_CHARGED"`` or ``"NOT_CHARGING"``; API v3 may know one of the two only,
        the other is None. No units. Scope ``read_charge``; NotCapableException for a car without a plug.
        GET /charge; signals charge-ischargingcableconnected and -detailedchargingstatus.
        """
        return cast(Charge, self._read("charge"))

    def get_charge_limit(self) -> ChargeLimit:
        """Up to where it charges: ``{"data": {"limit"}, "age"}``.

        A fraction of 1. API v3 gives the limit in force, else the one that is for all places; None if
        there is neither. Scope ``read_charge``; NotCapableException for a car without a plug, or without a
        limit. GET /charge/limit; signal charge-chargelimits.
        """
        return cast(ChargeLimit, self._read("get_charge_limit"))

    def engine_oil(self) -> EngineOil:
        """What is left of the oil's life: ``{"data": {"life_remaining"}, "age"}``.

        A fraction of 1, None where the brand leaves it out. Scope ``read_engine_oil``; NotCapableException
        for an electric car. GET /engine/oil; signal internalcombustionengine-oillife.
        """
        return cast(EngineOil, self._read("engine_oil"))

    def tire_pressure(self) -> TirePressure:
        """``{"data": {"front_left", "front_right", "back_left", "back_right"}, "unit_system", "age"}``.

        Kilopascals or pounds per square inch; None for a tire that the brand leaves out. Scope
        ``read_tires``; NotCapableException for a car without sensors. GET /tires/pressure; signal
        wheel-tires.
        """
        return cast(TirePressure, self._read("tire_pressure"))

    def lock_status(self) -> LockStatus:
        """Locked or not, and what stands open: ``{"data": {"is_locked", "doors", …}, "age"}``.

        ``doors``, ``windows``, ``sunroof``, ``storage`` and ``charging_port`` are lists of
        ``{"type": "frontLeft", "status": "CLOSED"}``, empty where the brand tells nothing. No units. Scope
        ``read_security``, and in API v3 ``read_charge`` for the port; NotCapableException for a car
        that does not tell. GET /security; signals closure-islocked, -doors, -windows, -sunroof, -fronttrunk,
        -reartrunk, -tailgate and charge-ischargingportflapopen.
        """
        return cast(LockStatus, self._read("lock_status"))

    def diagnostic_system_status(self) -> DiagnosticSystemStatus:
        """The car's own view of its systems: ``{"data": {"systems": […]}, "age"}``.

        Each is ``{"system_id": "SYSTEM_ABS", "status": "OK" or "ALERT", "description"}``, the description
        None with most brands. No units. Scope ``read_diagnostics``; NotCapableException, as most brands tell
        nothing. GET /diagnostics/system_status; signals diagnostics-abs, …, -waterinfuel.
        """
        return cast(DiagnosticSystemStatus, self._read("diagnostic_system_status"))

    def diagnostic_trouble_codes(self) -> DiagnosticTroubleCodes:
        """The trouble codes that are active: ``{"data": {"active_codes": […]}, "age"}``.

        Each is ``{"code": "P0420", "timestamp"}``, a moment or, where the brand does not tell it, None. No
        units. Scope ``read_diagnostics``; NotCapableException, as most brands tell nothing.
        GET /diagnostics/dtcs; signal diagnostics-dtclist.
        """
        return cast(DiagnosticTroubleCodes, self._read("diagnostic_trouble_codes"))

    def service_history(self, start_date: Day | None = None, end_date: Day | None = None) -> ServiceHistory:
        """The visits to workshops: ``{"data": {"items": […]}, "unit_system", "age"}``.

        From the first day to the last, both with all of their hours; without them, of the last year. A record
        has ``service_id``, ``odometer_distance`` (kilometres or miles), ``service_date``, ``service_tasks``,
        ``service_details`` and ``service_cost``, of which the brand may leave any None. Scope
        ``read_service_history``; NotCapableException, as few brands tell them; ValueError for a text that is
        no date. GET /service/history; signal service-records.
        """
        return cast(ServiceHistory, self._read("service_history", period(start_date, end_date)))
