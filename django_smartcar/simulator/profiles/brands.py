"""The shape profiles: what cars of each brand have been seen to send.

A shape whose make is not known is in the profile of the make that it fits best.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from . import gaps, refusals, times, units
from .profile import Complaint, Page, Profile

#: What the account of a driver who is not the main user lacks.
_ACCOUNT = ("VehicleUserAccount.Role", "VehicleUserAccount.Permissions")
_DIAGNOSTICS = ("Diagnostics.DTCCount", "Diagnostics.DTCList")

DOCUMENTED: Final = Profile(_("As documented"))

#: Source: copies of Smartcar's documentation of February 2026.
EARLY: Final = Profile(
    _("As documented early in 2026: pages of 10 with other parameters, times in milliseconds"),
    signals=(times.milliseconds,),
    page=Page("page", "pageSize", "page", default_size=10),
)

#: Source: a captured event of a Polestar 2.
POLESTAR: Final = Profile(
    _("Polestar: times of 0, null and empty fields, a broken signal"),
    brands=("POLESTAR",),
    signals=(
        units.short_units,
        times.zero_for_static,
        gaps.null("closure-fronttrunk", "isLocked"),
        gaps.null("closure-sunroof", "isOpen"),
        gaps.empty("charge-chargelimits", "values"),
        gaps.range_by_default,
        gaps.without("location-preciselocation", "heading", "direction"),
        refusals.broken("charge-chargetimers"),
    ),
)

#: Source: captured events and errors of a VW ID.4 and an ID.7; wbyoung/smartcar #56, #103 and its FAQ.
VOLKSWAGEN: Final = Profile(
    _("Volkswagen: no status, refused signals, errors that nobody asked for"),
    brands=("VOLKSWAGEN",),
    signals=(
        units.short_units,
        times.zero_for_static,
        times.no_times("charge-ischarging"),
        gaps.no_status(),
        refusals.outdated_unless_charging("charge-chargerate", "charge-timetocomplete", "charge-wattage"),
        refusals.incapable(
            "connectivitysoftware-currentfirmwareversion",
            "connectivitystatus-isasleep",
            "connectivitystatus-isonline",
            "tractionbattery-range",
        ),
        refusals.refused("closure-islocked", code=None),
        refusals.refused("closure-fronttrunk", code="UNKNOWN"),
    ),
    omitted=frozenset({"charge-detailedchargingstatus"}),
    vehicle=(gaps.unknown_powertrain,),
    v2=(gaps.fuel_percentage_only,),
    complaints=(
        Complaint(
            "COMPATIBILITY",
            "VEHICLE_NOT_CAPABLE",
            (*_ACCOUNT, "VehicleIdentification.Nickname", "ConnectivityStatus.IsOnline"),
        ),
        Complaint("PERMISSION", None, ("Closure.IsLocked",), refusals.swapped),
        Complaint("PERMISSION", None),
    ),
    is_empty_list_missing=True,
)

#: Source: wbyoung/smartcar #22, #49, #51, #71 and #78.
JAGUAR: Final = Profile(
    _("Jaguar: kilopascals called bar, a tire without a sensor, charging while plugged in"),
    brands=("JAGUAR", "LAND_ROVER"),
    signals=(
        units.short_units,
        units.bar_that_is_kilopascals,
        units.tire_without_sensor,
        times.zero_for_static,
        gaps.right_column_first,
        gaps.charging_while_plugged_in,
        gaps.without("location-preciselocation", "direction", "locationType"),
        refusals.refused("diagnostics-dtccount", "diagnostics-dtclist", code=None),
        refusals.invalid_data("charge-chargelimits", "lowvoltagebattery-stateofcharge"),
    ),
    complaints=(
        Complaint("PERMISSION", None, _ACCOUNT, refusals.named),
        Complaint("PERMISSION", None, _DIAGNOSTICS, refusals.named),
    ),
)

#: Source: wbyoung/smartcar #109; Smartcar's test car of API v3.
TESLA: Final = Profile(
    _("Tesla: tires in bar, the model year as text"),
    brands=("TESLA",),
    signals=(units.bar,),
    vehicle=(gaps.year_as_text,),
)

#: Source: audi_connect #22 (times); wbyoung/smartcar #52 (fractions).
AUDI: Final = Profile(
    _("Audi: years 2 and 1970, percentages as fractions without a unit"),
    brands=("AUDI",),
    signals=(
        times.zero_for_static,
        times.recorded_in_year_2("closure-islocked", "closure-doors", "closure-windows"),
        times.recorded_in_1970("odometer-traveleddistance", "internalcombustionengine-oillife"),
        units.bare_fraction("tractionbattery-stateofcharge", "internalcombustionengine-fuellevel"),
    ),
    v2=(gaps.fuel_percentage_only,),
)

#: Source: wbyoung/smartcar, a fixture of a plug-in hybrid of unknown make; home-assistant/core #107076, of
#: another make (odometer).
BMW: Final = Profile(
    _("BMW: fuel as a fraction without status and times, an odometer of 0 while asleep"),
    brands=("BMW", "MINI"),
    signals=(
        units.short_units,
        units.no_data("odometer-traveleddistance", 0, while_asleep=True),
        units.bare_fraction("internalcombustionengine-fuellevel"),
        times.times_in_attributes("internalcombustionengine-fuellevel"),
        gaps.no_status("internalcombustionengine-fuellevel"),
        gaps.without("location-preciselocation", "heading", "direction"),
    ),
    v2=(gaps.fuel_percentage_only,),
)

#: Source: Hyundai-Kia-Connect/kia_uvo #1548 and #1771: one or two bytes with all bits set are "no data".
HYUNDAI: Final = Profile(
    _("Hyundai and Kia: 65535 km and 255 % for “no data”"),
    brands=("HYUNDAI", "KIA"),
    signals=(
        units.no_data("tractionbattery-range", 65535),
        units.no_data("lowvoltagebattery-stateofcharge", 255),
        units.no_data("tractionbattery-stateofcharge", 255, while_asleep=True),
    ),
)
