import pytest

from django_smartcar.simulator.vehicles.catalog import MAKES, find_make
from tests.simulator.conftest import assert_error, basic


def test_compatibility_lists_every_permission(api):
    query = "vin=5YJSA1CN5DFP00101&scope=read_odometer%20read_fuel"
    response = api("GET", f"compatibility?{query}&country=US", authorization=basic())
    assert response.json() == {
        "compatible": True,
        "reason": None,
        "capabilities": [
            {"permission": "read_odometer", "endpoint": "/odometer", "capable": True, "reason": None},
            {
                "permission": "read_fuel",
                "endpoint": "/fuel",
                "capable": False,
                "reason": "VEHICLE_NOT_CAPABLE",
            },
        ],
    }
    assert api("GET", f"compatibility?{query}&country=DE", authorization=basic()).json()["capabilities"] == []


def test_the_vin_of_smartcars_own_sdk_tests_is_compatible(api):
    query = "vin=0SCGMCT0386A85356&scope=read_odometer%20read_fuel"
    body = api("GET", f"compatibility?{query}", authorization=basic()).json()
    assert body["compatible"] is True
    assert {one["permission"]: one["reason"] for one in body["capabilities"]} == {
        "read_odometer": None,
        "read_fuel": "VEHICLE_NOT_CAPABLE",
    }


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("Citroën", "CITROEN"),
        ("CITROE\N{COMBINING DIAERESIS}N", "CITROEN"),
        ("citroen", "CITROEN"),
        ("Land Rover", "LAND_ROVER"),
        ("land_rover", "LAND_ROVER"),
        ("mercedes-benz", "MERCEDES_BENZ"),
    ],
)
def test_a_make_is_found_by_any_spelling_of_its_name(name, make):
    assert find_make(name) is MAKES[make]


@pytest.mark.parametrize(
    ("vin", "reason"),
    [("0SCAUDI012FE3B132", "VEHICLE_NOT_COMPATIBLE"), ("QQQSA1CN5DFP00101", "MAKE_NOT_COMPATIBLE")],
)
def test_an_incompatible_car_has_a_reason(api, vin, reason):
    body = api("GET", f"compatibility?vin={vin}&scope=read_vin", authorization=basic()).json()
    assert (body["compatible"], body["reason"]) == (False, reason)
    assert body["capabilities"] == [
        {"permission": "read_vin", "endpoint": "/vin", "capable": False, "reason": reason}
    ]


@pytest.mark.parametrize(
    "query", ["", "vin=x&scope=read_vin", "vin=5YJSA1CN5DFP00101", "vin=5YJSA1CN5DFP00101&scope=fly"]
)
def test_an_invalid_compatibility_query_is_rejected(api, query):
    assert_error(api("GET", f"compatibility?{query}", authorization=basic()), 400, "VALIDATION")


def test_compatibility_needs_the_client_credentials(api):
    assert_error(api("GET", "compatibility?vin=5YJSA1CN5DFP00101&scope=read_vin"), 401, "AUTHENTICATION")


def test_the_matrix_lists_the_models_of_a_region(api):
    rows = api("GET", "compatibility/matrix?region=US&make=nissan&type=BEV", authorization=basic()).json()
    assert list(rows) == ["NISSAN"]
    (leaf,) = rows["NISSAN"]
    assert (leaf["model"], leaf["startYear"], leaf["endYear"], leaf["type"]) == ("LEAF", 2018, 2025, "BEV")
    assert "read_battery" in leaf["permissions"]
    assert "read_fuel" not in leaf["permissions"]
    assert "/battery" in leaf["endpoints"]
    assert len(api("GET", "compatibility/matrix?region=EUROPE", authorization=basic()).json()) > 20
    assert_error(api("GET", "compatibility/matrix?region=MARS", authorization=basic()), 400, "VALIDATION")
