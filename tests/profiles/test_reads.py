"""Of each profile: what a car truly has, beside what the site reads of it."""

import pytest

from django_smartcar.sdk.exceptions import SmartcarException
from django_smartcar.sdk.readings import SOURCES
from django_smartcar.sdk.signals import CODES
from django_smartcar.services import readings, vehicles
from tests.simulator.events import enter

from . import known_differences, texts, truth
from .test_events import differences, without_reasons

pytestmark = pytest.mark.django_db(transaction=True)

#: Only v3 knows a location of signals while the car sleeps: v2 asks the car itself, and gets an error.
SCENARIOS = [(scenario, "3") for scenario in known_differences.READS] + [
    (scenario, "2.0") for scenario in known_differences.V2_READS if "asleep" not in scenario
]
STATIC_METHODS = {"battery_capacity", "nominal_capacity"}


UNITS = {
    "distance": "km",
    "range": "km",
    "percent_remaining": "fraction",
    "amount_remaining": "l",
    "life_remaining": "fraction",
    "limit": "fraction",
}


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
    return vehicles.read(vehicle, SOURCES)


def one_by_one(vehicle):
    """Read each value by its own call: two of them by the functions of their own."""
    own = {"odometer": vehicles.odometer, "location": vehicles.location}
    values = {}
    for name in SOURCES:
        try:
            values[name] = own[name](vehicle) if name in own else vehicles.read(vehicle, [name])[name]
        except SmartcarException as error:
            values[name] = error
    return values


def unit_of(method, field):
    if method == "tire_pressure":
        return "kPa"
    return "kWh" if (method, field) == ("battery_capacity", "capacity") else UNITS.get(field, "")


def values_of(values):
    """Return the texts of the values by method and field, and of the failures by method."""
    arrived = {}
    for method, value in values.items():
        if isinstance(value, SmartcarException):
            arrived[f"{method}()"] = f"{type(value).__name__} {value.type}:{value.code}"
            continue
        for field, part in value["data"].items():
            if method == "service_history":  # the versions tell the details in different forms
                part = [{name: visit[name] for name in visit if name != "service_details"} for visit in part]
            arrived[f"{method}.{field}"] = texts.text(part, unit_of(method, field))
        arrived[f"{method}, age"] = texts.time(value["age"])
    return arrived


def expected_of(car, values, version):
    """Return the truth in the form of `values_of`, with the ages of what was read."""
    true = truth.of_readings(car)
    for method, value in values.items():
        if isinstance(value, SmartcarException):
            true[f"{method}()"] = "read"
            true = {name: text for name, text in true.items() if name.partition(".")[0] != method}
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
    table = known_differences.READS if version == "3" else known_differences.V2_READS
    expected = without_reasons(table[scenario])
    assert differences(true, arrived) == expected


def all_signals(vehicle):
    return vehicles.read(vehicle, [name for name in CODES if name not in SOURCES])


@pytest.mark.parametrize("function", [batch, all_signals])
@pytest.mark.parametrize(("scenario", "smartcar"), SCENARIOS, indirect=["smartcar"])
def test_what_is_read_is_stored(smartcar, settings, read_car, scenario, function):
    connected, values = read_car(scenario, function)
    version, stored = settings.SMARTCAR_API_VERSION, connected.vehicle.signals
    true, arrived = truth.of_states(connected.car, is_v2=version != "3"), {}
    if version != "3":  # it tells what it is asked for
        read = values if function is all_signals else {*true} - {"vin"}
        true = {name: true[name] for name in true if name in read}
    for name in true:
        arrived[name] = texts.of_state(readings.state_of(connected.vehicle, name, stored))
    table = known_differences.STORED if version == "3" else known_differences.V2_STORED
    expected = without_reasons(table[scenario])
    times = {name for name in expected if name.endswith(", time")}
    assert differences(true, arrived) == {name: expected[name] for name in expected.keys() - times}
    for name, state in values.items():
        if function is all_signals and not isinstance(state, SmartcarException):
            assert (state.signal, texts.of_state(state)) == (name, arrived[name])
