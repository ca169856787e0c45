"""Which failure has which name, and what to tell the driver: one table, by Smartcar's type and code.

Source of the pairs: smartcar.com/docs/errors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..sdk import (
    AuthenticationException,
    GatewayTimeoutException,
    MonthlyLimitExceeded,
    NoAnswerException,
    NotCapableException,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    ServerException,
    SignalNotAvailable,
    SmartcarException,
    StateException,
    UnexpectedStatusException,
    ValidationException,
)
from .names import (
    AccessRefused,
    OwnerActionRequired,
    PermissionMissing,
    QuotaExceeded,
    RateLimited,
    ReconnectRequired,
    RequestInvalid,
    UpstreamFailed,
    VehicleNotCapable,
    VehicleNotFound,
    VehicleUnavailable,
)


class Meaning(NamedTuple):
    #: A class of `names`; None for a failure whose class in the SDK says it all.
    kind: Any
    user_message: Promise


_LATER = _("The car's brand did not answer as it should. Please try again later.")
_OURS = _("This site asked for something that Smartcar does not know. The fault is ours.")
_CANNOT = _("This car cannot do that.")
_PLAN = _("This site's plan with Smartcar does not cover this. Please tell the site's operator.")
_OFTEN = _("The car was asked too often. Please wait a few minutes.")
_GONE = _("Smartcar does not know this car any more.")
_NO_RECORD = _("Smartcar has no record of this for the car.")
_NO_ACCESS = _("Smartcar did not accept this site's access. Please try again later.")

#: By type and code; by the type alone for a code that is not named.
ERROR_TABLE: dict[tuple[str, str | None], Meaning] = {
    ("AUTHENTICATION", None): Meaning(AccessRefused, _NO_ACCESS),
    ("PERMISSION", None): Meaning(
        PermissionMissing,
        _("The driver has not given permission for this. Connect the car again to ask."),
    ),
    ("VALIDATION", None): Meaning(RequestInvalid, _OURS),
    ("RESOURCE_NOT_FOUND", None): Meaning(VehicleNotFound, _GONE),
    ("RESOURCE_NOT_FOUND", "PATH"): Meaning(RequestInvalid, _OURS),
    ("RESOURCE_NOT_FOUND", "VERSION"): Meaning(RequestInvalid, _OURS),
    ("CONNECTED_SERVICES_ACCOUNT", None): Meaning(
        OwnerActionRequired,
        _("The car's brand wants something of you: log in to its app, do what it asks, then try again."),
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"): Meaning(
        ReconnectRequired,
        _("The car's brand asks for a new login there. The list of cars has a button for it."),
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "NO_VEHICLES"): Meaning(
        OwnerActionRequired, _("There is no car in your account at the brand. Add it there, then try again.")
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION"): Meaning(
        ReconnectRequired, _("The car's brand asks for a new login. Please connect the car again.")
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"): Meaning(
        OwnerActionRequired,
        _("The car's online services are not active. Activate them with the car's brand, then try again."),
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "VEHICLE_MISSING"): Meaning(
        OwnerActionRequired,
        _("The car is no longer in your account at the brand. Add it there, then connect it again."),
    ),
    ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"): Meaning(
        OwnerActionRequired,
        _("The car needs a virtual key for this. Add it in the brand's app, then try again."),
    ),
    ("VEHICLE_STATE", None): Meaning(
        VehicleUnavailable,
        _("The car cannot do that in its present state. Please check it, then try again."),
    ),
    ("RATE_LIMIT", None): Meaning(RateLimited, _OFTEN),
    ("RATE_LIMIT", "SMARTCAR_API"): Meaning(
        RateLimited, _("This site has asked Smartcar too often. Please wait a few minutes.")
    ),
    ("BILLING", None): Meaning(QuotaExceeded, _PLAN),
    ("BILLING", "ACCOUNT_SUSPENDED"): Meaning(
        QuotaExceeded,
        _("This site's account with Smartcar is suspended. Please tell the site's operator."),
    ),
    ("BILLING", "VEHICLE_LIMIT"): Meaning(
        QuotaExceeded,
        _("This site's plan with Smartcar has no room for another car. Please tell the site's operator."),
    ),
    ("BILLING", "VEHICLE_REQUEST_LIMIT"): Meaning(
        QuotaExceeded, _("This site has used up its requests to this car for this month.")
    ),
    ("SERVER", None): Meaning(UpstreamFailed, _("Smartcar has a fault. Please try again in a few minutes.")),
    ("SERVER", "RECORD_NOT_FOUND"): Meaning(UpstreamFailed, _NO_RECORD),
    ("SERVER", "MULTIPLE_RECORDS_FOUND"): Meaning(UpstreamFailed, _NO_RECORD),
    ("COMPATIBILITY", None): Meaning(VehicleNotCapable, _CANNOT),
    ("COMPATIBILITY", "MAKE_NOT_COMPATIBLE"): Meaning(
        VehicleNotCapable, _("Smartcar does not support this make of car.")
    ),
    ("COMPATIBILITY", "SMARTCAR_NOT_CAPABLE"): Meaning(
        VehicleNotCapable, _("Smartcar cannot do that with this car yet.")
    ),
    ("COMPATIBILITY", "PLATFORM_NOT_CAPABLE"): Meaning(
        ReconnectRequired,
        _("The car's brand has a newer login, which this needs. Please connect the car again."),
    ),
    ("UPSTREAM", None): Meaning(UpstreamFailed, _LATER),
    ("UPSTREAM", "RATE_LIMIT"): Meaning(
        RateLimited, _("The car's brand was asked too often. Please wait an hour or so.")
    ),
}
ERROR_TABLE |= {
    ("VEHICLE_STATE", code): Meaning(VehicleUnavailable, sentence)
    for code, sentence in {
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

#: Of a failure without Smartcar's words, or with old ones: by the SDK's class, the first that fits.
_BY_CLASS: list[tuple[type[SmartcarException], Meaning]] = [
    (
        SignalNotAvailable,
        Meaning(
            None, _("Smartcar has not collected this from the car yet. It may take a day after connecting.")
        ),
    ),
    (ValidationException, ERROR_TABLE["VALIDATION", None]),
    (AuthenticationException, ERROR_TABLE["AUTHENTICATION", None]),
    (PermissionException, ERROR_TABLE["PERMISSION", None]),
    (ResourceNotFoundException, ERROR_TABLE["RESOURCE_NOT_FOUND", None]),
    (StateException, ERROR_TABLE["VEHICLE_STATE", None]),
    (RateLimitingException, ERROR_TABLE["RATE_LIMIT", None]),
    (MonthlyLimitExceeded, ERROR_TABLE["BILLING", None]),
    (NotCapableException, ERROR_TABLE["COMPATIBILITY", None]),
    (ServerException, ERROR_TABLE["SERVER", None]),
    (
        GatewayTimeoutException,
        Meaning(UpstreamFailed, _("The car took too long to answer: it may or may not have done it.")),
    ),
    (
        NoAnswerException,
        Meaning(None, _("Smartcar did not answer. After a command, check the car before you try again.")),
    ),
]


def lookup(error: SmartcarException) -> Meaning | None:
    """The row of the table that this failure falls under."""
    type_, code = (error.type or "").upper(), (error.code or "").upper()
    if not isinstance(error, SignalNotAvailable):  # which comes with the pair of a car that is not found
        for pair in ((type_, code), (type_, None)):
            if meaning := ERROR_TABLE.get(pair):
                return meaning
    for kind, meaning in _BY_CLASS:
        if isinstance(error, kind):
            return meaning
    if isinstance(error, UnexpectedStatusException) and (error.status_code or 0) >= 500:
        return ERROR_TABLE["UPSTREAM", None]
    return None
