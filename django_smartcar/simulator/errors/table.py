"""The error table of API v2: (type, code) -> HTTP status, resolution, description and user message."""

from __future__ import annotations

from typing import NamedTuple

_UNABLE_TO_CONNECT = (
    "is temporarily unable to connect to {app}. Please be patient while we’re working to resolve this issue."
)
_CAR_MESSAGE = f"Your car {_UNABLE_TO_CONNECT}"
_VEHICLE_MESSAGE = f"Your vehicle {_UNABLE_TO_CONNECT}"
_RECONNECT_MESSAGE = (
    "Your car got disconnected from {app}. "
    "Please use this link to re-connect your car: <link to Smartcar Connect>."
)


class ErrorSpec(NamedTuple):
    """What a response with this error contains."""

    status: int
    resolution: str | None
    description: str
    user_message: str | None = None


def _retry_later(sentence: str) -> str:
    return f"{sentence} Please retry your request at a later time."


_STATE = "and unable to perform your request."
_UPSTREAM = "from an upstream source."
_MALFORMED = "Please check for missing parameters, spelling and casing mistakes, and other syntax issues."
_REAUTHENTICATE = "Please prompt the user to re-authenticate using Smartcar Connect."

#: The errors of v2, by (type, code).
ERRORS: dict[tuple[str, str | None], ErrorSpec] = {
    ("AUTHENTICATION", None): ErrorSpec(
        401,
        None,
        "The authorization header is missing or malformed, or it contains invalid or expired authentication "
        f"credentials. {_MALFORMED}",
    ),
    ("PERMISSION", None): ErrorSpec(
        403,
        "REAUTHENTICATE",
        f"Your application has insufficient permissions to access the requested resource. {_REAUTHENTICATE}",
    ),
    ("VALIDATION", None): ErrorSpec(400, None, f"Request invalid or malformed. {_MALFORMED}", _CAR_MESSAGE),
    ("VALIDATION", "PARAMETER"): ErrorSpec(
        400,
        None,
        "Your request is formatted correctly, but one or more of the provided parameters is incorrect.",
        _CAR_MESSAGE,
    ),
    ("RESOURCE_NOT_FOUND", "PATH"): ErrorSpec(
        404,
        None,
        "The requested resource does not exist. Please check the URL and try again.",
        _VEHICLE_MESSAGE,
    ),
    ("RESOURCE_NOT_FOUND", "VERSION"): ErrorSpec(
        404,
        None,
        "The requested resource does not exist. Please check your specified version number and try again.",
        _VEHICLE_MESSAGE,
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "ACCOUNT_ISSUE"): ErrorSpec(
        400,
        None,
        "Action needed in the user's connected services account before Smartcar can reach the vehicle.",
        _CAR_MESSAGE,
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"): ErrorSpec(
        400,
        "REAUTHENTICATE",
        f"Smartcar was unable to authenticate with the user's connected services account. {_REAUTHENTICATE}",
        _RECONNECT_MESSAGE,
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "NO_VEHICLES"): ErrorSpec(
        400, None, "No vehicles were found in the user's connected services account.", _RECONNECT_MESSAGE
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION"): ErrorSpec(
        400, "REAUTHENTICATE", f"The user revoked Smartcar's access at the vehicle's maker. {_REAUTHENTICATE}"
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"): ErrorSpec(
        400,
        None,
        "The user's connected services subscription is not active or does not include this feature.",
        _CAR_MESSAGE,
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "VEHICLE_MISSING"): ErrorSpec(
        400,
        None,
        "This vehicle is no longer associated with the user's connected services account. "
        "Please prompt the user to re-add the vehicle to their account.",
        _RECONNECT_MESSAGE,
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"): ErrorSpec(
        400, "ACTION_REQUIRED", "The vehicle's owner must add a virtual key to the vehicle.", _CAR_MESSAGE
    ),
    ("RATE_LIMIT", "SMARTCAR_API"): ErrorSpec(
        429,
        "RETRY_LATER",
        "Your application has exceeded its rate limit. Please retry your request in a few minutes.",
        _VEHICLE_MESSAGE,
    ),
    ("RATE_LIMIT", "VEHICLE"): ErrorSpec(
        429,
        "RETRY_LATER",
        "You have reached the throttling rate limit for this vehicle. "
        "Please see the retry-after header for when to retry the request.",
        _VEHICLE_MESSAGE,
    ),
    ("BILLING", "VEHICLE_LIMIT"): ErrorSpec(
        430, "CONTACT_SUPPORT", "Your application has reached the number of vehicles of its plan."
    ),
    ("BILLING", "VEHICLE_REQUEST_LIMIT"): ErrorSpec(
        430,
        "CONTACT_SUPPORT",
        "Your application has reached this month's number of requests for this vehicle.",
    ),
    ("BILLING", "INVALID_PLAN"): ErrorSpec(
        430, "CONTACT_SUPPORT", "Your plan does not include this feature."
    ),
    ("BILLING", "ACCOUNT_SUSPENDED"): ErrorSpec(
        430, "FINANCE", "Your account is suspended: a payment is past due."
    ),
    ("SERVER", "INTERNAL"): ErrorSpec(
        500,
        "RETRY_LATER",
        "An internal Smartcar error has occurred. "
        "Our team has been notified and is working to resolve this issue.",
        _CAR_MESSAGE,
    ),
    ("SERVER", "RECORD_NOT_FOUND"): ErrorSpec(
        500, "CONTACT_SUPPORT", "No record was found for this vehicle's battery capacity.", _CAR_MESSAGE
    ),
    ("SERVER", "MULTIPLE_RECORDS_FOUND"): ErrorSpec(
        500,
        "CONTACT_SUPPORT",
        "Several records were found for this vehicle's battery capacity.",
        _CAR_MESSAGE,
    ),
    ("COMPATIBILITY", "MAKE_NOT_COMPATIBLE"): ErrorSpec(
        501, None, "Smartcar does not support the vehicle's make."
    ),
    ("COMPATIBILITY", "SMARTCAR_NOT_CAPABLE"): ErrorSpec(
        501, None, "Smartcar does not yet support this request for the vehicle."
    ),
    ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE"): ErrorSpec(
        501, None, "The vehicle is incapable of performing your request."
    ),
    ("COMPATIBILITY", "PLATFORM_NOT_CAPABLE"): ErrorSpec(
        501,
        "REAUTHENTICATE",
        f"The vehicle's platform is incapable of performing your request. {_REAUTHENTICATE}",
    ),
    ("UPSTREAM", "INVALID_DATA"): ErrorSpec(
        502, "RETRY_LATER", _retry_later(f"Smartcar received invalid data {_UPSTREAM}"), _CAR_MESSAGE
    ),
    ("UPSTREAM", "KNOWN_ISSUE"): ErrorSpec(
        502, "RETRY_LATER", _retry_later(f"Smartcar received an error {_UPSTREAM}"), _CAR_MESSAGE
    ),
    ("UPSTREAM", "NO_RESPONSE"): ErrorSpec(
        502,
        "RETRY_LATER",
        _retry_later("One of Smartcar's upstream sources failed to respond."),
        _CAR_MESSAGE,
    ),
    ("UPSTREAM", "RATE_LIMIT"): ErrorSpec(
        502,
        "RETRY_LATER",
        _retry_later("Smartcar has been rate limited by one of its upstream sources."),
        _CAR_MESSAGE,
    ),
    ("UPSTREAM", "UNKNOWN_ISSUE"): ErrorSpec(
        502,
        "RETRY_LATER",
        f"Smartcar received an unknown error {_UPSTREAM} "
        "Please retry your request at a later time and contact us if the issue persists.",
        _CAR_MESSAGE,
    ),
}

