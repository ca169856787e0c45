"""The return types of the read methods, in both API versions.

A reading is ``{"data": {…}, "age"}``, and ``"unit_system"`` if its numbers have units. Percentages are
fractions of 1. What the brand does not report is None, or an empty list.
"""

from datetime import datetime
from typing import Any, NamedTuple, NotRequired, TypedDict

from .exceptions import SmartcarException
from .signals import Signal


class VehicleInfo(TypedDict):
    """Only the id is always present."""

    id: str
    make: NotRequired[str | None]
    model: NotRequired[str | None]
    year: NotRequired[int | None]


class VehicleAttributes(TypedDict):
    """Attributes that Smartcar knows without reading the vehicle. ``mode`` is ``"live"`` or ``"simulated"``.

    ``powertrain_type`` is ``"ICE"``, ``"HEV"``, ``"PHEV"`` or ``"BEV"``. In API v2 both are None.
    """

    make: str | None
    model: str | None
    year: int | None
    mode: str | None
    powertrain_type: str | None


class Aged(TypedDict):
    """``age`` is when the vehicle recorded the data, aware and in UTC, or None if it is unknown.

    In API v3, a reading of several signals has the time of the oldest.
    """

    age: datetime | None


class Measured(Aged):
    """``unit_system`` is ``"metric"``, ``"imperial"``, or None if it is unknown."""

    unit_system: str | None


class LocationData(TypedDict):
    """Degrees."""

    latitude: float
    longitude: float


class Location(Aged):
    data: LocationData


class OdometerData(TypedDict):
    """Kilometres or miles, depending on the reading's ``unit_system``."""

    distance: float


class Odometer(Measured):
    data: OdometerData


class FuelData(TypedDict):
    """Kilometres or miles; a fraction of 1; litres or US gallons."""

    range: float | None
    percent_remaining: float | None
    amount_remaining: float | None


class Fuel(Measured):
    data: FuelData


class BatteryData(TypedDict):
    """A fraction of 1; kilometres or miles."""

    percent_remaining: float | None
    range: float | None


class Battery(Measured):
    data: BatteryData


class BatteryCapacityData(TypedDict):
    """Kilowatt-hours."""

    capacity: float | None


class BatteryCapacity(Aged):
    data: BatteryCapacityData


class AvailableCapacity(TypedDict):
    """Kilowatt-hours, of a battery that vehicles of this model may have."""

    capacity: float | None
    description: str | None


class SelectedCapacity(TypedDict):
    """Kilowatt-hours; ``source`` is ``"SMARTCAR"`` or ``"USER_SELECTED"``."""

    nominal: float | None
    source: str | None


class NominalCapacityData(TypedDict):
    """``url`` is where the owner can select the capacity; add a redirect URI of yours to it."""

    available_capacities: list[AvailableCapacity]
    capacity: SelectedCapacity | None
    url: str | None


class NominalCapacity(Aged):
    data: NominalCapacityData


class ChargeData(TypedDict):
    """``state`` is ``"CHARGING"``, ``"FULLY_CHARGED"`` or ``"NOT_CHARGING"``."""

    is_plugged_in: bool | None
    state: str | None


class Charge(Aged):
    data: ChargeData


class ChargeLimitData(TypedDict):
    """A fraction of 1."""

    limit: float | None


class ChargeLimit(Aged):
    data: ChargeLimitData


class EngineOilData(TypedDict):
    """A fraction of 1."""

    life_remaining: float | None


class EngineOil(Aged):
    data: EngineOilData


class TirePressureData(TypedDict):
    """Kilopascals or pounds per square inch."""

    front_left: float | None
    front_right: float | None
    back_left: float | None
    back_right: float | None


class TirePressure(Measured):
    data: TirePressureData


class Closure(TypedDict):
    """Its position (``"frontLeft"``, ``"rear"``, …), and ``"OPEN"``, ``"CLOSED"`` or ``"UNKNOWN"``."""

    type: str
    status: str | None


class LockStatusData(TypedDict):
    """``storage`` is the trunk, ``"rear"``, and the front trunk, ``"front"``."""

    is_locked: bool | None
    doors: list[Closure]
    windows: list[Closure]
    sunroof: list[Closure]
    storage: list[Closure]
    charging_port: list[Closure]


class LockStatus(Aged):
    data: LockStatusData


class DiagnosticSystem(TypedDict):
    """``system_id`` is ``"SYSTEM_ABS"``, …; ``status`` is ``"OK"`` or ``"ALERT"``."""

    system_id: str
    status: str | None
    description: str | None


class DiagnosticSystemStatusData(TypedDict):
    systems: list[DiagnosticSystem]


class DiagnosticSystemStatus(Aged):
    data: DiagnosticSystemStatusData


class DiagnosticTroubleCode(TypedDict):
    """``"P0420"``, and when it was first seen, aware and in UTC."""

    code: str
    timestamp: datetime | None


class DiagnosticTroubleCodesData(TypedDict):
    active_codes: list[DiagnosticTroubleCode]


class DiagnosticTroubleCodes(Aged):
    data: DiagnosticTroubleCodesData


class Status(TypedDict):
    """``"success"`` once the vehicle has executed the command."""

    status: str


class Subscribed(TypedDict):
    """The webhook that this vehicle is subscribed to."""

    webhook_id: str
    vehicle_id: str


class RequestResult(Measured):
    """What ``Vehicle.request`` returns. ``data`` is the unchanged JSON, or None for an empty body."""

    data: Any


class ServiceTask(TypedDict):
    task_id: str | None
    task_description: str | None


class ServiceDetail(TypedDict):
    """``type`` is None in API v3."""

    type: str | None
    value: str | float | None


class ServiceCost(TypedDict):
    total_cost: float | None
    currency: str | None


class ServiceRecord(TypedDict):
    """Kilometres or miles; ``service_date`` is aware and in UTC."""

    service_id: str | None
    odometer_distance: float | None
    service_date: datetime | None
    service_tasks: list[ServiceTask]
    service_details: list[ServiceDetail]
    service_cost: ServiceCost | None


class ServiceHistoryData(TypedDict):
    items: list[ServiceRecord]


class ServiceHistory(Measured):
    data: ServiceHistoryData


class Batch(TypedDict, total=False):
    """Method name -> what the method would return, or the exception that it would raise."""

    attributes: VehicleAttributes | SmartcarException
    vin: str | SmartcarException
    permissions: list[str] | SmartcarException
    odometer: Odometer | SmartcarException
    location: Location | SmartcarException
    fuel: Fuel | SmartcarException
    battery: Battery | SmartcarException
    battery_capacity: BatteryCapacity | SmartcarException
    nominal_capacity: NominalCapacity | SmartcarException
    charge: Charge | SmartcarException
    get_charge_limit: ChargeLimit | SmartcarException
    engine_oil: EngineOil | SmartcarException
    tire_pressure: TirePressure | SmartcarException
    lock_status: LockStatus | SmartcarException
    diagnostic_system_status: DiagnosticSystemStatus | SmartcarException
    diagnostic_trouble_codes: DiagnosticTroubleCodes | SmartcarException
    service_history: ServiceHistory | SmartcarException


class WithSignals(NamedTuple):
    """What a method returns, and the signals in the same response, with those that have an error."""

    result: Any
    signals: list[Signal]
