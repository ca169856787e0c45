"""Of each profile: what a car truly has, beside what the site reads of it."""

import pytest

from django_smartcar.models import READ_METHODS
from django_smartcar.sdk.exceptions import SmartcarException
from django_smartcar.services import vehicles
from tests.simulator.events import enter

from . import known_differences, texts, truth
from .test_events import differences, without_reasons

pytestmark = pytest.mark.django_db(transaction=True)

#: Only v3 knows a location of signals while the car sleeps: v2 asks the car itself, and gets an error.
SCENARIOS = [(scenario, "3") for scenario in known_differences.READS] + [
    (scenario, "2.0") for scenario in known_differences.V2_READS if "asleep" not in scenario
]
STATIC_METHODS = {"battery_capacity", "nominal_capacity"}


@pytest.fixture
def read_car(connect_car):
    """Connect a car, parked first; return it with what a function reads of its vehicle."""

    def read(scenario, function):
        profile, _, state = scenario.partition(", ")
        connected = connect_car(profile)
        if state:
            function(connected.vehicle)
            enter(connected.car, state)
            connected.car.recorded_at = truth.RECORDED_AT.replace(hour=11)
        return connected, function(connected.vehicle)

    return read


def batch(vehicle):
    return vehicles.read(vehicle, READ_METHODS)


def one_by_one(vehicle):
    """Read each value by its own call: two of them by the functions of their own."""
    own = {"odometer": vehicles.odometer, "location": vehicles.location}
    values = {}
    for name in READ_METHODS:
        try:
            values[name] = own[name](vehicle) if name in own else vehicles.read(vehicle, [name])[name]
        except SmartcarException as error:
            values[name] = error
    return values


def values_of(values):
    """Return the texts of the values by kind, and of the failures by method."""
    arrived = {}
    for method, value in values.items():
        if isinstance(value, SmartcarException):
            arrived[f"{method}()"] = f"{type(value).__name__} {value.type}:{value.code}"
            continue
        for kind in READ_METHODS[method].kinds:
            field = kind.field or kind.name.partition(".")[2]
            part = value["data"][field] if field else value["data"]
            arrived[kind.name] = texts.text(part, kind.unit)
    return arrived


def expected_of(car, values, version):
    """Return the truth in the form of `values_of`, with the ages of what was read."""
    true = truth.of_readings(car)
    for method, value in values.items():
        if isinstance(value, SmartcarException):
            true[f"{method}()"] = "read"
            for kind in READ_METHODS[method].kinds:
                true.pop(kind.name, None)
        else:
            code = "tractionbattery-nominalcapacity" if method in STATIC_METHODS else ""
            is_static = code and version == "3"
            time = truth.time_of(code, car) if is_static else texts.time(car.recorded_at)
            true[f"{method}, age"] = time
    return true


@pytest.mark.parametrize("function", [batch, one_by_one])
@pytest.mark.parametrize(("scenario", "smartcar"), SCENARIOS, indirect=["smartcar"])
def test_what_is_read(smartcar, settings, read_car, scenario, function):
    connected, values = read_car(scenario, function)
    version = settings.SMARTCAR_API_VERSION
    true, arrived = expected_of(connected.car, values, version), values_of(values)
    compared = {name: text for name, text in arrived.items() if name in true}
    for method, value in values.items():
        if not isinstance(value, SmartcarException):
            compared[f"{method}, age"] = texts.time(value["age"])
    table = known_differences.READS if version == "3" else known_differences.V2_READS
    expected = without_reasons(table[scenario])
    if function is one_by_one:
        for name in known_differences.SINGLE_SIGNALS:
            expected.pop(name, None)
    assert differences(true, compared) == expected


@pytest.mark.parametrize(("scenario", "smartcar"), SCENARIOS, indirect=["smartcar"])
def test_what_is_read_is_stored(smartcar, read_car, scenario):
    connected, values = read_car(scenario, batch)
    stored = {row.kind: texts.text(row.value, row.unit) for row in connected.vehicle.readings.latest_only()}
    outliers = {row.kind for row in connected.vehicle.readings.filter(is_outlier=True)}
    arrived = {
        kind: text
        for kind, text in values_of(values).items()
        if kind not in outliers and text != known_differences.NO_VALUE and not kind.endswith("()")
    }
    assert arrived
    assert {kind: stored.get(kind, "not kept") for kind in arrived} == arrived
