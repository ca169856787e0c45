"""Apply webhook events to vehicles: save signals and problems. Older events never overwrite newer data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils import timezone

from ...conf import conf
from ...models import ConnectedVehicle, SmartcarAccount, Source, VehicleProblem
from ...sdk.signals import CODES
from ...sdk.signals import PERMISSIONS as SIGNAL_PERMISSIONS
from ...sdk.webhooks import Event, Problem, VehicleUpdate
from .. import _authenticated_calls, readings
from ..readings import Observation

REAUTHENTICATE = "REAUTHENTICATE"


def vehicles_of(vehicle_id: str, user_id: str, is_test: bool) -> list[ConnectedVehicle]:
    """Return the connected vehicles that an update refers to; without a user id, those of every account.

    A test event is never about a real vehicle, whatever its ids are.
    """
    found = ConnectedVehicle.objects.connected().filter(smartcar_vehicle_id=vehicle_id)
    if user_id:
        found = found.filter(account__smartcar_user_id=user_id)
    if is_test:
        found = found.exclude(account__mode=SmartcarAccount.Mode.LIVE)
    return list(found.order_by("pk"))


def apply(vehicle: ConnectedVehicle, event: Event, update: VehicleUpdate) -> None:
    """Save the event's data. The caller must hold a row lock on the vehicle."""
    apply_many([([vehicle], event, update)])


def apply_many(items: Iterable[tuple[Iterable[ConnectedVehicle], Event, VehicleUpdate]]) -> None:
    """Save the data of events, each of some vehicles. The caller must hold row locks on all vehicles.

    The number of queries for their values is that of one event.
    """
    updates = [(vehicle, event, update) for found, event, update in items for vehicle in found]
    readings.save_many(
        observation
        for vehicle, event, update in updates
        for observation in observations_of(vehicle, event, update)
    )
    for vehicle, event, update in updates:
        _save_problems(vehicle, event.sequence, update.problems)


def observations_of(vehicle: ConnectedVehicle, event: Event, update: VehicleUpdate) -> Iterator[Observation]:
    """Return what an event tells about a vehicle: all signals that the driver has granted."""
    return readings.observations_of(vehicle, update.signals, Source.WEBHOOK, event.sequence)


def _save_problems(vehicle: ConnectedVehicle, sequence: int, problems: Iterable[Problem]) -> None:
    """Open and resolve problems of a vehicle; set or clear its reauthentication state accordingly."""
    for problem in problems:
        row, is_new = VehicleProblem.objects.get_or_create(
            vehicle=vehicle, type=problem["type"][:100], code=problem["code"][:100]
        )
        # A problem has no time of recording, and an event of API v2 no sequence.
        if sequence and readings.is_older(None, None, sequence, row.sequence):
            continue
        was_about_login = row.resolution == REAUTHENTICATE or row.type == "CONNECTED_SERVICES_ACCOUNT"
        now = timezone.now()
        row.sequence = sequence
        if problem["is_resolved"]:
            row.resolved_at = now
        else:
            row.opened_at = now if is_new or not row.is_open else row.opened_at
            row.resolved_at = None
            row.resolution = (problem["resolution"] or "")[:100]
            row.signals = [code[:100] for code in problem["signals"]]
        row.save()
        if _requires_login(vehicle, row):
            _authenticated_calls.mark_reauthentication_required(vehicle)
        elif problem["is_resolved"] and was_about_login and not _is_login_required(vehicle):
            _authenticated_calls.clear_reauthentication_required(vehicle)


def _requires_login(vehicle: ConnectedVehicle, row: VehicleProblem) -> bool:
    """Return whether the driver must log in at the brand again.

    Smartcar keeps sending this error about signals that the driver did not grant, that the site does not use,
    or, with the type ``PERMISSION``, about none. A new login changes nothing then.
    """
    if not row.is_open or row.resolution != REAUTHENTICATE:
        return False
    if not row.signals:
        return row.type != "PERMISSION"
    used = {CODES.get(name, name) for name in conf.SMARTCAR_SIGNALS}
    concerned = used.intersection(row.signals) if used else row.signals
    return any(code not in SIGNAL_PERMISSIONS or vehicle.can(SIGNAL_PERMISSIONS[code]) for code in concerned)


def _is_login_required(vehicle: ConnectedVehicle) -> bool:
    problems = VehicleProblem.objects.filter(vehicle=vehicle, resolved_at=None)
    return any(_requires_login(vehicle, row) for row in problems)
