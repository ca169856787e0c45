"""Readings of a vehicle as text for its owner's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..conf import conf
from ..exceptions import code_message
from ..models import ConnectedVehicle, VehicleSignal, named_permissions
from ..secret_types import Secret
from ..services import readings, signals
from ..services.places import Place, place_of
from . import command_sentences

STATES = {
    "CHARGING": gettext_lazy("charging"),
    "FULLY_CHARGED": gettext_lazy("fully charged"),
    "NOT_CHARGING": gettext_lazy("not charging"),
}

#: The lists of what can be open, of the reading ``lock_status``.
CLOSURES = {
    "doors": gettext_lazy("doors"),
    "windows": gettext_lazy("windows"),
    "sunroof": gettext_lazy("sunroof"),
    "storage": gettext_lazy("trunk"),
    "charging_port": gettext_lazy("charging port"),
}

#: The signals shown beside the charging state while it lasts, and those of temperatures.
CHARGING = ("charge_power", "charge_time_left")
TEMPERATURES = {
    "outside_temperature": gettext_lazy("outside %s"),
    "inside_temperature": gettext_lazy("inside %s"),
}

Status = VehicleSignal.Status

#: Why a signal has no value, for the driver. An error has a sentence of its own; what the car lacks has none.
REASONS = {
    Status.NOT_GRANTED: gettext_lazy(
        "The car's brand does not share this with the site. Connect the car again to allow it."
    ),
    Status.NOT_IN_PLAN: gettext_lazy(
        "This site's plan with Smartcar does not cover this. Please tell the site's operator."
    ),
    Status.NOT_COLLECTED: gettext_lazy(
        "Smartcar has not collected this from the car yet. It may take a day after connecting."
    ),
}
UNKNOWN_ERROR = gettext_lazy("The car did not tell this when it was last asked.")

NO_BREAK = "\u00a0"
DISTANCES = {"metric": "km", "imperial": "mi"}
PRESSURES = {"metric": "kPa", "imperial": "psi"}


class DisplayRow(NamedTuple):
    """A row of the list: its icon, label and value as text, which may be a position, and its time."""

    icon: str
    label: str
    value: Secret
    at: datetime
    #: Where the value is, if it is a position.
    place: Place | None = None

    @property
    def text(self) -> str:
        return self.value.reveal()


class Explanation(NamedTuple):
    """Why some readings have no value, or not the newest one."""

    labels: str
    reason: str


class VehiclePresenter:
    """Format the latest values of a vehicle that its permissions cover."""

    def __init__(self, vehicle: ConnectedVehicle) -> None:
        self._vehicle = vehicle
        self._states = vehicle.signals
        self._unit_system = vehicle.unit_system
        self._permitted = {name for name in readings.PERMISSIONS if vehicle.can(readings.PERMISSIONS[name])}

    def display_rows(self) -> list[DisplayRow]:
        """Return a row for each reading that has a value, in the order of the page."""
        return [
            DisplayRow(
                signals.icon_of(signal),
                label,
                Secret(text),
                self._at(reads),
                self._place() if signal == "location" else None,
            )
            for signal, label, text, reads in self._rows
            if text
        ]

    def explanations(self) -> list[Explanation]:
        """Return why readings have no value or an old one: one item for each reason."""
        labels: dict[str, list[str]] = {}
        for _signal, label, text, reads in self._rows:
            if reason := self._reason(reads, has_value=bool(text)):
                labels.setdefault(reason, []).append(label)
        return [Explanation(", ".join(names), reason) for reason, names in labels.items()]

    @cached_property
    def _rows(self) -> list[tuple[str, str, str, list[str]]]:
        """The signal that gives the icon, the label, the text and the sources of each row."""
        charge = ["charge", "get_charge_limit", *CHARGING]
        # The lock and what is open are facts of their own: one may be known for longer than the other.
        openings = [name for name in readings.signals_of("lock_status") if name != "is_locked"]
        return [
            ("odometer", _("Odometer"), self._measured("odometer", "distance", "1g"), ["odometer"]),
            ("battery_level", _("Battery"), self._energy("battery"), ["battery"]),
            ("fuel_level", _("Fuel"), self._energy("fuel"), ["fuel"]),
            ("charge_state", _("Charging"), self._charging(), charge),
            ("is_locked", _("Door lock"), self._lock(), ["is_locked"]),
            ("doors", _("Doors and windows"), self._openings(), openings),
            ("tires", _("Tires"), self._tires(), ["tire_pressure"]),
            (
                "oil_life",
                _("Engine oil"),
                self._percent("engine_oil", "life_remaining", _("%s left")),
                ["engine_oil"],
            ),
            ("outside_temperature", _("Temperature"), self._temperatures(), [*TEMPERATURES]),
            ("trouble_codes", _("Trouble codes"), self._trouble_codes(), ["diagnostic_trouble_codes"]),
            ("location", _("Location"), self._location(), ["location"]),
        ]

    def _reason(self, reads: list[str], *, has_value: bool) -> str:
        """Return why a row has no value, or why its value is not the newest; empty if there is no reason."""
        states = [self._states[name] for name in self._signal_names(reads) if name in self._states]
        failed = [state for state in states if state.status == Status.ERROR]
        if failed:
            return code_message(failed[0].error_type, failed[0].error_code) or str(UNKNOWN_ERROR)
        if has_value:
            return ""
        return next((str(REASONS[state.status]) for state in states if state.status in REASONS), "")

    def _data(self, read: str) -> Mapping[str, Any]:
        """Return the data of a reading, as the SDK returns it; empty without one."""
        reading = (
            readings.reading_of(read, self._states, self._unit_system) if read in self._permitted else None
        )
        return reading["data"] if reading else {}

    def _at(self, reads: list[str]) -> datetime:
        """Return the time of the oldest value in these readings and signals."""
        found = [self._states[name] for name in self._signal_names(reads) if name in self._states]
        return min(state.at for state in found if state.at is not None)

    def _signal_names(self, reads: list[str]) -> list[str]:
        """Return the signals that the driver has granted of these readings and signals."""
        permitted = [read for read in reads if read in self._permitted]
        others = [
            name
            for name in reads
            if name not in readings.PERMISSIONS and self._vehicle.can(signals.permission_of(name))
        ]
        return [*others, *(name for read in permitted for name in readings.signals_of(read))]

    def _signal(self, name: str) -> readings.InUnits | None:
        """Return a signal that is no reading of its own, in the units of the vehicle."""
        state = self._states.get(name)
        if state is None or not state.has_value or not self._vehicle.can(signals.permission_of(name)):
            return None
        return readings.in_units(state, self._unit_system)

    def _measured(self, read: str, field: str, digits: str = "0g") -> str:
        value = self._data(read).get(field)
        if value is None:
            return ""
        return f"{floatformat(value, digits)}{NO_BREAK}{DISTANCES[self._unit_system]}"

    def _percent(self, read: str, field: str, sentence: str = "%s") -> str:
        value = self._data(read).get(field)
        if value is None:
            return ""
        return sentence % f"{floatformat(100 * value, '0')}{NO_BREAK}%"

    def _energy(self, read: str) -> str:
        distance = self._measured(read, "range")
        parts = [self._percent(read, "percent_remaining"), distance and _("range %s") % distance]
        return ", ".join(filter(None, parts))

    def _charging(self) -> str:
        charge = self._data("charge")
        state, is_plugged_in = charge.get("state"), charge.get("is_plugged_in")
        parts = []
        if is_plugged_in is False:
            parts.append(_("not plugged in"))
        elif state is not None:
            parts.append(str(STATES.get(str(state), state)) + self._confirmed("charge_state"))
        if is_plugged_in and state not in ("CHARGING", "FULLY_CHARGED"):
            parts.insert(0, _("plugged in"))
        if state == "CHARGING":  # zeros are from before it began
            parts += [self._power(), self._time_left()]
        if limit := self._percent("get_charge_limit", "limit", _("limit %s")):
            parts.append(limit + self._confirmed("charge_limit"))
        return ", ".join(filter(None, parts))

    def _confirmed(self, name: str) -> str:
        """Return when a command has made this of the signal, if the vehicle has told nothing newer."""
        state = self._states.get(name)
        if state is None or state.source != state.Source.COMMAND:
            return ""
        return " " + _("(confirmed %s)") % command_sentences.since(state.confirmed_at)

    def _power(self) -> str:
        power = self._signal("charge_power")
        return f"{floatformat(power.value / 1000, '1g')}{NO_BREAK}kW" if power and power.value else ""

    def _time_left(self) -> str:
        minutes = self._signal("charge_time_left")
        if not minutes or not minutes.value:
            return ""
        return _("%s left") % f"{floatformat(minutes.value, '0g')}{NO_BREAK}min"

    def _temperatures(self) -> str:
        found = [(sentence, self._signal(name)) for name, sentence in TEMPERATURES.items()]
        return ", ".join(
            str(sentence) % f"{floatformat(told.value, '0')}{NO_BREAK}°{told.unit}"
            for sentence, told in found
            if told
        )

    def _trouble_codes(self) -> str:
        codes = self._data("diagnostic_trouble_codes").get("active_codes", ())
        return ", ".join(code["code"] for code in codes)

    def _lock(self) -> str:
        is_locked = self._data("lock_status").get("is_locked")
        if is_locked is None:
            return ""
        return (_("locked") if is_locked else _("unlocked")) + self._confirmed("is_locked")

    def _openings(self) -> str:
        data = self._data("lock_status")
        told = {name: [item["status"] for item in data.get(field, ())] for field, name in CLOSURES.items()}
        is_open = [str(name) for name, statuses in told.items() if "OPEN" in statuses]
        if is_open:
            return _("open: %s") % ", ".join(is_open)
        return _("closed") if "CLOSED" in chain(*told.values()) else ""

    def _tires(self) -> str:
        data, parts = self._data("tire_pressure"), []
        for axle, name in (("front", _("front %s")), ("back", _("back %s"))):
            pressures = [data.get(f"{axle}_{side}") for side in ("left", "right")]
            numbers = " / ".join(floatformat(value, "0") for value in pressures if value is not None)
            if numbers:
                parts.append(name % f"{numbers}{NO_BREAK}{PRESSURES[self._unit_system]}")
        return ", ".join(parts)

    def _location(self) -> Secret:
        place = self._data("location")
        if not place:
            return Secret()
        return Secret(", ".join(floatformat(float(place[name]), "4u") for name in ("latitude", "longitude")))

    def _place(self) -> Place:
        place = self._data("location")
        return place_of(place["latitude"], place["longitude"])


def shared(vehicle: ConnectedVehicle) -> list[str]:
    """Return the names of the permissions that the driver has granted."""
    return _names({*vehicle.permissions})


def not_shared(vehicle: ConnectedVehicle) -> list[str]:
    """Return the names of the permissions in `withheld`."""
    return _names(withheld(vehicle))


def withheld(vehicle: ConnectedVehicle) -> set[str]:
    """Return the permissions that this site requests and the driver has not granted."""
    requested = {scope.removeprefix("required:") for scope in conf.SMARTCAR_SCOPE}
    return requested - {*vehicle.permissions}


def _names(permissions: set[str]) -> list[str]:
    return [name for _code, name in named_permissions(permissions)]
