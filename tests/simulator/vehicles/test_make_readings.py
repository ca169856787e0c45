import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour.make_commands import MAKE_COMMANDS
from django_smartcar.simulator.vehicles.make_readings import MAKE_READINGS
from tests.simulator.conftest import ALL_SCOPES, assert_error

#: The make-specific paths of smartcar-api.md 3.2, with the permission of each.
DOCUMENTED_SCOPES = {
    "tesla": {
        "attributes": "read_extended_vehicle_info",
        "status": "read_extended_vehicle_info",
        "charge/ammeter": "read_charge",
        "charge/voltmeter": "read_charge",
        "charge/wattmeter": "read_charge",
        "charge/completion": "read_charge",
        "charge/schedule": "read_charge",
        "charge/records": "read_charge_records",
        "charge/records/billing": "read_charge_records",
        "climate/cabin": "read_climate",
        "climate/defroster": "read_climate",
        "climate/steering_wheel": "read_climate",
        "compass": "read_compass",
        "speedometer": "read_speedometer",
        "thermometer/interior": "read_thermometer",
        "thermometer/exterior": "read_thermometer",
        "security": "read_security",
    },
    "ford": {"charge/schedule_by_location": "read_charge_locations"},
    "lincoln": {"charge/schedule_by_location": "read_charge_locations"},
    "cadillac": {"charge/completion": "read_charge", "charge/voltmeter": "read_charge"},
    "chevrolet": {"charge/completion": "read_charge", "charge/voltmeter": "read_charge"},
    "nissan": {"charge/schedule": "read_charge"},
}
SCHEDULE = {"start": "22:00", "end": "06:00", "days": ["MONDAY"]}


@pytest.fixture
def call(api, connect, first_car):
    """Connect a vehicle of a make; return a function that calls the paths below the make."""

    def connected(make, scope=ALL_SCOPES, level="bev"):
        tokens = connect(f"QQQRC6S55JU123456@{level}.smartcar.com", make.upper(), scope=scope)
        path = f"vehicles/{first_car(tokens)}/{make}"

        def call_(method, below, body=None, **headers):
            return api(method, f"{path}/{below}", tokens["access_token"], body, **headers)

        return call_

    return connected


def test_the_paths_and_scopes_are_the_documented_ones():
    scopes = {make: {path: one.scope for path, one in table.items()} for make, table in MAKE_READINGS.items()}
    assert scopes == DOCUMENTED_SCOPES


@pytest.mark.parametrize("make", sorted(DOCUMENTED_SCOPES))
def test_every_path_of_a_make_responds(call, make):
    car = call(make)
    for path in DOCUMENTED_SCOPES[make]:
        response = car("GET", path)
        assert response.status_code == 200, (path, response.content)
        assert response.json()


