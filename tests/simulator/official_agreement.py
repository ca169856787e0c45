# ruff: noqa: PT017, T201 - a script that runs where there is no pytest
"""Compare every public method of Smartcar's SDK 6.19.1 with ours, against one simulator.

Both must succeed with equal results. Known bugs of theirs are in ``BUGS``, intended differences in
``DIFFERENCES``, and each of these must be observed. The script fails if a public method of theirs is not
called here, or never succeeds without being a listed bug. Started by test_official_sdk.py.
"""

import functools
import inspect
import os
import re
import uuid
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import requests
import smartcar
import smartcar.smartcar as more
from smartcar.exception import SmartcarException

from django_smartcar import sdk
from django_smartcar.simulator.access.scopes import SCOPES
from tests.simulator.browser import RequestsBrowser, Visit
from tests.simulator.resolving import resolve_only

ORIGIN = os.environ["SIMULATOR_ORIGIN"]
resolve_only({urlsplit(ORIGIN).hostname: urlsplit(ORIGIN).port})
BUGS = {
    "set_unit_system": "it raises ValueError for every value",
    "get_signals": "it sends no sc-user-id, which API v3 requires",
    "get_signal": "it sends no sc-user-id, which API v3 requires",
    "errors of API v3": "they all have the type SDK_ERROR and no code",
    "get_compatibility of 1.0": "it reads an attribute of a dict",
    "request": "it reuses the headers of its first call: another vehicle's token is sent",
}
DIFFERENCES = {
    "mode": "ours does not send mode=live to Connect: it is Smartcar's default",
    "service_id": "theirs is a number, ours a string as in API v3",
    "nominal_capacity": "theirs is named battery_nominal_capacity in a batch",
    "versions": "ours are part of api_url, theirs are global",
    "get_management_token": "ours is built by requests from its auth argument",
}
AMT = os.environ["SIMULATOR_MANAGEMENT_TOKEN"]
API = os.environ["SMARTCAR_API_ORIGIN"] + "/v2.0"
VEHICLES = os.environ["SMARTCAR_VEHICLE_API_V3_ORIGIN"] + "/v3"
MANAGEMENT = os.environ["SMARTCAR_MANAGEMENT_API_ORIGIN"] + "/v2.0/management"
CREDENTIALS = {name: os.environ[f"SMARTCAR_{name.upper()}"] for name in ("client_id", "client_secret")}
SCOPE = list(SCOPES)
called, succeeded, observed = set(), set(), set()


