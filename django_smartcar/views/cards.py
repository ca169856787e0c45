"""What a card of "Your cars" shows of a vehicle: gauges, states, and how old they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import ConnectedVehicle, VehicleSignal
from ..services import readings, signals
from . import presenters

NO_BREAK = "\u00a0"
#: A battery or tank below this share is shown as low.
LOW = 0.2
#: A vehicle that has told nothing for longer has old values.
FRESH = timedelta(hours=6)
#: A speed is shown as driving for this long.
DRIVING = timedelta(minutes=10)

#: The level and the range of each kind of energy.
ENERGIES: dict[str, tuple[Promise, str]] = {
    "battery_level": (gettext_lazy("Battery"), "battery_range"),
    "fuel_level": (gettext_lazy("Fuel"), "fuel_range"),
}
#: Signals of what can be open, with the words for it.
OPENINGS: dict[str, Promise] = {
    "doors": gettext_lazy("door open"),
    "windows": gettext_lazy("window open"),
    "sunroof": gettext_lazy("sunroof open"),
    "front_trunk": gettext_lazy("front trunk open"),
    "rear_trunk": gettext_lazy("trunk open"),
    "tailgate": gettext_lazy("tailgate open"),
    "engine_cover": gettext_lazy("hood open"),
}


class Gauge(NamedTuple):
    """How full a battery or tank is, in percent, and how far that goes."""

    icon: str
    label: str
    percent: int
    range: str
    at: datetime

    @property
    def is_low(self) -> bool:
        return self.percent < 100 * LOW


class Pill(NamedTuple):
    """A state in a word, with the time of its value: "locked"."""

    icon: str
    text: str
    at: datetime
    #: "good", "warning" or "".
    kind: str = ""


class Card:
    """The gauges and states of a vehicle, of the signals that its driver has granted."""

    def __init__(self, vehicle: ConnectedVehicle) -> None:
        self._vehicle: Any = vehicle
        self._states = {
            name: state
            for name, state in vehicle.signals.items()
            if state.has_value and vehicle.can(signals.permission_of(name))
        }

    @property
    def gauges(self) -> list[Gauge]:
        found = []
        for name, (label, range_name) in ENERGIES.items():
            if (state := self._states.get(name)) is not None:
                percent = round(100 * state.value)
                found.append(
                    Gauge(signals.icon_of(name), str(label), percent, self._range(range_name), _at(state))
                )
        return found

    @property
    def pills(self) -> list[Pill]:
        return [*self._lock(), *self._openings(), *self._charging(), *self._motion(), *self._connectivity()]

    @property
    def seen_at(self) -> datetime | None:
        """The time of the newest value; None without any."""
        return max(map(_at, self._states.values()), default=None)

    @property
    def is_fresh(self) -> bool:
        return self.seen_at is not None and timezone.now() - self.seen_at < FRESH

    @property
    def action(self) -> str:
        """The command that makes sense: "unlock" if it is locked, else "lock"; empty if it is not offered."""
        action = "unlock" if self._value("is_locked") else "lock"
        return action if action in self._vehicle.offered else ""

    @property
    def is_locking_withheld(self) -> bool:
        """Whether this site asks to lock cars, and the driver of this one has not granted it."""
        if not self._vehicle.permissions:  # they have not been read from Smartcar yet
            return False
        return "control_security" in presenters.withheld(self._vehicle)

    @property
    def is_charging(self) -> bool:
        return any(pill.kind == "good" for pill in self._charging())

    @property
    def charge_limit(self) -> int | None:
        """The limit of the charge, in percent."""
        read = readings.reading_of("get_charge_limit", self._states, self._vehicle.unit_system)
        limit = read["data"].get("limit") if read else None
        return None if limit is None else round(100 * limit)

    def _lock(self) -> Iterator[Pill]:
        if (state := self._states.get("is_locked")) is not None:
            if state.value:
                yield Pill("lock", _("locked"), _at(state), "good")
            else:
                yield Pill("lock-open", _("unlocked"), _at(state), "warning")

    def _openings(self) -> Iterator[Pill]:
        for name, word in OPENINGS.items():
            state = self._states.get(name)
            if state is not None and _is_open(state.value):
                yield Pill("door", str(word), _at(state), "warning")

    def _charging(self) -> Iterator[Pill]:
        plugged = self._states.get("is_plugged_in")
        charging = self._states.get("is_charging") or self._states.get("charge_state")
        if charging is not None and charging.value in (True, "CHARGING"):
            yield Pill("plug", _("charging"), _at(charging), "good")
        elif plugged is not None and plugged.value:
            yield Pill("plug", _("plugged in"), _at(plugged))

    def _motion(self) -> Iterator[Pill]:
        state = self._states.get("speed")
        if state is not None and state.value > 0 and timezone.now() - _at(state) < DRIVING:
            yield Pill("gauge", _("driving"), _at(state))

    def _connectivity(self) -> Iterator[Pill]:
        online, asleep = self._states.get("is_online"), self._states.get("is_asleep")
        if online is not None and online.value is False:
            yield Pill("signal", _("offline"), _at(online), "warning")
        elif asleep is not None and asleep.value:
            yield Pill("signal", _("asleep"), _at(asleep))

    def _value(self, name: str) -> Any:
        state = self._states.get(name)
        return None if state is None else state.value

    def _range(self, name: str) -> str:
        state = self._states.get(name)
        if state is None:
            return ""
        value, unit = readings.in_units(state, self._vehicle.unit_system)
        return f"{floatformat(value, '0g')}{NO_BREAK}{unit}"


def _at(state: VehicleSignal) -> datetime:
    assert state.at is not None  # noqa: S101 (each state here has a value)
    return state.at


def _is_open(value: Any) -> bool:
    """Return whether anything in a value of closures is open: one object, or a list of parts."""
    if isinstance(value, dict):
        return value.get("isOpen") is True or any(map(_is_open, value.values()))
    return isinstance(value, list) and any(map(_is_open, value))
