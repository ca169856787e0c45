import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.vehicles.catalog import MAKES


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
