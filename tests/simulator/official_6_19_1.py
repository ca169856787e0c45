# ruff: noqa: PT017, T201 - a script that runs where there is no pytest
"""Exercise Smartcar's SDK 6.19.1, configured by environment variables. Started by test_official_sdk.py.

A request to any other host than the simulator's fails.
"""

import os
import uuid
from urllib.parse import urlsplit

import requests
import smartcar
import smartcar.smartcar as more
from smartcar import v2_response
from smartcar.exception import SmartcarException

from tests.simulator.browser import RequestsBrowser, Visit
from tests.simulator.resolving import resolve_only

ORIGIN = os.environ["SIMULATOR_ORIGIN"]
resolve_only({urlsplit(ORIGIN).hostname: urlsplit(ORIGIN).port})
AMT = os.environ["SIMULATOR_MANAGEMENT_TOKEN"]
SCOPE = [
    "required:read_vehicle_info",
    "required:read_location",
    "required:read_odometer",
    "required:control_security",
    "required:read_vin",
    "required:read_fuel",
    "required:read_battery",
    "read_charge",
    "control_charge",
    "control_navigation",
    "read_diagnostics",
    "read_service_history",
    "required:read_engine_oil",
    "required:read_tires",
    "required:read_security",
]


def assert_raises(status, type_, code, call, *arguments):
    try:
        call(*arguments)
    except SmartcarException as error:
        assert (error.status_code, error.type, error.code) == (status, type_, code), vars(error)
        assert error.message.startswith(f"{type_}")
        assert error.request_id
        return error
    raise AssertionError(f"{type_} was not raised")


def connect(email, scope=None, **options):
    url = client.get_auth_url(scope or SCOPE, {"force_prompt": True, **options})
    return Visit(RequestsBrowser(), ORIGIN, url).connect(email)


def first_vehicle(access):
    return smartcar.Vehicle(smartcar.get_vehicles(access.access_token).vehicles[0], access.access_token)


assert smartcar.__version__ == "6.19.1"
client = smartcar.AuthClient(mode="test")

# Connect, exchange
visit = connect("driver@example.com", state="s", user="u", flags={"country": "DE", "x": True})
assert visit.callback["state"] == "s"
access = client.exchange_code(visit.callback["code"], {"flags": {"country": "DE"}})
assert (access.token_type, access.expires_in) == ("Bearer", 7200)
try:
    client.exchange_code(visit.callback["code"])
except SmartcarException as error:
    assert (error.status_code, error.type) == (400, "invalid_grant")
    assert error.message == f"Invalid code: {visit.callback['code']}."
else:
    raise AssertionError("a used code was accepted")

# User and vehicles
user = smartcar.get_user(access.access_token)
assert user.id == visit.callback["user_id"]
assert uuid.UUID(user.meta.request_id)
page = smartcar.get_vehicles(access.access_token, {"limit": 50, "offset": 0})
assert (page.paging.count, page.paging.offset) == (1, 0)
volt = first_vehicle(access)
assert volt.attributes().make == "CHEVROLET"
assert len(volt.vin().vin) == 17
permissions = volt.permissions({"limit": 1, "offset": 1})
assert (permissions.permissions, permissions.paging.count) == (["read_location"], len(SCOPE))

# Every read
odometer = volt.odometer()
assert odometer._fields == ("distance", "meta")
assert odometer.meta.unit_system == "metric"
assert odometer.meta.data_age < odometer.meta.fetched_at
assert "unit_system" not in volt.location().meta._fields
assert volt.charge().state == "NOT_CHARGING"
assert 0 < volt.battery().percent_remaining < 1
assert volt.battery_capacity().capacity == 18.4
nominal = volt.nominal_capacity()
assert nominal.capacity["nominal"] == nominal.availableCapacities[0].capacity == 18.4
assert 0 < volt.fuel().percent_remaining < 1
assert 175 <= volt.tire_pressure().front_left <= 237
assert 0 < volt.engine_oil().life_remaining < 1
assert volt.get_charge_limit().limit == 0.9
assert volt.diagnostic_system_status().systems[0].status == "OK"
assert volt.diagnostic_trouble_codes().active_codes[0].code == "P0420"
assert volt.service_history("2000-01-01", "2099-01-01").items[0]["odometerDistance"] > 0
assert [door["status"] for door in volt.lock_status().doors] == ["CLOSED"] * 4
imperial = smartcar.Vehicle(
    volt.vehicle_id, volt.access_token, {"unit_system": "imperial", "flags": {"x": True}}
)
assert imperial.odometer().meta.unit_system == "imperial"
assert abs(imperial.odometer().distance * 1.609344 - odometer.distance) < 0.1
assert_raises(403, "PERMISSION", None, volt.request, "GET", "CHEVROLET/charge/voltmeter", {}, {})
assert volt.request("GET", "odometer", None, {"sc-unit-system": "imperial"}).meta.unit_system == "imperial"
assert volt.request("GET", "chevrolet/charge/voltmeter", None, {}).body == {"voltage": 240.0}

# Every command
for lock, is_locked in ((volt.lock, True), (volt.unlock, False), (volt.lock, True)):
    response = lock()
    assert (response.status, response.message) == ("success", "Successfully sent request to vehicle")
    assert volt.lock_status().is_locked is is_locked
