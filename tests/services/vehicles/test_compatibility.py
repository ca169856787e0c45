"""Smartcar's public list of supported models."""

import pytest
from django.core.cache import cache

from django_smartcar.exceptions import SmartcarException
from django_smartcar.services import vehicles

URL = "https://compatibility.api.smartcar.com/v3/compatible-vehicles"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()
    yield
    cache.clear()


def listed(model, first, last, *capabilities, powertrain="BEV"):
    attributes = {
        "make": "TESLA",
        "model": model,
        "region": "US",
        "powertrainType": powertrain,
        "years": {"start": first, "end": last},
        "capabilities": list(capabilities),
    }
    return {"id": f"TESLA-{model}-{powertrain}", "type": "vehicle-model-capability", "attributes": attributes}


@pytest.fixture
def teslas(mock_api):
    battery = {"type": "signal", "code": "tractionbattery-stateofcharge", "permission": "read_battery"}
    lock = {"type": "command", "name": "LockDoors", "permission": "control_security"}
    new = {"type": "signal", "code": "new-thing"}
    models = [
        listed("Model 3", 2016, 2026, battery, lock, new, {"type": "signal"}),
        listed("Model S", 2012, None),
    ]
    mock_api.mock.add("GET", URL, json={"data": models, "links": {"next": None}})
    return mock_api


@pytest.mark.parametrize(
    ("model", "year", "expected"),
    [
        ("Model 3", 2021, True),
        ("MODEL-3", 2016, True),
        ("Model 3", 2015, False),
        ("Model 3", 2027, False),
        ("Model S", 2030, True),
        ("Model T", 2021, False),
    ],
)
def test_a_model_of_a_year_is_supported_or_not(teslas, model, year, expected):
    assert vehicles.is_supported("Tesla", model, year) is expected


def test_the_list_is_requested_once_for_each_make_and_region(teslas, settings):
    settings.SMARTCAR_REGION = "EUROPE"
    for _ in range(2):
        vehicles.is_supported("Tesla", "Model 3", 2021)
        vehicles.is_supported("TESLA", "Model S", 2021, region="US")
    asked = [call.request.params for call in teslas.mock.calls]
    assert [params["filter[region]"] for params in asked] == ["EUROPE", "US"]
    assert {params["filter[make]"] for params in asked} == {"TESLA"}


def test_a_make_is_sent_in_smartcars_spelling(teslas):
    vehicles.is_supported("Land Rover", "Defender", 2021)
    vehicles.is_supported("Mercedes-Benz", "EQC", 2021)
    makes = [call.request.params["filter[make]"] for call in teslas.mock.calls]
    assert makes == ["LAND_ROVER", "MERCEDES_BENZ"]


def test_the_capabilities_of_a_vehicle_are_signals_and_commands(teslas, make_vehicle, account):
    car = make_vehicle(account, make="TESLA", model="Model 3", year=2021)
    found = vehicles.capabilities(car)
    assert found.signals == {"battery_level", "new_thing"}
    assert found.commands == {"LockDoors"}
    assert vehicles.capabilities(make_vehicle(account, "car-2", make="TESLA", model="X", year=None)) is None


def test_a_failure_is_raised_and_not_kept(mock_api):
    for status in (501, 200):
        mock_api.mock.add("GET", URL, status=status, json={"data": [], "links": {"next": None}})
    with pytest.raises(SmartcarException):
        vehicles.is_supported("Tesla", "Model 3", 2021)
    assert vehicles.is_supported("Tesla", "Model 3", 2021) is False


def test_the_simulators_list_is_understood(smartcar, settings):
    settings.SMARTCAR_COMPATIBILITY_API_URL = f"{smartcar.url}/compatibility-api"
    assert vehicles.is_supported("Tesla", "Model 3", 2021)
    assert not vehicles.is_supported("Tesla", "Model 3", 1999)


@pytest.mark.parametrize("make", ["", " - ", "x" * 51])
def test_a_make_that_no_brand_has_costs_no_request(mock_api, make):
    assert not vehicles.is_supported(make, "Model 3", 2021)
    assert not mock_api.mock.calls
