"""Hosts and header names of both versions of Smartcar's API (smartcar.com/docs)."""

from typing import Final

API_VERSION: Final = "2.0"
API_URL: Final = f"https://api.smartcar.com/v{API_VERSION}"
AUTH_URL: Final = "https://auth.smartcar.com/oauth/token"
CONNECT_URL: Final = "https://connect.smartcar.com"

APPLICATION_TOKEN_URL: Final = "https://iam.smartcar.com/oauth2/token"  # noqa: S105 - a URL
VEHICLE_URL: Final = "https://vehicle.api.smartcar.com/v3"
MANAGEMENT_V2_URL: Final = f"https://management.smartcar.com/v{API_VERSION}/management"
MANAGEMENT_URL: Final = "https://management.api.smartcar.com/v3"
COMPATIBILITY_URL: Final = "https://compatibility.api.smartcar.com/v3"

USER_ID_HEADER: Final = "sc-user-id"
UNIT_SYSTEM_HEADER: Final = "sc-unit-system"
DATA_AGE_HEADER: Final = "sc-data-age"
FETCHED_AT_HEADER: Final = "sc-fetched-at"
REQUEST_ID_HEADER: Final = "sc-request-id"
RETRY_AFTER_HEADER: Final = "retry-after"

UNIT_SYSTEMS: Final = ("metric", "imperial")
MODES: Final = ("live", "simulated", "test")