#: VEHICLE_STATE errors, all with status 409: code -> (resolution, description).
_VEHICLE_STATES: dict[str, tuple[str | None, str]] = {
    "ASLEEP": (None, "The vehicle is in a sleep state and temporarily unable to perform your request."),
    "CHARGING_IN_PROGRESS": (None, f"The vehicle is currently charging {_STATE}"),
    "CHARGING_PLUG_CONNECTED": (None, f"The vehicle's charging plug is connected {_STATE}"),
    "CHARGING_PLUG_NOT_CONNECTED": (None, f"The vehicle is not connected to an EV charger {_STATE}"),
    "CHARGE_FAULT": (None, f"The vehicle's charging has a fault {_STATE}"),
    "DOOR_OPEN": (None, f"One or more of the vehicle's doors are open {_STATE}"),
    "FULLY_CHARGED": (None, f"The vehicle is fully charged {_STATE}"),
    "HOOD_OPEN": (None, f"The vehicle's hood is open {_STATE}"),
    "IGNITION_ON": (None, f"The vehicle's ignition is on {_STATE}"),
    "IN_MOTION": (None, f"The vehicle is currently in motion {_STATE}"),
    "LOW_BATTERY": ("RETRY_LATER", f"The vehicle's battery is low {_STATE}"),
    "NOT_CHARGING": (None, f"The vehicle is not charging {_STATE}"),
    "REMOTE_ACCESS_DISABLED": (None, f"The vehicle's remote access is disabled {_STATE}"),
    "TRUNK_OPEN": (None, f"The vehicle's trunk is open {_STATE}"),
    "UNKNOWN": ("RETRY_LATER", "The vehicle was unable to perform your request due to an unknown issue."),
    "UNREACHABLE": (None, "The vehicle was unable to perform your request: it could not be reached."),
    "VEHICLE_OFFLINE_FOR_SERVICE": (None, f"The vehicle is offline for service {_STATE}"),
}
ERRORS.update(
    {
        ("VEHICLE_STATE", code): ErrorSpec(409, resolution, description, _CAR_MESSAGE)
        for code, (resolution, description) in _VEHICLE_STATES.items()
    }
)