@pytest.mark.parametrize("make", sorted(DOCUMENTED_SCOPES))
def test_paths_of_another_make_are_refused(api, connect, first_car, make):
    tokens = connect("other@example.com", "MINI", scope=ALL_SCOPES)
    for path in DOCUMENTED_SCOPES[make]:
        response = api("GET", f"vehicles/{first_car(tokens)}/{make}/{path}", tokens["access_token"])
        assert_error(response, 501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
        upper_case = f"vehicles/{first_car(tokens)}/{make.upper()}/{path}"
        assert_error(api("GET", upper_case, tokens["access_token"]), 403, "PERMISSION")


def test_paths_of_a_make_require_their_scope(call):
    car = call("tesla", scope="read_vin")
    for path in DOCUMENTED_SCOPES["tesla"]:
        assert_error(car("GET", path), 403, "PERMISSION")
    for path in MAKE_COMMANDS["tesla"]:
        assert_error(car("POST", path, {"action": "START"}), 403, "PERMISSION")


def test_climate_settings_are_saved(call):
    car = call("tesla")
    assert car("GET", "climate/cabin").json() == {"status": "OFF", "temperature": 21.0}
    body = {"action": "START", "temperature": "24"}
    assert car("POST", "climate/cabin", body).json() == {"status": "ON", "temperature": 24.0}
    assert car("POST", "climate/cabin", {"action": "SET", "temperature": 20}).json()["status"] == "ON"
    assert car("POST", "climate/cabin", {"action": "STOP"}).json() == {"status": "OFF", "temperature": 20.0}
    assert car("POST", "climate/defroster", {"action": "START"}).status_code == 200
    assert car("GET", "climate/defroster").json() == {"frontStatus": "ON", "rearStatus": "ON"}
    assert car("POST", "climate/steering_wheel", {"action": "START"}).json() == {"status": "ON"}
    store.cars()[0].make_settings.clear()
    assert car("GET", "climate/steering_wheel").json() == {"status": "OFF"}


def test_only_the_last_charge_schedule_is_enabled(call):
    car = call("tesla")
    car("POST", "charge/schedule", {"type": "DEPARTURE_TIME", "enabled": True, "time": "07:00"})
    response = car("POST", "charge/schedule", {"type": "START_TIME", "enable": True, "time": "23:30"})
    expected = {
        "departureTime": {"enabled": False, "time": None},
        "startTime": {"enabled": True, "time": "23:30"},
    }
    assert response.json() == car("GET", "charge/schedule").json() == expected


@pytest.mark.parametrize(
    ("make", "path", "body", "field"),
    [
        ("tesla", "climate/cabin", {"action": "BOIL"}, "action"),
        ("tesla", "climate/cabin", {"action": "SET"}, "temperature"),
        ("tesla", "climate/cabin", {"action": "SET", "temperature": 90}, "temperature"),
        ("tesla", "charge/schedule", {"type": "SOMETIME", "enabled": True, "time": "07:00"}, "type"),
        ("tesla", "charge/schedule", {"type": "START_TIME", "enabled": "x", "time": "07:00"}, "enabled"),
        ("tesla", "charge/schedule", {"type": "START_TIME", "enabled": True, "time": "25:00"}, "time"),
        ("tesla", "charge/charge_port_door", {"action": "START"}, "action"),
        ("tesla", "security/pin", {"action": "SET", "pin": "12"}, "pin"),
        ("nissan", "charge/schedule", {}, "chargeSchedules"),
        ("nissan", "charge/schedule", {"chargeSchedules": [SCHEDULE] * 4}, "chargeSchedules"),
        ("nissan", "charge/schedule", {"chargeSchedules": [SCHEDULE | {"days": ["x"]}]}, "chargeSchedules"),
        ("nissan", "charge/schedule", {"chargeSchedules": [{"start": "1"}]}, "chargeSchedules"),
    ],
)
def test_an_invalid_command_names_the_field(call, make, path, body, field):
    error = assert_error(call(make)("POST", path, body), 400, "VALIDATION")
    assert error["detail"][0]["field"] == field


def test_completion_and_power_are_reported_while_charging(call):
    car = call("tesla")
    assert car("GET", "charge/completion").json() == {"time": None}
    assert car("GET", "charge/wattmeter").json() == {"wattage": 0.0}
    store.cars()[0].charge_state = "CHARGING"
    assert car("GET", "charge/completion").json()["time"].endswith("Z")
    assert car("GET", "charge/wattmeter").json() == {"wattage": 7.68}


def test_open_commands_change_the_security_state(call):
    car = call("tesla")
    success = {"status": "success", "message": "Successfully sent request to vehicle"}
    assert car("POST", "charge/charge_port_door", {"action": "OPEN"}).json() == success
    assert store.cars()[0].is_charge_port_open
    assert car("POST", "security/trunk", {"action": "OPEN"}).json() == success
    assert car("POST", "security/pin", {"action": "SET", "pin": "1234"}).json() == success
    security = car("GET", "security").json()
    assert [closure["status"] for closure in security["storage"]] == ["CLOSED", "OPEN"]
    assert security["chargingPort"] == [{"type": "chargingPort", "status": "OPEN"}]
    assert car("POST", "security", {"action": "LOCK"}).json() == success
    assert store.cars()[0].is_locked


def test_charge_schedules_of_a_nissan_are_saved(call):
    car = call("nissan")
    assert car("GET", "charge/schedule").json() == {"chargeSchedules": []}
    assert car("POST", "charge/schedule", {"chargeSchedules": [SCHEDULE]}).json()["status"] == "success"
    assert car("GET", "charge/schedule").json() == {"chargeSchedules": [SCHEDULE]}


def test_charge_records_are_filtered_by_date_and_page(call):
    car = call("tesla")
    assert len(car("GET", "charge/records").json()["records"]) == 3
    assert car("GET", "charge/records?endDate=2001-01-01").json() == {"records": []}
    assert car("GET", "charge/records?endDate=undefined").json()["records"]
    assert len(car("GET", "charge/records/billing").json()["records"]) == 1
    assert car("GET", "charge/records/billing?page=2").json() == {"records": [], "hasMoreData": False}


def test_temperatures_are_in_fahrenheit_in_the_imperial_system(call):
    car = call("tesla")
    celsius = car("GET", "thermometer/interior").json()["temperature"]
    response = car("GET", "thermometer/interior", SC_Unit_System="imperial")
    assert response.json() == {"temperature": round(celsius * 1.8 + 32, 2)}
    assert response["SC-Unit-System"] == "imperial"


def test_charging_paths_fail_for_a_vehicle_without_a_battery(call):
    for make, path in (("lincoln", "charge/schedule_by_location"), ("cadillac", "charge/completion")):
        assert_error(call(make, level="fuel")("GET", path), 501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
