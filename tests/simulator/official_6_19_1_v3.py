# ruff: noqa: T201 - a script that runs where there is no pytest
"""Read Smartcar's test vehicle of API v3 with SDK 6.19.1, which sends no user id.

Started by test_official_sdk.py. A request to any other host than the simulator's fails.
"""

import os
from urllib.parse import urlsplit

import smartcar
import smartcar.smartcar as more

from tests.simulator.resolving import resolve_only

ORIGIN = urlsplit(os.environ["SIMULATOR_ORIGIN"])
resolve_only({ORIGIN.hostname: ORIGIN.port})

VEHICLE_ID, TOKEN = "tst2e255-d3c8-4f90-9fec-e6e68b98e9cb", "test-data-token"

assert more.get_vehicle(TOKEN, VEHICLE_ID)["body"]["id"] == VEHICLE_ID
car = smartcar.Vehicle(VEHICLE_ID, TOKEN)
signals = car.get_signals()
assert signals["headers"]["Content-Type"].startswith("application/json")
code = signals["body"]["data"][0]["attributes"]["code"]
assert car.get_signal(code)["body"]["attributes"]["code"] == code
print(VEHICLE_ID)
