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
                "reason": "SMARTCAR_NOT_CAPABLE",  # it can read the fuel of no Tesla
            },
        ],
    }
    assert api("GET", f"compatibility?{query}&country=DE", authorization=basic()).json()["capabilities"] == []


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
    [
        ("0SCAUDI012FE3B132", "VEHICLE_NOT_COMPATIBLE"),
        ("WBAKE5C58DJ107700", "VEHICLE_NOT_COMPATIBLE"),
        ("QQQSA1CN5DFP00101", "MAKE_NOT_COMPATIBLE"),
    ],
)
def test_an_incompatible_car_has_a_reason(api, vin, reason):
    body = api("GET", f"compatibility?vin={vin}&scope=read_vin", authorization=basic()).json()
    assert body == {"compatible": False, "reason": reason, "capabilities": []}


@pytest.mark.parametrize(
    ("vin", "reasons"),
    [
        (
            "WAUAFAFL1GN014882",
            {"read_odometer": "VEHICLE_NOT_CAPABLE", "read_location": "VEHICLE_NOT_CAPABLE"},
        ),
        ("WAUAFAFL1GN014882", {"read_vehicle_info": None}),
        ("5YJXCDE22HF068739", {"read_odometer": None, "read_location": None}),
        ("5YJSA1E29LF403082", {"read_odometer": None, "read_fuel": "SMARTCAR_NOT_CAPABLE"}),
        ("0SCGMCT0386A85356", {"read_odometer": None, "read_fuel": "VEHICLE_NOT_CAPABLE"}),
    ],
)
def test_the_vins_of_smartcars_own_suites_have_its_answers(api, vin, reasons):
    query = f"vin={vin}&scope={'%20'.join(reasons)}"
    body = api("GET", f"compatibility?{query}", authorization=basic()).json()
    assert (body["compatible"], body["reason"]) == (True, None)
    assert {one["permission"]: one["reason"] for one in body["capabilities"]} == reasons
    assert all(one["capable"] is (one["reason"] is None) for one in body["capabilities"])
    in_v1 = api("GET", f"compatibility?{query}", authorization=basic(), version="1.0").json()
    assert in_v1 == {"compatible": not any(reasons.values())}


@pytest.mark.parametrize(
    ("country", "is_compatible"), [("US", True), ("ca", True), ("DE", False), ("NO", False)]
)
def test_a_make_is_compatible_where_it_is_supported(api, country, is_compatible):
    query = f"vin=1G1RC6S55JU123456&scope=read_vin&country={country}"
    body = api("GET", f"compatibility?{query}", authorization=basic()).json()
    reason = None if is_compatible else "MAKE_NOT_COMPATIBLE"
    assert (body["compatible"], body["reason"]) == (is_compatible, reason)


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


def makes(api, query):
    return list(api("GET", f"compatibility/matrix?{query}", authorization=basic()).json())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("region=US&make=RENAULT", []),
        ("region=EUROPE&make=RENAULT", ["RENAULT"]),
        ("region=EUROPE&make=BUICK", []),
        ("region=CA&make=BUICK", ["BUICK"]),
        ("region=US&make=NISSAN+tesla", ["NISSAN", "TESLA"]),
        ("region=US&make=land%20rover", ["LAND_ROVER"]),
        ("region=US&make=TESLA&type=ICE", []),
        ("region=US&make=TESLA&scope=read_battery+read_fuel", []),
        ("region=US&make=NISSAN&type=BEV&scope=read_battery+read_charge&mode=live", ["NISSAN"]),
    ],
)
def test_the_matrix_heeds_every_parameter(api, query, expected):
    assert makes(api, query) == expected


def test_the_regions_have_different_makes(api):
    us, europe = set(makes(api, "region=US")), set(makes(api, "region=EUROPE"))
    assert us - europe
    assert europe - us
    assert_error(
        api("GET", "compatibility/matrix?region=US&make=NISSAN+x", authorization=basic()), 400, "VALIDATION"
    )
