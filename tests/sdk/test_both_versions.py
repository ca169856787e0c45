"""The same simulated vehicle through both API versions, over real HTTP: the same names, types and numbers."""

import inspect
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from django_smartcar import sdk
from django_smartcar.sdk._response_schema import MEASURED, PATHS
from django_smartcar.sdk._vehicle_base import ReadMethods
from django_smartcar.sdk.readings import SOURCES

READINGS = [*SOURCES, "vin", "info"]
#: Differences between the API versions that cannot be removed.
DIFFERENCES = {
    "service_details": "API v3 has one text, API v2 a type and a value",
    "attributes": "API v2 has neither mode nor powertrain",
    "permissions": "API v2 returns only the first page",
}
PLUG_IN, ELECTRIC, FUEL = "CHEVROLET", "TESLA", "HONDA"


@pytest.fixture(scope="module")
def garage(smartcar):
    return {make: smartcar.connect(f"{make}@example.com", make) for make in (PLUG_IN, ELECTRIC, FUEL)}


def outcome(call, *arguments):
    """Return the result of a call, or a description of its error."""
    try:
        found = call(*arguments)
    except sdk.SmartcarException as error:
        found = error
    return comparable(found)


def comparable(found):
    if isinstance(found, sdk.SmartcarException):
        return type(found), found.status_code, found.type, found.code
    if isinstance(found, dict) and "items" in (found.get("data") or {}):
        items = [{**item, "service_details": len(item["service_details"])} for item in found["data"]["items"]]
        return {**found, "data": {"items": items}}
    return found


@pytest.mark.parametrize("unit_system", ["metric", "imperial"])
@pytest.mark.parametrize("make", [PLUG_IN, ELECTRIC, FUEL])
@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_the_same_in_both(garage, make, name, unit_system):
    cars = garage[make]
    cars.set_unit_system(unit_system)
    old, new = outcome(getattr(cars.old, name)), outcome(getattr(cars.new, name))
    assert old == new
    if isinstance(old, dict) and name != "info":
        assert old["age"].tzinfo is UTC
        assert old.get("unit_system", unit_system) == unit_system
        assert ("unit_system" in old) is (name in MEASURED)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (ELECTRIC, ["fuel", "engine_oil"]),
        (FUEL, ["battery", "battery_capacity", "nominal_capacity", "charge", "get_charge_limit"]),
        (PLUG_IN, []),
    ],
)
def test_a_missing_capability_is_refused_in_both(garage, make, names):
    for car in (garage[make].old, garage[make].new):
        failed = {name for name in READINGS if isinstance(outcome(getattr(car, name)), tuple)}
        assert failed == set(names)
        for name in names:
            with pytest.raises(sdk.NotCapableException):
                getattr(car, name)()


@pytest.mark.parametrize("make", [PLUG_IN, ELECTRIC, FUEL])
def test_a_batch_is_the_same_in_both_and_as_the_methods_return(garage, make):
    for car in (garage[make].old, garage[make].new):
        found = car.batch(PATHS)
        assert list(found) == list(PATHS)
        for name, value in found.items():
            assert comparable(value) == outcome(getattr(car, name)), name
    cars = garage[make]
    paths = [path for name, path in PATHS.items() if name not in DIFFERENCES]
    old, new = cars.old.batch(paths), cars.new.batch(paths)
    assert {name: comparable(value) for name, value in old.items()} == {
        name: comparable(value) for name, value in new.items()
    }


def test_the_differences_are_only_these(garage):
    cars = garage[PLUG_IN]
    old, new = cars.old.attributes(), cars.new.attributes()
    assert {name for name in old if old[name] != new[name]} == {"mode", "powertrain_type"}
    assert list(cars.old.iter_permissions()) == cars.new.permissions()
    assert cars.old.permissions() == cars.new.permissions()[:25]
    details = [car.service_history()["data"]["items"][0]["service_details"] for car in (cars.old, cars.new)]
    assert details == [
        [{"type": "Service Dealer", "value": "Example Motors"}],
        [{"type": None, "value": "Service Dealer: Example Motors"}],
    ]


def test_part_of_the_service_history_is_the_same_in_both(garage):
    cars = garage[PLUG_IN]
    (visit,) = cars.old.service_history()["data"]["items"]
    day = visit["service_date"].date()
    for start, end, count in (
        (day, day, 1),
        (day.isoformat(), day.isoformat(), 1),
        (None, day - timedelta(days=1), 0),
        (day + timedelta(days=1), None, 0),
        (visit["service_date"], datetime.now(UTC), 1),
    ):
        old, new = (outcome(car.service_history, start, end) for car in (cars.old, cars.new))
        assert [item["service_date"] for item in new["data"]["items"]] == [visit["service_date"]] * count
        # API v2 also returns records older than a year.
        recent = [item for item in old["data"]["items"] if item["service_date"] >= visit["service_date"]]
        assert recent == new["data"]["items"]


