"""States, values and times as people read them: words, units, icons and colors, never raw data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.template.defaultfilters import floatformat
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import VehicleCommand, VehicleReading, VehicleSignal, WebhookEvent, time_as_written
from .imports import exceptions, readings, signals
from .redaction import describe, signal_value

NO_BREAK = "\u00a0"
NOTHING = "–"
MINUTE = timedelta(minutes=1)
ICON = '<svg class="smartcar-icon" width="16" height="16" aria-hidden="true"><use href="{}#{}"></use></svg>'

#: The words for yes and no of signals that have better ones.
BOOLEANS = {
    "is_locked": (gettext_lazy("locked"), gettext_lazy("unlocked")),
    "is_charging": (gettext_lazy("charging"), gettext_lazy("not charging")),
    "is_plugged_in": (gettext_lazy("plugged in"), gettext_lazy("not plugged in")),
    "is_asleep": (gettext_lazy("asleep"), gettext_lazy("awake")),
    "is_online": (gettext_lazy("online"), gettext_lazy("offline")),
}
STATES = {
    "CHARGING": gettext_lazy("charging"),
    "FULLY_CHARGED": gettext_lazy("fully charged"),
    "NOT_CHARGING": gettext_lazy("not charging"),
}
#: What the page writes for a unit of the catalogue, and the factor of its numbers.
UNITS = {"fraction": ("%", 100), "W": ("kW", 0.001), "C": ("°C", 1), "F": ("°F", 1), "minutes": ("min", 1)}

#: The fields of an object that have its unit.
MEASURED = {"limit", "activeLimit", "capacity", "availableCapacities", "tirePressure"}
#: The fields of an object that only say something without others.
UNSAID = {"type", "source"}
_CONSTANT = re.compile(r"OK|[A-Z]{4,}|[A-Z]+(_[A-Z]+)+")
_CAPITAL = re.compile(r"(?<=[a-z])[A-Z]")

#: The color of each state: good, warning, bad; the others have none. The first are those of `fleet.Health`.
COLORS: dict[str, str] = {
    "ok": "good",
    "stale": "warning",
    "needs-login": "bad",
    "needs-reconnecting": "bad",
    VehicleCommand.Status.SUCCEEDED: "good",
    VehicleCommand.Status.FAILED: "bad",
    VehicleCommand.Status.UNKNOWN: "warning",
    WebhookEvent.State.PROCESSED: "good",
    WebhookEvent.State.DEAD: "bad",
    VehicleSignal.Status.ERROR: "bad",
}
ICONS = {"good": "shield", "warning": "warning", "bad": "warning"}


def pill(text: Any, color: str = "", icon: str = "") -> SafeString:
    """Return a word in a colored frame, with an icon of ``smartcar/icons.svg``."""
    return format_html(
        '<span class="smartcar-pill{}">{}{}</span>', f" {color}" if color else "", icon_tag(icon), text
    )


def icon_tag(name: str) -> SafeString:
    if not name:
        return SafeString()
    return format_html(ICON, static("smartcar/icons.svg"), name)


def state_pill(state: str, text: Any) -> SafeString:
    """Return a state of a car, a command, an event or a signal."""
    color = COLORS.get(state, "")
    return pill(text, color, ICONS.get(color, ""))


def exact(moment: datetime | None) -> str:
    """Return a time as the pages of Django's admin write it; a dash without one."""
    return NOTHING if moment is None else time_as_written(moment)


def ago(moment: datetime | None) -> Any:
    """Return how long ago a moment was; the exact time appears with the pointer over it."""
    if moment is None:
        return _("never")
    is_now = timezone.now() - moment < MINUTE
    words = _("just now") if is_now else _("%s ago") % timesince(moment, depth=1)
    return format_html('<time title="{}">{}</time>', exact(moment), words)


def problem(error_type: str, error_code: str) -> str:
    """Return what went wrong in a sentence, with Smartcar's type and code; a dash if nothing did."""
    if not error_type:
        return NOTHING
    code = f"{error_type}:{error_code}" if error_code else error_type
    return f"{exceptions.recorded_message(error_type, error_code)} ({code})"


def value(row: VehicleSignal | VehicleReading, unit_system: str) -> str:
    """Return the value of a signal with its unit; of what may not be shown, its type and size."""
    if row.value is None:
        return NOTHING
    if isinstance(row.value, bool) and signals.public_type(row.signal):
        yes, no = BOOLEANS.get(row.signal, (_("yes"), _("no")))
        return str(yes if row.value else no)
    try:
        told = readings.in_units(row, unit_system)
    except ValueError:  # stored when the catalogue said something else of the signal
        told = readings.InUnits(None, row.unit)
    if is_number(told.value) and signals.unit_of(row.signal):
        return with_unit(told.value, told.unit)
    shown = signal_value(row.signal, row.value if told.value is None else told.value)
    items = shown.get("values") if isinstance(shown, Mapping) else None
    if isinstance(items, list) and items and all(isinstance(item, Mapping) for item in items):
        return _parts(items, told.unit)
    return _in_words(shown, told.unit)


def parameters(told: Mapping[str, Any]) -> str:
    """Return what a command was sent with: ``{"limit": 0.8}`` is "limit: 80 %"."""
    return _in_words(told, "fraction")


def is_number(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool)


def with_unit(number: float, unit: str) -> str:
    """Return a number and its unit: ``0.68, "fraction"`` is 68 %. It has two decimals at most."""
    symbol, factor = UNITS.get(unit, (unit, 1))
    shown = round(number * factor, 0 if symbol == "%" else 2)
    digits = next(digits for digits in range(3) if digits == 2 or round(shown, digits) == shown)
    text = floatformat(shown, f"{digits}g")
    return f"{text}{NO_BREAK}{symbol}" if symbol else text


def _parts(items: list[Any], unit: str) -> str:
    """Return what doors, windows or tires tell, in one line."""
    if all("isOpen" in item for item in items):
        number = sum(item["isOpen"] is True for item in items)
        return _("%(open)d of %(all)d open") % {"open": number, "all": len(items)} if number else _("closed")
    if all(is_number(item.get("tirePressure")) for item in items):
        return " / ".join(with_unit(item["tirePressure"], unit) for item in items)
    return _in_words(items, unit)


def _in_words(shown: Any, unit: str = "", name: str = "") -> str:
    """Return the harmless part of a value as text: ``{"state": "OPEN"}`` is "state: open"."""
    if isinstance(shown, Mapping):
        told = {key: item for key, item in shown.items() if item not in (None, describe(None))}
        told = {key: item for key, item in told.items() if key not in UNSAID} or told
        parts = (f"{_plain(key)}: {_in_words(item, unit, key)}" for key, item in told.items())
        return ", ".join(parts) or NOTHING
    if isinstance(shown, list):
        return "; ".join(_in_words(item, unit, name) for item in shown) or NOTHING
    if isinstance(shown, bool):
        return _("yes") if shown else _("no")
    if is_number(shown):
        return with_unit(shown, unit if name in MEASURED else "")
    if isinstance(shown, str) and _CONSTANT.fullmatch(shown):
        return str(STATES.get(shown) or shown.replace("_", " ").lower())
    return NOTHING if shown is None else str(shown)


def _plain(name: str) -> str:
    """Return the name of a field as words: ``"activeLimit"`` is "active limit"."""
    return _CAPITAL.sub(lambda found: f" {found[0].lower()}", name).replace("_", " ")
