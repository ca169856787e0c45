import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.errors.table import ERRORS
from django_smartcar.simulator.vehicles.catalog import MAKES
from tests.simulator.conftest import ALL_SCOPES, assert_error, assert_v3_error


def test_signing_in_again_returns_the_same_vehicle(visit):
    visit().connect("driver@example.com")
    store.cars()[0].is_locked = True
    visit(approval_prompt="force").connect("driver@example.com")
    assert len(store.cars()) == 1
    assert store.cars()[0].is_locked


def test_vins_are_well_formed_and_unique(visit):
    visit().connect("50-vehicles@smartcar.com")
    for car in store.cars():
        assert len(car.vin) == 17
        assert not set(car.vin) & set("IOQ")
    assert len({car.vin for car in store.cars()}) == 50


@pytest.mark.parametrize(
    ("email", "error"),
    [
        ("0-vehicles@smartcar.com", "no_vehicles"),
        ("smartcar@invalid-subscription.com", "invalid_subscription"),
        ("smartcar@configuration-error.com", "configuration_error"),
        ("smartcar@server-error.com", "server_error"),
        ("smartcar@vehicle-incompatible.com", "vehicle_incompatible"),
        ("1G1RC6S55JU123456@incompatible.smartcar.com", "vehicle_incompatible"),
        ("1G1RC6S55JU123456@dinosaur.smartcar.com", "vehicle_incompatible"),
    ],
)
def test_an_error_account_redirects_with_its_error(visit, email, error):
    callback = visit().connect(email).callback
    assert callback["error"] == error
    assert callback["error_description"]
    assert callback["state"] == "the-state"
    assert store.cars() == []


def test_an_incompatible_vehicle_is_named_in_the_redirect(visit):
    callback = visit().connect("smartcar@vehicle-incompatible.com").callback
    assert callback["vin"] == "0SCAUDI012FE3B132"
    assert callback["make"] == "AUDI"
    assert callback["year"] == "2017"


@pytest.mark.parametrize(
    ("email", "vin", "make"),
    [
        ("smartcar@successful-request.com", "0SCAUDI037A5ADB1C", "AUDI"),
        ("smartcar@vs-000.vehicle-state-error.com", "0SCLR000292E53813", "LAND_ROVER"),
        ("smartcar@vs-001.vehicle-state-error.com", "0SCLR00022F1A83F5", "LAND_ROVER"),
        ("smartcar@vs-002.vehicle-state-error.com", "0SCLR00028D1AA6DF", "LAND_ROVER"),
        ("smartcar@voa-000.vehicle-owner-action-required.com", "0SCLR0002EDAB90A7", "LAND_ROVER"),
        ("smartcar@voa-001.vehicle-owner-action-required.com", "0SCLR0002AB072EEA", "LAND_ROVER"),
        ("5yj3e1ea7jf000001@bev.smartcar.com", "5YJ3E1EA7JF000001", "TESLA"),
    ],
)
def test_a_test_account_has_the_documented_vehicle(visit, email, vin, make):
    visit().connect(email)
    assert [(car.vin, car.make) for car in store.cars()] == [(vin, make)]


@pytest.mark.parametrize(("level", "powertrain"), [("bev", "BEV"), ("phev", "PHEV"), ("fuel", "ICE")])
@pytest.mark.parametrize("make", sorted(MAKES))
def test_the_address_selects_the_powertrain(visit, make, level, powertrain):
    visit(make=make).connect(f"ZZZRC6S55JU123456@{level}.smartcar.com")
    assert [(car.make, car.powertrain) for car in store.cars()] == [(make, powertrain)]


@pytest.mark.parametrize(("type_", "code"), list(ERRORS))
def test_an_address_provokes_the_error_that_it_names(connect, api, first_car, type_, code):
    tokens = connect(f"{type_}.{code}@smartcar.com" if code else f"{type_}@smartcar.com", scope=ALL_SCOPES)
    path, token = f"vehicles/{first_car(tokens)}", tokens["access_token"]
    assert api("GET", path, token).status_code == 200  # Connect needs the vehicle's attributes
    status = ERRORS[type_, code].status
    for name in ("odometer", "battery", "location"):
        assert_error(api("GET", f"{path}/{name}", token), status, type_, code)
    assert_error(api("POST", f"{path}/security", token, {"action": "LOCK"}), status, type_, code)
    assert store.cars()[0].make == "CHEVROLET"


def test_an_address_provokes_its_error_in_v3(connect_v3):
    car = connect_v3("connected_services_account.Account_Issue@Smartcar.com")
    signal = car("GET", "signals/odometer-traveleddistance").json()["data"]["attributes"]
    assert signal["status"]["error"]["code"] == "ACCOUNT_ISSUE"
    response = car("POST", "commands/security/lock")
    assert_v3_error(response, 400, "CONNECTED_SERVICES_ACCOUNT", "ACCOUNT_ISSUE")


@pytest.mark.parametrize(
    ("email", "message"),
    [
        (
            "VEHICLE_STATE.HUNGRY@smartcar.com",
            "no error VEHICLE_STATE.HUNGRY. Write one of: VEHICLE_STATE.ASLEEP,",
        ),
        ("vehicle_state@smartcar.com", "no error VEHICLE_STATE. Write one of: VEHICLE_STATE.ASLEEP,"),
    ],
)
def test_an_address_that_names_no_error_is_explained(visit, email, message):
    session = visit().sign_in(email)
    assert (session.status, session.landed) == (400, None)
    assert message in session.text
    assert session.press("sign-in-button", username="driver@example.com", password="x").status == 200


@pytest.mark.parametrize("email", ["driver@smartcar.com", "jane.doe@smartcar.com"])
def test_other_addresses_of_smartcar_are_ordinary(visit, email):
    visit().connect(email)
    assert [car.fault for car in store.cars()] == [None]
