"""Hosts and header names of Smartcar's API, generation 2 (smartcar.com/docs)."""

from typing import Final

API_VERSION: Final = "2.0"
API_URL: Final = f"https://api.smartcar.com/v{API_VERSION}"
AUTH_URL: Final = "https://auth.smartcar.com/oauth/token"
CONNECT_URL: Final = "https://connect.smartcar.com"

UNIT_SYSTEM_HEADER: Final = "sc-unit-system"
DATA_AGE_HEADER: Final = "sc-data-age"
REQUEST_ID_HEADER: Final = "sc-request-id"
RETRY_AFTER_HEADER: Final = "retry-after"

UNIT_SYSTEMS: Final = ("metric", "imperial")
MODES: Final = ("live", "simulated", "test")
