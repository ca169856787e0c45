import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion
from django_smartcar.simulator.vehicles.states import STATES
from tests.simulator.conftest import ALL_SCOPES, assert_error, assert_v3_error

CSA = "CONNECTED_SERVICES_ACCOUNT"
LOCK, START, STOP = ("security", "LOCK"), ("charge", "START"), ("charge", "STOP")

#: The error that a command gets in a state, after smartcar-api.md 8. The same for the paths of v2 and v3.
REFUSED_COMMANDS = [
    ("driving", LOCK, 409, "VEHICLE_STATE", "IN_MOTION"),
    ("driving", ("security", "UNLOCK"), 409, "VEHICLE_STATE", "IN_MOTION"),
    ("driving", START, 409, "VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED"),
    ("driving", STOP, 409, "VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED"),
    ("asleep", LOCK, 409, "VEHICLE_STATE", "ASLEEP"),
    ("asleep", START, 409, "VEHICLE_STATE", "ASLEEP"),
    ("unreachable", LOCK, 409, "VEHICLE_STATE", "UNREACHABLE"),
    ("paused", LOCK, 409, "VEHICLE_STATE", "UNREACHABLE"),
    ("paused", STOP, 409, "VEHICLE_STATE", "UNREACHABLE"),
    ("charging", START, 409, "VEHICLE_STATE", "CHARGING_IN_PROGRESS"),
    ("not_started", LOCK, 400, CSA, "ACCOUNT_ISSUE"),
    ("deleted", START, 400, CSA, "VEHICLE_MISSING"),
]


@pytest.mark.parametrize(("state", "command", "status", "type_", "code"), REFUSED_COMMANDS)
def test_v2_commands_are_refused_as_documented(volt, state, command, status, type_, code):
    motion.enter(volt.car, state)
    path, action = command
    assert_error(volt("POST", path, {"action": action}), status, type_, code)


@pytest.mark.parametrize(("state", "command", "status", "type_", "code"), REFUSED_COMMANDS)
def test_v3_commands_are_refused_as_documented(connect_v3, state, command, status, type_, code):
    volt = connect_v3()
    motion.enter(volt.car, state)
    path, action = command
    assert_v3_error(volt("POST", f"commands/{path}/{action.lower()}"), status, type_, code)


def test_an_unplugged_vehicle_neither_starts_nor_stops_charging(volt):
    volt.car.is_plugged_in = False
    for action in ("START", "STOP"):
        response = volt("POST", "charge", {"action": action})
        assert_error(response, 409, "VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED")


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("parked", None),
        ("driving", None),
        ("charging", None),
        ("paused", None),
        ("asleep", (409, "VEHICLE_STATE", "ASLEEP")),
        ("unreachable", (409, "VEHICLE_STATE", "UNREACHABLE")),
        ("not_started", (400, CSA, "ACCOUNT_ISSUE")),
        ("deleted", (400, CSA, "VEHICLE_MISSING")),
    ],
)
def test_reads_get_the_error_of_the_state(volt, state, error):
    motion.enter(volt.car, state)
    response = volt("GET", "odometer")
    if error:
        assert_error(response, *error)
    else:
        assert response.status_code == 200
    assert volt("GET", "vin").status_code == 200  # attributes are always available


def test_a_simulated_vehicle_cannot_stop_charging(connect, first_car, api):
    tokens = connect(scope=ALL_SCOPES, mode="simulated")
    vehicle_id = first_car(tokens)
    motion.enter(store.car(vehicle_id), "charging")
    response = api("POST", f"vehicles/{vehicle_id}/charge", tokens["access_token"], {"action": "STOP"})
    assert_error(response, 409, "VEHICLE_STATE", "UNKNOWN")


def test_v3_signals_are_available_while_the_vehicle_is_unreachable(connect_v3):
    volt = connect_v3()
    for state, is_asleep, is_online in [
        ("parked", False, True),
        ("asleep", True, False),
        ("unreachable", False, False),
    ]:
        motion.enter(volt.car, state)
        signals = {
            one["id"]: one["attributes"].get("body", {}) for one in volt("GET", "signals").json()["data"]
        }
        assert signals["connectivitystatus-isasleep"] == {"value": is_asleep}
        assert signals["connectivitystatus-isonline"] == {"value": is_online}
        assert signals["odometer-traveleddistance"]["value"] == volt.car.odometer_km
    motion.enter(volt.car, "deleted")
    (error,) = {
        one["attributes"]["status"]["error"]["code"]
        for one in volt("GET", "signals").json()["data"]
        if not one["id"].startswith("vehicleidentification-")
    }
    assert error == "VEHICLE_MISSING"


def test_a_vehicle_enters_every_state(volt):
    for state in STATES:
        motion.enter(volt.car, state)
        assert volt.car.state == state
    with pytest.raises(ValueError, match="'flying'"):
        motion.enter(volt.car, "flying")


def test_a_vehicle_without_a_plug_cannot_charge(connect):
    connect(make="HONDA")
    with pytest.raises(ValueError, match="without a plug"):
        motion.enter(store.cars()[0], "charging")


def test_a_driving_vehicle_moves_as_time_passes(volt):
    before = volt("GET", "odometer").json()["distance"]
    fuel = volt.car.fuel_percent
    location = volt("GET", "location").json()
    motion.enter(volt.car, "driving")
    store.advance(30 * 60 + 1)
    assert volt("GET", "odometer").json()["distance"] == pytest.approx(before + 30)
    assert volt.car.fuel_percent < fuel
    assert volt("GET", "location").json() != location
    motion.enter(volt.car, "parked")
    store.advance(3600)
    assert volt("GET", "odometer").json()["distance"] == pytest.approx(before + 30)


def test_a_charging_vehicle_charges_up_to_its_limit(volt):
    volt.car.battery_percent, volt.car.charge_limit = 0.5, 0.8
    assert volt("POST", "charge", {"action": "START"}).status_code == 200
    motion.pass_time(10 * 60)
    assert 0.5 < volt("GET", "battery").json()["percentRemaining"] < 0.8
    assert volt("GET", "charge").json()["state"] == "CHARGING"
    motion.pass_time(100 * 60)
    assert volt("GET", "battery").json()["percentRemaining"] == 0.8
    assert volt("GET", "charge").json()["state"] == "FULLY_CHARGED"
    assert_error(volt("POST", "charge", {"action": "STOP"}), 409, "VEHICLE_STATE", "FULLY_CHARGED")


def test_the_data_of_a_parked_vehicle_ages(volt):
    before = volt("GET", "odometer")["SC-Data-Age"]
    store.advance(3600)
    assert volt("GET", "odometer")["SC-Data-Age"] == before
