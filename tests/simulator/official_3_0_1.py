# ruff: noqa: PT017, T201 - a script that runs where there is no pytest
"""Exercise Smartcar's SDK 3.0.1, unchanged, at Smartcar's own host names. Started by test_official_sdk.py.

Its URLs are hard-coded. The names lead to a TLS proxy in front of the simulator, and no other name anywhere.
"""

import os
from datetime import timedelta

import smartcar
from smartcar import exceptions

from tests.simulator.browser import RequestsBrowser, Visit
from tests.simulator.resolving import resolve_only

CONNECT = "https://connect.smartcar.com/"
HOSTS = ("connect.smartcar.com", "auth.smartcar.com", "api.smartcar.com")
resolve_only(dict.fromkeys(HOSTS, int(os.environ["TLS_PROXY_PORT"])))

REDIRECT_URI = "https://app.example.com/callback"
SCOPE = ["required:read_vehicle_info", "read_vin", "read_odometer", "read_location", "control_security"]


def assert_raises(name, call, *arguments):
    try:
        call(*arguments)
    except exceptions.SmartcarException as error:
        assert type(error).__name__ == name, error
        assert error.message != "Unknown error"
        return error
    raise AssertionError(f"{name} was not raised")


assert smartcar.__version__ == "3.0.1"
client = smartcar.AuthClient(
    os.environ["SMARTCAR_CLIENT_ID"],
    os.environ["SMARTCAR_CLIENT_SECRET"],
    REDIRECT_URI,
    SCOPE,
    test_mode=True,
)

# Connect, exchange
url = client.get_auth_url(state="s", vehicle_info={"make": "TESLA"})
visit = Visit(RequestsBrowser(), CONNECT, url).connect("2-vehicles@smartcar.com")
assert visit.callback["state"] == "s"
access = client.exchange_code(visit.callback["code"])
assert access["expires_in"] == 7200
assert not smartcar.is_expired(access["expiration"])
error = assert_raises("ValidationException", client.exchange_code, visit.callback["code"])
assert error.message == f"Invalid code: {visit.callback['code']}."

# User and vehicles
token = access["access_token"]
assert smartcar.get_user_id(token) == visit.callback["user_id"]
page = smartcar.get_vehicle_ids(token, limit=1, offset=1)
assert page["paging"] == {"count": 2, "offset": 1}
vehicle_id = smartcar.get_vehicle_ids(token)["vehicles"][0]

# Read
car = smartcar.Vehicle(vehicle_id, token)
assert car.info()["make"] == "TESLA"
assert len(car.vin()) == 17
assert car.permissions() == [scope.replace("required:", "") for scope in SCOPE]
metric = car.odometer()
assert metric["unit_system"] == "metric"
assert metric["age"].utcoffset() == timedelta(0)
car.set_unit_system("imperial")
imperial = car.odometer()
assert imperial["unit_system"] == "imperial"
assert abs(imperial["data"]["distance"] * 1.609344 - metric["data"]["distance"]) < 0.1
assert set(car.location()["data"]) == {"latitude", "longitude"}

# Lock, refresh, compatibility, disconnect
assert car.lock() == {"status": "success"}
assert car.unlock() == {"status": "success"}
assert car.lock() == {"status": "success"}
refreshed = client.exchange_refresh_token(access["refresh_token"])
assert refreshed["refresh_token"] != access["refresh_token"]
assert_raises("ValidationException", client.exchange_refresh_token, "nonsense")
assert client.is_compatible(car.vin(), ["read_vin"]) is True
assert_raises("ValidationException", client.is_compatible, "short", ["read_vin"])
assert_raises("AuthenticationException", smartcar.get_user_id, "nonsense")
assert_raises("ResourceNotFoundException", car.api.get, "nonsense")
car = smartcar.Vehicle(vehicle_id, refreshed["access_token"])
assert car.disconnect() is None
assert_raises("PermissionException", car.odometer)

# An error account
url = client.get_auth_url(force=True)
visit = Visit(RequestsBrowser(), CONNECT, url)
visit.connect("smartcar@vs-001.vehicle-state-error.com")
token = client.exchange_code(visit.callback["code"])["access_token"]
car = smartcar.Vehicle(smartcar.get_vehicle_ids(token)["vehicles"][0], token)
assert_raises("StateException", car.lock)

print(vehicle_id)
