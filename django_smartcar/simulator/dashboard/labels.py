"""Words for the garage's pages: what a vehicle's values and Smartcar's error types mean."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Label = str | Promise

CHARGE_STATES: dict[str, Label] = {
    "CHARGING": _("Charging"),
    "FULLY_CHARGED": _("Fully charged"),
    "NOT_CHARGING": _("Not charging"),
}

GEARS: dict[str, Label] = {"DRIVE": _("Drive"), "PARK": _("Park")}

POWERTRAINS: dict[str, Label] = {
    "BEV": _("Electric car"),
    "HEV": _("Hybrid"),
    "ICE": _("Combustion engine"),
    "PHEV": _("Plug-in hybrid"),
}

#: Modes of a connection.
MODES: dict[str, Label] = {
    "live": _("live mode"),
    "simulated": _("simulated mode"),
    "test": _("test mode"),
}

#: What the errors of each type say, in the order of the list of errors.
ERROR_TYPES: dict[str, Label] = {
    "VEHICLE_STATE": _("The car cannot do this at the moment."),
    "CONNECTED_SERVICES_ACCOUNT": _("The owner's account at the brand has a problem."),
    "UPSTREAM": _("The brand's servers do not answer, or answer with an error."),
    "COMPATIBILITY": _("The car or its brand does not have this feature."),
    "PERMISSION": _("The owner has not given the permission."),
    "RATE_LIMIT": _("There were too many requests."),
    "BILLING": _("Your plan at Smartcar does not allow this."),
    "SERVER": _("Smartcar has an error."),
    "GATEWAY_TIMEOUT": _("A gateway in front of Smartcar timed out."),
    "AUTHENTICATION": _("The token is missing, wrong or expired."),
    "VALIDATION": _("The request is invalid."),
    "RESOURCE_NOT_FOUND": _("The path or the API version does not exist."),
}