assert volt.start_charge().status == "success"
assert (
    assert_raises(409, "VEHICLE_STATE", "CHARGING_IN_PROGRESS", volt.start_charge).resolution["type"] is None
)
assert volt.stop_charge().status == "success"
assert volt.set_charge_limit(0.7).status == "success"
assert volt.get_charge_limit().limit == 0.7
assert volt.send_destination(40.748817, -73.985428).status == "success"
error = assert_raises(400, "VALIDATION", None, volt.set_charge_limit, 7)
assert error.detail[0]["field"] == "limit"

# Batch
batch = volt.batch(
    ["/", "/odometer", "/tires/pressure", "/security", "/charge/limit", "/diagnostics/dtcs", "/fuel"]
)
assert batch.attributes().model == "Volt"
assert batch.odometer().distance == odometer.distance
assert batch.odometer().meta.request_id == batch.meta.request_id
assert batch.lock_status().is_locked is True
assert batch.tire_pressure().back_right
assert batch.get_charge_limit().limit == 0.7
assert batch.diagnostic_trouble_codes().active_codes
assert_raises(400, "VALIDATION", None, volt.batch, ["/odometer", "/LOCATIONNNNNNNN"])

# Webhooks
webhook_id = str(uuid.uuid4())
subscribed = volt.subscribe(webhook_id)
assert (subscribed.webhook_id, subscribed.vehicle_id) == (webhook_id, volt.vehicle_id)
assert_raises(401, "AUTHENTICATION", None, volt.unsubscribe, "wrong", webhook_id)
assert volt.unsubscribe(AMT, webhook_id).status == "success"
assert_raises(400, "VALIDATION", None, volt.subscribe, "nonsense")

# Compatibility
found = smartcar.get_compatibility(volt.vin().vin, ["read_odometer", "read_fuel"])
assert found.compatible
assert [capability.capable for capability in found.capabilities] == [True, True]
assert more.get_compatibility_matrix("US", "TESLA", {"type": "BEV"})["TESLA"][0].model == "Model 3"

# Refresh
refreshed = client.exchange_refresh_token(access.refresh_token)
assert refreshed.refresh_token != access.refresh_token
assert smartcar.get_user(access.access_token).id == smartcar.get_user(refreshed.access_token).id
try:
    client.exchange_refresh_token("nonsense")
except SmartcarException as error:
    assert error.message == "Invalid refresh_token: nonsense."

# Errors
error = assert_raises(401, "AUTHENTICATION", None, smartcar.get_user, "nonsense")
assert error.resolution == {"type": None, "url": None}
limited_visit = connect("limited@example.com", ["read_odometer"], make_bypass="FORD")
limited = first_vehicle(client.exchange_code(limited_visit.callback["code"]))
assert assert_raises(403, "PERMISSION", None, limited.location).resolution["type"] == "REAUTHENTICATE"
assert_raises(403, "PERMISSION", None, limited.batch(["/odometer", "/location"]).location)
broken = first_vehicle(
    client.exchange_code(connect("smartcar@voa-000.vehicle-owner-action-required.com").callback["code"])
)
error = assert_raises(400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", broken.lock)
assert "/connect/oauth/reauthenticate?" in error.resolution["url"]
assert error.suggested_user_message
assert error.doc_url

# One car of three
one = {"enabled": True, "vin": "5YJ3E1EA7JF000001"}
single = client.exchange_code(connect("one@example.com", single_select=one).callback["code"])
assert first_vehicle(single).vin().vin == "5YJ3E1EA7JF000001"

# Management
connections = smartcar.get_connections(AMT, paging={"limit": 2})
assert len(connections.connections) == 2
assert connections.paging.cursor
rest = smartcar.get_connections(AMT, paging={"limit": 2, "cursor": connections.paging.cursor})
assert len(rest.connections) == 2
assert isinstance(smartcar.get_connections(AMT, {"user_id": user.id}).connections[0], v2_response.Connection)
deleted = smartcar.delete_connections(AMT, {"vehicle_id": limited.vehicle_id})
assert [connection.vehicle_id for connection in deleted.connections] == [limited.vehicle_id]
assert_raises(403, "PERMISSION", None, limited.odometer)
assert_raises(401, "AUTHENTICATION", None, smartcar.get_connections, "wrong")

# API v3, with an application token
application = {
    "grant_type": "client_credentials",
    "client_id": os.environ["M2M_CLIENT_ID"],
    "client_secret": os.environ["M2M_CLIENT_SECRET"],
}
new = requests.post(os.environ["SMARTCAR_IAM_URL"], application, timeout=10).json()["access_token"]
vehicle = more.get_vehicle(new, volt.vehicle_id)
assert vehicle["body"]["data"]["attributes"]["model"] == "Volt"
assert vehicle["headers"]["SC-Request-Id"]
try:
    more.get_vehicle("nonsense", volt.vehicle_id)
except SmartcarException as error:
    assert (error.status_code, error.type) == (401, "SDK_ERROR")  # it cannot read errors of API v3

# Disconnect
assert volt.disconnect().status == "success"
assert_raises(403, "PERMISSION", None, volt.odometer)

print(volt.vehicle_id)
