"""Readings of a vehicle as text for its owner's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..conf import conf
from ..models import READ_METHODS, ConnectedVehicle, VehicleReading
from ..secret_types import Secret
from ..services import readings

#: The name of each permission, for the list of those that are not granted.
PERMISSIONS = {
    "read_odometer": gettext_lazy("odometer"),
    "read_battery": gettext_lazy("battery"),
    "read_fuel": gettext_lazy("fuel"),
    "read_charge": gettext_lazy("charging state"),
    "read_security": gettext_lazy("doors and locks"),
    "read_tires": gettext_lazy("tires"),
    "read_engine_oil": gettext_lazy("engine oil"),
    "read_location": gettext_lazy("location"),
    "control_security": gettext_lazy("locking"),
}

STATES = {
    "CHARGING": gettext_lazy("charging"),
    "FULLY_CHARGED": gettext_lazy("fully charged"),
    "NOT_CHARGING": gettext_lazy("not charging"),
}

CLOSURES = {
    "lock_status.doors": gettext_lazy("doors"),
    "lock_status.windows": gettext_lazy("windows"),
    "lock_status.sunroof": gettext_lazy("sunroof"),
    "lock_status.storage": gettext_lazy("trunk"),
    "lock_status.charging_port": gettext_lazy("charging port"),
}


NO_BREAK = "\u00a0"


class DisplayRow(NamedTuple):
    """A row of the list: the label, the value as text, which may be a position, and its time."""

    label: str
    value: Secret
    at: datetime

    @property
    def text(self) -> str:
        return self.value.reveal()


class VehiclePresenter:
    """Format the latest readings of a vehicle that its permissions cover."""

    def __init__(self, vehicle: ConnectedVehicle) -> None:
        latest = vehicle.latest()
        permitted = [read for read in READ_METHODS.values() if vehicle.can(read.permission)]
        kinds = [kind.name for read in permitted for kind in read.kinds]
        self.rows: Mapping[str, VehicleReading] = {name: latest[name] for name in kinds if name in latest}
        self._unit_system = vehicle.unit_system

    def display_rows(self) -> list[DisplayRow]:
        """Return a row for each reading that has a value, in the order of the page."""
        rows = [
            (_("Odometer"), self._measured("odometer", "1g"), ["odometer"]),
            (_("Battery"), self._energy("battery"), ["battery.percent_remaining", "battery.range"]),
            (_("Fuel"), self._energy("fuel"), ["fuel.percent_remaining", "fuel.range"]),
            (_("Charging"), self._charging(), ["charge.state", "charge.is_plugged_in", "charge_limit"]),
            (_("Doors and locks"), self._locks(), ["lock_status.is_locked", *CLOSURES]),
            (_("Tires"), self._tires(), [kind.name for kind in READ_METHODS["tire_pressure"].kinds]),
            (_("Engine oil"), self._percent("engine_oil", _("%s left")), ["engine_oil"]),
            (_("Location"), self._location(), ["location"]),
        ]
        return [DisplayRow(label, Secret(text), self._at(kinds)) for label, text, kinds in rows if text]

    def _at(self, kinds: list[str]) -> datetime:
        return min(self.rows[kind].at for kind in kinds if kind in self.rows)

    def _value(self, kind: str) -> object:
        return self.rows[kind].value if kind in self.rows else None

    def _measured(self, kind: str, digits: str = "0g") -> str:
        if kind not in self.rows:
            return ""
        value, unit = readings.in_units(self.rows[kind], self._unit_system)
        return f"{floatformat(value, digits)}{NO_BREAK}{unit}"

    def _percent(self, kind: str, sentence: str = "%s") -> str:
        if kind not in self.rows:
            return ""
        return sentence % f"{floatformat(100 * self.rows[kind].value, '0')}{NO_BREAK}%"

    def _energy(self, read: str) -> str:
        distance = self._measured(f"{read}.range")
        parts = [self._percent(f"{read}.percent_remaining"), distance and _("range %s") % distance]
        return ", ".join(filter(None, parts))

    def _charging(self) -> str:
        state, is_plugged_in = self._value("charge.state"), self._value("charge.is_plugged_in")
        parts = []
        if is_plugged_in is False:
            parts.append(_("not plugged in"))
        elif state is not None:
            parts.append(str(STATES.get(str(state), state)))
        if is_plugged_in and state not in ("CHARGING", "FULLY_CHARGED"):
            parts.insert(0, _("plugged in"))
        parts.append(self._percent("charge_limit", _("limit %s")))
        return ", ".join(filter(None, parts))

    def _locks(self) -> str:
        is_locked = self._value("lock_status.is_locked")
        parts = [] if is_locked is None else [_("locked") if is_locked else _("unlocked")]
        is_open = [str(name) for kind, name in CLOSURES.items() if self._is_open(kind)]
        if is_open:
            parts.append(_("open: %s") % ", ".join(is_open))
        return "; ".join(parts)

    def _is_open(self, kind: str) -> bool:
        closures = self._value(kind)
        items = closures if isinstance(closures, list) else []
        return any(item.get("status") == "OPEN" for item in items)

    def _tires(self) -> str:
        parts = []
        for axle, name in (("front", _("front %s")), ("back", _("back %s"))):
            kinds = [f"tire_pressure.{axle}_{side}" for side in ("left", "right")]
            pressures = [
                readings.in_units(self.rows[kind], self._unit_system) for kind in kinds if kind in self.rows
            ]
            if pressures:
                numbers = " / ".join(floatformat(value, "0") for value, _unit in pressures)
                parts.append(name % f"{numbers}{NO_BREAK}{pressures[0].unit}")
        return ", ".join(parts)

    def _location(self) -> Secret:
        if "location" not in self.rows:
            return Secret()
        place = self.rows["location"].value
        return Secret(", ".join(floatformat(float(place[name]), "4u") for name in ("latitude", "longitude")))


def not_shared(vehicle: ConnectedVehicle) -> list[str]:
    """Return the names of the permissions that this site requests and the driver has not granted."""
    requested = {scope.removeprefix("required:") for scope in conf.SMARTCAR_SCOPE}
    return [
        str(name)
        for permission, name in PERMISSIONS.items()
        if permission in requested - {*vehicle.permissions}
    ]
