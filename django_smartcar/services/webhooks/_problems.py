"""Save the problems that webhook events report. Older events never overwrite newer data."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import router
from django.utils import timezone

from ...conf import conf
from ...models import ConnectedVehicle, VehicleProblem
from ...sdk.signals import CODES
from ...sdk.signals import PERMISSIONS as SIGNAL_PERMISSIONS
from ...sdk.webhooks import Problem
from .. import _authenticated_calls, readings
from ..readings import storable_text
from . import _bounds

logger = logging.getLogger(__name__)

REAUTHENTICATE = "REAUTHENTICATE"
#: The type of errors whose remedy is the driver's consent.
PERMISSION = "PERMISSION"

#: The columns that an event changes.
_CHANGED = ["resolution", "signals", "sequence", "opened_at", "resolved_at"]


def save_many(reports: Iterable[tuple[ConnectedVehicle, int, Sequence[Problem]]]) -> None:
    """Open and resolve problems, in this order, and set or clear the vehicles' reauthentication state.

    A report is a vehicle, which the caller has locked, the event's sequence and its problems.
    """
    reports = [report for report in reports if report[2]]
    if not reports:
        return
    vehicles = {vehicle.pk: vehicle for vehicle, _, _ in reports}
    required_before = {pk: vehicle.reauthentication_required_at for pk, vehicle in vehicles.items()}
    rows = _Rows(vehicles)
    for vehicle, sequence, problems in reports:
        for problem in problems:
            _apply(rows, vehicle, sequence, problem)
    rows.save()
    changed = [
        vehicle
        for pk, vehicle in vehicles.items()
        if vehicle.reauthentication_required_at != required_before[pk]
    ]
    if changed:
        _authenticated_calls.save_logins(changed)


class _Rows:
    """The problems of these vehicles, read at once and written at once."""

    def __init__(self, vehicle_ids: Iterable[int]) -> None:
        self._objects = VehicleProblem.objects.using(router.db_for_write(VehicleProblem))
        stored = self._objects.filter(vehicle__in=vehicle_ids).order_by("pk")
        self._rows = {(row.vehicle_id, row.type, row.code): row for row in stored}
        self._numbers = Counter(vehicle_id for vehicle_id, _, _ in self._rows)
        self._changed: dict[VehicleProblem, None] = {}
        self._new: list[VehicleProblem] = []

    def get(self, vehicle: ConnectedVehicle, problem: Problem) -> VehicleProblem | None:
        """Return the row of a problem, perhaps a new one; None if the vehicle has too many."""
        key = (vehicle.pk, storable_text(problem["type"], 100), storable_text(problem["code"], 100))
        if key not in self._rows:
            if self._numbers[vehicle.pk] >= _bounds.MAX_PROBLEMS_STORED:
                logger.warning("vehicle %s: ignored a problem, there are too many", vehicle.pk)
                return None
            self._numbers[vehicle.pk] += 1
            row = VehicleProblem(vehicle=vehicle, type=key[1], code=key[2])
            self._rows[key] = row
            self._new.append(row)
        return self._rows[key]

    def require_login(self, vehicle: ConnectedVehicle) -> bool:
        """Return whether one of the vehicle's problems requires a login."""
        own = [row for row in self._rows.values() if row.vehicle_id == vehicle.pk]
        return any(_requires_login(vehicle, row) for row in own)

    def change(self, row: VehicleProblem) -> None:
        if row.pk is not None:
            self._changed[row] = None

    def save(self) -> None:
        if self._new:
            self._objects.bulk_create(self._new)
        if self._changed:
            self._objects.bulk_update(self._changed, _CHANGED)


def _apply(rows: _Rows, vehicle: ConnectedVehicle, sequence: int, problem: Problem) -> None:
    """Open or resolve one problem, unless a newer event has done so, and set the vehicle's login status."""
    row = rows.get(vehicle, problem)
    if row is None:
        return
    # A problem has no time of recording, and an event of API v2 no sequence.
    if sequence and readings.is_older(None, None, sequence, row.sequence):
        return
    was_open = row.opened_at is not None and row.is_open
    was_about_login = row.resolution == REAUTHENTICATE or row.type == "CONNECTED_SERVICES_ACCOUNT"
    now = timezone.now()
    row.sequence = sequence
    if problem["is_resolved"]:
        row.resolved_at = now
    else:
        row.opened_at = row.opened_at if was_open else now
        row.resolved_at = None
        row.resolution = storable_text(problem["resolution"] or "", 100)
        row.signals = _signals_of(row, problem, was_open)[: _bounds.MAX_SIGNALS]
    rows.change(row)
    if _requires_login(vehicle, row):
        _authenticated_calls.set_login_required(vehicle)
    elif problem["is_resolved"] and was_about_login and not rows.require_login(vehicle):
        _authenticated_calls.set_login_works(vehicle)


def _signals_of(row: VehicleProblem, problem: Problem, was_open: bool) -> list[str]:
    """Return the signals of a problem, with those told since it is open."""
    codes = [storable_text(code, 100) for code in problem["signals"]]
    if not was_open:
        return codes
    if row.type != PERMISSION and not (row.signals and codes):
        return []  # it has been told about no signal: it is about all
    return list(dict.fromkeys([*row.signals, *codes]))


def _requires_login(vehicle: ConnectedVehicle, row: VehicleProblem) -> bool:
    """Return whether the driver must log in at the brand again.

    Smartcar keeps sending this error about signals that the driver did not grant, that the site does not use,
    or with the type ``PERMISSION``, whose remedy is the driver's consent. A new login changes nothing then.
    """
    if not row.is_open or row.resolution != REAUTHENTICATE or row.type == PERMISSION:
        return False
    if not row.signals:
        return True
    used = {CODES.get(name, name) for name in conf.SMARTCAR_SIGNALS}
    concerned = used.intersection(row.signals) if used else row.signals
    return any(code not in SIGNAL_PERMISSIONS or vehicle.can(SIGNAL_PERMISSIONS[code]) for code in concerned)
