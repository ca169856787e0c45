"""Messages for the driver when Smartcar returns an error, by its type and code.

Source of the types and codes: smartcar.com/docs/errors.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .sdk import (
    AuthenticationException,
    GatewayTimeoutException,
    MonthlyLimitExceeded,
    NoResponseException,
    NotCapableException,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    ServerException,
    SignalNotAvailable,
    SmartcarException,
    StateException,
    UpstreamException,
    ValidationException,
)

_LATER = _("The car's brand did not answer as it should. Please try again later.")
_OURS = _("This site asked for something that Smartcar does not know. The fault is ours.")
_CANNOT = _("This car cannot do that.")
_PLAN = _("This site's plan with Smartcar does not cover this. Please tell the site's operator.")
_OFTEN = _("The car was asked too often. Please wait a few minutes.")
_GONE = _("Smartcar does not know this car any more.")
_NO_RECORD = _("Smartcar has no record of this for the car.")
_NO_ACCESS = _("Smartcar did not accept this site's access. Please try again later.")

#: By type and code; by the type alone for any other code.
MESSAGES: dict[tuple[str, str | None], Promise] = {
    ("AUTHENTICATION", None): _NO_ACCESS,
    ("PERMISSION", None): _("The driver has not given permission for this. Connect the car again to ask."),
    ("VALIDATION", None): _OURS,
    ("RESOURCE_NOT_FOUND", None): _GONE,
    ("RESOURCE_NOT_FOUND", "PATH"): _OURS,
    ("RESOURCE_NOT_FOUND", "VERSION"): _OURS,
    ("CONNECTED_SERVICES_ACCOUNT", None): _(
        "The car's brand wants something of you: log in to its app, do what it asks, then try again."
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"): _(
        "The car's brand asks for a new login there. The list of cars has a button for it."
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "NO_VEHICLES"): _(
        "There is no car in your account at the brand. Add it there, then try again."
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION"): _(
        "The car's brand asks for a new login. Please connect the car again."
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"): _(
        "The car's online services are not active. Activate them with the car's brand, then try again."
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "VEHICLE_MISSING"): _(
        "The car is no longer in your account at the brand. Add it there, then connect it again."
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"): _(
        "The car needs a virtual key for this. Add it in the brand's app, then try again."
    ),
    ("VEHICLE_STATE", None): _(
        "The car cannot do that in its present state. Please check it, then try again."
    ),
    ("RATE_LIMIT", None): _OFTEN,
    ("RATE_LIMIT", "SMARTCAR_API"): _("This site has asked Smartcar too often. Please wait a few minutes."),
    ("BILLING", None): _PLAN,
    ("BILLING", "ACCOUNT_SUSPENDED"): _(
        "This site's account with Smartcar is suspended. Please tell the site's operator."
    ),
    ("BILLING", "VEHICLE_LIMIT"): _(
        "This site's plan with Smartcar has no room for another car. Please tell the site's operator."
    ),
    ("BILLING", "VEHICLE_REQUEST_LIMIT"): _("This site has used up its requests to this car for this month."),
    ("SERVER", None): _("Smartcar has a fault. Please try again in a few minutes."),
    ("SERVER", "RECORD_NOT_FOUND"): _NO_RECORD,
    ("SERVER", "MULTIPLE_RECORDS_FOUND"): _NO_RECORD,
    ("COMPATIBILITY", None): _CANNOT,
    ("COMPATIBILITY", "MAKE_NOT_COMPATIBLE"): _("Smartcar does not support this make of car."),
    ("COMPATIBILITY", "SMARTCAR_NOT_CAPABLE"): _("Smartcar cannot do that with this car yet."),
    ("COMPATIBILITY", "PLATFORM_NOT_CAPABLE"): _(
        "The car's brand has a newer login, which this needs. Please connect the car again."
    ),
    ("UPSTREAM", None): _LATER,
    ("UPSTREAM", "RATE_LIMIT"): _("The car's brand was asked too often. Please wait an hour or so."),
}
MESSAGES |= {
    ("VEHICLE_STATE", code): message
    for code, message in {
        "ASLEEP": _("The car is asleep. Open a door or start it, or try again later."),
        "CHARGING_IN_PROGRESS": _("The car is charging already."),
        "CHARGING_PLUG_CONNECTED": _("The charging plug is in. Unplug it, then try again."),
        "CHARGING_PLUG_NOT_CONNECTED": _("The car is not plugged in. Plug it in, then try again."),
        "CHARGE_FAULT": _("The car gets no current. Check the charger and the car's own charging times."),
        "DOOR_OPEN": _("A door is open. Close it, then try again."),
        "FULLY_CHARGED": _("The car is fully charged."),
        "HOOD_OPEN": _("The hood is open. Close it, then try again."),
        "IGNITION_ON": _("The car is switched on. Try again once it is off."),
        "IN_MOTION": _("The car is moving. Try again once it has stopped."),
        "LOW_BATTERY": _("The car's battery is too low. Charge it, then try again."),
        "NOT_CHARGING": _("The car is not charging."),
        "REMOTE_ACCESS_DISABLED": _("Remote access is switched off in the car. Switch it on there."),
        "TRUNK_OPEN": _("The trunk is open. Close it, then try again."),
        "UNREACHABLE": _("The car cannot be reached: it may have no reception. Try again later."),
        "VEHICLE_OFFLINE_FOR_SERVICE": _("The car is in service mode. Try again after the service."),
    }.items()
}


#: For an error whose type is not in the table: the message of the first class that it is an instance of.
_BY_CLASS: list[tuple[type[SmartcarException], Promise]] = [
    (
        SignalNotAvailable,
        _("Smartcar has not collected this from the car yet. It may take a day after connecting."),
    ),
    (ValidationException, MESSAGES["VALIDATION", None]),
    (AuthenticationException, MESSAGES["AUTHENTICATION", None]),
    (PermissionException, MESSAGES["PERMISSION", None]),
    (ResourceNotFoundException, MESSAGES["RESOURCE_NOT_FOUND", None]),
    (StateException, MESSAGES["VEHICLE_STATE", None]),
    (RateLimitingException, MESSAGES["RATE_LIMIT", None]),
    (MonthlyLimitExceeded, MESSAGES["BILLING", None]),
    (NotCapableException, MESSAGES["COMPATIBILITY", None]),
    (GatewayTimeoutException, _("The car took too long to answer: it may or may not have done it.")),
    (UpstreamException, MESSAGES["UPSTREAM", None]),
    (ServerException, MESSAGES["SERVER", None]),
    (
        NoResponseException,
        _("Smartcar did not answer. After a command, check the car before you try again."),
    ),
]


def message_for(error: SmartcarException) -> str:
    """Return the translated sentence for the driver, or "" if there is none."""
    message = _lookup(error)
    if message and isinstance(error, RateLimitingException) and error.retry_after:
        wait = gettext("That is possible again in %(seconds)d seconds.") % {"seconds": error.retry_after}
        return f"{message} {wait}"
    return message


def code_message(type_: str, code: str) -> str:
    """Return the translated sentence for an error that was stored by its type and code, or ""."""
    pairs = ((type_.upper(), code.upper()), (type_.upper(), None))
    return next((str(MESSAGES[pair]) for pair in pairs if pair in MESSAGES), "")


def help_url(error: Exception) -> str:
    """Return the link where the driver can solve the problem, if Smartcar sent one, else "".

    Smartcar's link to a new login is left out: the site's own button starts a connect attempt, so that the
    callback can be matched to the user.
    """
    url = str((getattr(error, "resolution", None) or {}).get("url") or "")
    if not url.startswith("https://") or getattr(error, "code", None) == "AUTHENTICATION_FAILED":
        return ""
    try:
        return urlsplit(url).geturl()
    except ValueError:  # not an address
        return ""


def _lookup(error: SmartcarException) -> str:
    is_signal = isinstance(error, SignalNotAvailable)  # it has the type and code of an unknown vehicle
    message = "" if is_signal else code_message(error.type or "", error.code or "")
    return message or next((str(text) for kind, text in _BY_CLASS if isinstance(error, kind)), "")