def test_commands_are_the_same_in_both(smartcar):
    cars = smartcar.connect("commands@example.com", PLUG_IN)
    for commanded, seen in ((cars.old, cars.new), (cars.new, cars.old)):
        for call, arguments, reading, field, value in (
            ("lock", (), "lock_status", "is_locked", True),
            ("unlock", (), "lock_status", "is_locked", False),
            ("start_charge", (), "charge", "state", "CHARGING"),
            ("stop_charge", (), "charge", "state", "NOT_CHARGING"),
            ("set_charge_limit", (0.57,), "get_charge_limit", "limit", 0.57),
            ("set_charge_limit", (1,), "get_charge_limit", "limit", 1),
        ):
            assert getattr(commanded, call)(*arguments) == {"status": "success"}
            assert getattr(seen, reading)()["data"][field] == value
        assert commanded.send_destination(52.5, 13.4) == {"status": "success"}
        for call, argument in (("set_charge_limit", 0.4), ("send_destination", 91)):
            with pytest.raises(ValueError, match=r"limit|latitude"):
                getattr(commanded, call)(*[argument] * (2 if call == "send_destination" else 1))
        with pytest.raises(sdk.StateException) as caught:
            commanded.stop_charge()
        assert (caught.value.type, caught.value.code) == ("VEHICLE_STATE", "NOT_CHARGING")


def test_a_permission_that_was_not_granted_is_refused_in_both(smartcar):
    cars = smartcar.connect("limited@example.com", "FORD", ["read_odometer", "read_security"])
    for car in (cars.old, cars.new):
        found = car.batch(["odometer", "location", "fuel", "lock_status"])
        assert found["odometer"] == car.odometer()
        assert found["lock_status"]["data"]["is_locked"] is False
        for name in ("location", "fuel"):
            assert isinstance(found[name], sdk.PermissionException)
            with pytest.raises(sdk.PermissionException):
                getattr(car, name)()
    # A charging port needs another permission in API v3, and may be missing there.
    assert cars.new.lock_status()["data"]["charging_port"] == []


def test_a_custom_path_is_below_the_vehicle(garage):
    cars = garage[ELECTRIC]
    assert cars.old.request("GET", "tesla/charge/voltmeter")["data"] == {"voltage": 240.0}
    assert cars.old.request("POST", "/tesla/charge/ammeter", {"amperage": 16})["data"]["status"] == "success"
    # The current that flows, not the one that was set: the car does not charge.
    assert cars.old.batch(["/tesla/charge/ammeter"])["tesla_charge_ammeter"]["data"] == {"amperage": 0}
    response = cars.old.request("GET", "odometer", headers={"SC-Unit-System": "imperial"})
    cars.set_unit_system("imperial")
    assert response == cars.old.odometer()
    document = cars.new.request("GET", "signals/odometer-traveleddistance")["data"]
    assert document["data"]["attributes"]["body"] == {"unit": "miles", "value": response["data"]["distance"]}
    with pytest.raises(sdk.StateException):
        cars.new.request("POST", "commands/charge/stop")
    assert isinstance(cars.new.batch(["tesla/charge/ammeter"])["tesla_charge_ammeter"], sdk.SmartcarException)


def test_a_subscription_is_created_and_deleted_in_v2(smartcar, garage):
    car, webhook_id = garage[PLUG_IN].old, str(uuid.uuid4())
    amt = smartcar.management_token
    assert car.subscribe(webhook_id) == {"webhook_id": webhook_id, "vehicle_id": car.vehicle_id}
    with pytest.raises(sdk.AuthenticationException):
        car.unsubscribe("wrong", webhook_id)
    assert car.unsubscribe(amt, webhook_id) == {"status": "success"}


def test_both_versions_have_the_same_methods_and_parameters():
    old = {name for name in dir(sdk.Vehicle) if not name.startswith("_")}
    assert old <= set(dir(sdk.v3.Vehicle))
    for name in old - {"unit_system", "iter_permissions"}:
        v2_signature, v3_signature = (
            inspect.signature(getattr(kind, name)) for kind in (sdk.Vehicle, sdk.v3.Vehicle)
        )
        assert list(v2_signature.parameters) == list(v3_signature.parameters), name
        assert v2_signature.return_annotation == v3_signature.return_annotation, name


@pytest.mark.parametrize("name", [name for name in vars(ReadMethods) if not name.startswith("_")])
def test_a_docstring_names_scope_sources_and_units(name):
    words = " ".join(getattr(ReadMethods, name).__doc__.split())
    assert "Scope ``read_" in words
    assert f"GET /{PATHS[name]}" in words
    assert "signal" in words
    assert "NotCapableException" in words or "ServerException" in words
    assert any(unit in words for unit in ("raction", "ilo", "No units", "No units."))
    assert inspect.signature(getattr(ReadMethods, name)).return_annotation.__name__ in vars(sdk)