def recorded(name, function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        called.add(name)
        result = function(*args, **kwargs)
        succeeded.add(name)
        return result

    return call


def public(owner):
    """Return the public names that are defined there, without its imports."""
    return {
        name: value
        for name, value in vars(owner).items()
        if not name.startswith("_") and getattr(value, "__module__", "").partition(".")[0] == "smartcar"
    }


PUBLIC = {}
for owner in (smartcar, more):
    for name, value in public(owner).items():
        if inspect.isfunction(value):
            PUBLIC[name] = (more, name)
        elif value is not SmartcarException:
            PUBLIC |= {f"{name}.{method}": (value, method) for method in public(value)}
for label, (owner, name) in PUBLIC.items():
    setattr(owner, name, recorded(label, vars(owner)[name]))
    if owner is more and hasattr(smartcar, name):
        setattr(smartcar, name, vars(more)[name])


def snake(name):
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def plain(value, name=""):
    """Convert a result of either SDK into one form: no meta, snake case, datetimes as strings."""
    if hasattr(value, "_asdict"):
        value = {key: part for key, part in value._asdict().items() if key != "meta"}
    if isinstance(value, dict):
        return {snake(key): plain(part, snake(key)) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if name == "service_id" and isinstance(value, int):
        observed.add("service_id")
        return str(value)
    return value


def assert_equal_readings(ours, theirs):
    """Compare a reading of ours, a dict as in SDK 3.0.1, with theirs, a named tuple with meta."""
    assert plain(ours["data"]) == plain(theirs), (ours, theirs)
    assert plain(ours["age"]) == theirs.meta.data_age
    assert ours.get("unit_system") == getattr(theirs.meta, "unit_system", None)


def assert_fails(bug, kind, call, *args):
    assert bug in BUGS
    try:
        call(*args)
    except kind as error:
        observed.add(bug)
        return error
    raise AssertionError(f"{bug} is fixed: remove it from BUGS")


def assert_same_error(ours, theirs, *args):
    """Check that both fail, with the same status, type, code and description."""
    try:
        theirs(*args)
    except SmartcarException as error:
        expected = error
    try:
        ours(*args)
    except sdk.SmartcarException as error:
        for name in ("status_code", "type", "code", "description", "doc_url", "detail"):
            assert getattr(error, name) == getattr(expected, name, None), name
        return error
    raise AssertionError("ours did not fail")


# Connect and tokens
redirect_uri = os.environ["SMARTCAR_REDIRECT_URI"]
client = smartcar.AuthClient()
our_client = sdk.AuthClient(
    **CREDENTIALS,
    redirect_uri=redirect_uri,
    scope=SCOPE,
    connect_url=os.environ["SMARTCAR_CONNECT_ORIGIN"],
    auth_url=os.environ["SMARTCAR_AUTH_ORIGIN"],
    api_url=API,
)
options = {"state": "s", "make_bypass": "TESLA", "single_select": {"enabled": True, "vin": "V"}, "user": "u"}
theirs = client.get_auth_url(SCOPE, options | {"force_prompt": True, "flags": {"country": "DE", "x": True}})
ours = our_client.get_auth_url(
    True, "s", {"make": "TESLA"}, single_select="V", flags={"country": "DE", "x": True}, user="u"
)
queries = [parse_qs(urlsplit(url).query) for url in (theirs, ours)]
assert queries[0].pop("mode") == ["live"]
observed.add("mode")
assert queries[0] == queries[1]
assert theirs.partition("?")[0] == ours.partition("?")[0]


def connect(email, make, scope=SCOPE):
    url = our_client.get_auth_url(True, "s")
    visit = Visit(RequestsBrowser(), ORIGIN, url).connect(email, make)
    return visit.callback


callback = connect("agreement@example.com", "CHEVROLET")
access = client.exchange_code(callback["code"])
again = our_client.exchange_code(connect("agreement@example.com", "CHEVROLET")["code"])
assert set(access._fields) == set(again)
for name in ("token_type", "expires_in"):
    assert getattr(access, name) == again[name]
refreshed = client.exchange_refresh_token(access.refresh_token)
assert our_client.exchange_refresh_token(again["refresh_token"])["refresh_token"] != refreshed.refresh_token
token = refreshed.access_token

# User and vehicles
hosts = {"api_url": API}
assert smartcar.get_user(token).id == sdk.get_user_id(token, **hosts) == callback["user_id"]
page = sdk.get_vehicle_ids(token, 50, 0, **hosts)
assert plain(smartcar.get_vehicles(token, {"limit": 50, "offset": 0})) == plain(page)
car_id = page["vehicles"][0]
found = smartcar.get_compatibility("5YJ3E1EA7JF000001", ["read_fuel", "read_vin"], "US")
car_found = sdk.get_compatibility(
    "5YJ3E1EA7JF000001", ["read_fuel", "read_vin"], "US", **CREDENTIALS, **hosts
)
assert plain(found) == plain(car_found)
assert_fails(
    "get_compatibility of 1.0",
    AttributeError,
    smartcar.get_compatibility,
    "V",
    ["x"],
    "US",
    {"version": "1.0"},
)
matrix = more.get_compatibility_matrix("US", "NISSAN", {"scope": ["read_battery"]})
mine_matrix = sdk.get_compatibility_matrix("US", "NISSAN", scope=["read_battery"], **CREDENTIALS, **hosts)
assert {make: plain(models) for make, models in matrix.items()} == mine_matrix

# Every read
READS = [name for name in vars(sdk._vehicle_base.ReadMethods) if not name.startswith("_")] + [
    "odometer",
    "location",
]
for unit_system in ("metric", "imperial"):
    car = smartcar.Vehicle(car_id, token, {"unit_system": unit_system})
    my_car = sdk.Vehicle(car_id, token, unit_system, **hosts)
    for name in READS:
        assert_equal_readings(getattr(my_car, name)(), getattr(car, name)())
    assert "service_id" in observed
    assert_equal_readings(
        my_car.service_history("2000-01-01", "2099-01-01"), car.service_history("2000-01-01", "2099-01-01")
    )
    assert car.vin().vin == my_car.vin()
    assert plain(car.attributes()) == my_car.info()
    assert car.permissions().permissions == my_car.permissions()
    response = my_car.request("GET", "chevrolet/charge/voltmeter")
    assert_equal_readings(
        response | {"data": {"body": response["data"]}},
        car.request("GET", "chevrolet/charge/voltmeter", None, {}),
    )

    # Batch
    paths = [
        "/",
        "/vin",
        "/permissions",
        *(f"/{path}" for path in sdk._response_schema.PATHS.values() if path),
    ]
    batch, my_batch = car.batch(paths), my_car.batch(paths)
    others = set(my_batch) - {"nominal_capacity", "attributes", "vin", "permissions"}
    assert set(batch._fields) - set(my_batch) == {"meta", "battery_nominal_capacity"}
    for name in others:
        assert_equal_readings(my_batch[name], getattr(batch, name)())
    assert plain(batch.battery_nominal_capacity()) == plain(my_batch["nominal_capacity"]["data"])
    observed.add("nominal_capacity")
    assert batch.vin().vin == my_batch["vin"]
    assert batch.permissions().permissions == my_batch["permissions"]
for unit_system in ("metric", "imperial"):
    assert_fails("set_unit_system", ValueError, car.set_unit_system, unit_system)
    my_car.set_unit_system(unit_system)

# Every command, with each SDK first
for first, second in ((car, my_car), (my_car, car)):
    for name, args in (
        ("lock", ()),
        ("unlock", ()),
        ("start_charge", ()),
        ("stop_charge", ()),
        ("set_charge_limit", (0.7,)),
        ("send_destination", (40.7, -73.9)),
    ):
        statuses = []
        for vehicle in (first, second):
            try:
                status = getattr(vehicle, name)(*args)
            except (SmartcarException, sdk.SmartcarException) as error:
                statuses.append((error.status_code, error.type, error.code))
            else:
                statuses.append(status["status"] if isinstance(status, dict) else status.status)
        is_state = name in ("start_charge", "stop_charge")
        assert statuses[0] == "success"
        assert statuses[1] == "success" or is_state, statuses
assert_same_error(my_car.stop_charge, car.stop_charge)

# Webhooks
webhook_id = str(uuid.uuid4())
assert plain(car.subscribe(webhook_id)) == my_car.subscribe(webhook_id)
assert plain(car.unsubscribe(AMT, webhook_id)) == my_car.unsubscribe(AMT, webhook_id)
assert_same_error(my_car.subscribe, car.subscribe, "nonsense")
digest = "7aa2abf547bf1a1f096eedeeab61b60aa6435f34d7fb4f09abe3f30cf5c00f4f"
assert smartcar.hash_challenge("k", "c") == sdk.hash_challenge("k", "c") == digest
for signature, is_good in ((digest, True), (digest[::-1], False)):
    assert smartcar.verify_payload("k", signature, "c") == sdk.verify_payload("k", signature, "c") == is_good
assert smartcar.get_api_version() == "2.0"
smartcar.set_api_version("2.0")
observed.add("versions")

# Errors
stranger = {"theirs": smartcar.Vehicle(car_id, "nonsense"), "ours": sdk.Vehicle(car_id, "nonsense", **hosts)}
assert_same_error(stranger["ours"].odometer, stranger["theirs"].odometer)
assert_same_error(
    functools.partial(my_car.request, "GET"), lambda path: car.request("GET", path, None, {}), "nonsense"
)
honda = client.exchange_code(connect("honda@example.com", "HONDA")["code"]).access_token
honda_id = smartcar.get_vehicles(honda).vehicles[0]
civic, my_civic = smartcar.Vehicle(honda_id, honda), sdk.Vehicle(honda_id, honda, **hosts)
assert_same_error(my_civic.battery, civic.battery)
pair = civic.batch(["/battery", "/fuel"]), my_civic.batch(["/battery", "/fuel"])
assert_equal_readings(pair[1]["fuel"], pair[0].fuel())


def fail_in_batch():
    raise pair[1]["battery"]


assert_same_error(fail_in_batch, pair[0].battery)
# The headers of the first request are reused: the second vehicle is read with the first one's token.
civic.request("GET", "odometer")
error = assert_fails("request", SmartcarException, car.request, "GET", "odometer")
assert error.type == "PERMISSION"
assert my_civic.request("GET", "odometer")["data"]
assert my_car.request("GET", "odometer")["data"]

# API v3
new = sdk.ApplicationAuth(
    os.environ["M2M_CLIENT_ID"], os.environ["M2M_CLIENT_SECRET"], token_url=os.environ["SMARTCAR_IAM_URL"]
).request_token()["access_token"]
attributes = more.get_vehicle(new.reveal(), car_id)["body"]["data"]["attributes"]
assert plain(attributes).items() >= sdk.v3.get_vehicle(new, car_id, api_url=VEHICLES).items()
newer = smartcar.Vehicle(car_id, new.reveal())
error = assert_fails("get_signals", SmartcarException, newer.get_signals)
assert (error.status_code, error.type, getattr(error, "code", None)) == (400, "SDK_ERROR", None)
assert "userId" in error.message
observed.add("errors of API v3")
assert_fails("get_signal", SmartcarException, newer.get_signal, "odometer-traveleddistance")
my_newer = sdk.v3.Vehicle(car_id, new, callback["user_id"], api_url=VEHICLES)
assert my_newer.signals()["is_empty"] is False
assert my_newer.signal("odometer")["value"] > 0

# Management
header = requests.Request("GET", MANAGEMENT, auth=("default", AMT)).prepare().headers["Authorization"]
assert header == f"Basic {more.get_management_token(AMT)}"
observed.add("get_management_token")
filtered = {"user_id": callback["user_id"]}
theirs = smartcar.get_connections(AMT, filtered, {"limit": 1})
ours = sdk.get_connections(AMT, **filtered, limit=1, api_url=MANAGEMENT)
assert theirs.paging.cursor == ours["paging"]["cursor"]
for one, my_one in zip(theirs.connections, ours["connections"], strict=True):
    assert plain(one).items() <= plain(my_one).items()
deleted = smartcar.delete_connections(AMT, {"vehicle_id": honda_id})
assert [one.vehicle_id for one in deleted.connections] == [honda_id]
assert sdk.delete_connections(AMT, vehicle_id=honda_id, api_url=MANAGEMENT) == []
assert_same_error(my_civic.odometer, civic.odometer)

# Disconnect
assert car.disconnect().status == "success"
assert_same_error(my_car.odometer, car.odometer)

assert called == set(PUBLIC), set(PUBLIC) ^ called
assert called - succeeded == {"Vehicle.set_unit_system", "Vehicle.get_signals", "Vehicle.get_signal"}
assert observed == set(BUGS) | set(DIFFERENCES), (set(BUGS) | set(DIFFERENCES)) ^ observed
print(car_id)
