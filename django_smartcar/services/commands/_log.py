"""The record of a command: committed before the car is asked, ended once, settled by a reading."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import IntegrityError, router, transaction
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import signals
from ...conf import conf
from ...exceptions import DuplicateCommand
from ...models import ConnectedVehicle, VehicleCommand
from . import registry

logger = logging.getLogger(__name__)

#: How long a command may take besides its answer, for a token: then its process has died.
TOKEN_ALLOWANCE = timedelta(seconds=90)

Status = VehicleCommand.Status


@sensitive_variables()
def begin(
    vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any], actor: Any, reason: str
) -> VehicleCommand:
    """A new record, ``pending``. Raises DuplicateCommand while one like it is in flight or cools down.

    The database decides which of two is the first: a unique key that is held for so long.
    """
    key = registry.key(vehicle, action, parameters)
    expire_pending(vehicle.pk)
    _release(vehicle, action, key)
    try:
        with transaction.atomic(using=router.db_for_write(VehicleCommand)):
            return VehicleCommand.objects.create(
                vehicle=vehicle,
                action=action,
                parameters=registry.without_places(parameters),
                actor=actor,
                reason=reason,
                idempotency_key=key,
                in_flight_key=key,
            )
    except IntegrityError as error:
        first = VehicleCommand.objects.filter(in_flight_key=key).first()
        if first is None:
            raise
        raise DuplicateCommand(first.pk) from error


def finish(command: VehicleCommand, status: VehicleCommand.Status, error: Exception | None = None) -> None:
    """Write what came of it. What failed may be asked again at once."""
    columns: dict[str, Any] = {"status": status, "finished_at": timezone.now()}
    if error is not None:
        columns["error_type"] = str(getattr(error, "type", None) or type(error).__name__)[:100]
        columns["error_code"] = str(getattr(error, "code", None) or "")[:100]
        columns["request_id"] = str(getattr(error, "request_id", None) or "")[:100]
    if status == Status.FAILED:
        columns["in_flight_key"] = None
    for name, value in columns.items():
        setattr(command, name, value)
    # An update, since the row may have gone with its car while Smartcar was asked; and not over what a
    # reading has shown meanwhile.
    rows = VehicleCommand.objects.filter(pk=command.pk, status__in=(Status.PENDING, Status.UNKNOWN))
    rows.update(**columns)
    logger.info("command %s (%s of vehicle %s): %s", command.pk, command.action, command.vehicle_id, status)


def expire_pending(vehicle_id: int | None = None) -> int:
    """Call ``unknown`` what a process that died has left ``pending``, of this car or of all."""
    now = timezone.now()
    left = VehicleCommand.objects.filter(_abandoned(now))
    if vehicle_id is not None:
        left = left.filter(vehicle_id=vehicle_id)
    return left.update(status=Status.UNKNOWN, finished_at=now, in_flight_key=None)


class ObservedValue(NamedTuple):
    """One value that a vehicle reported: ``kind`` is a name in ``models.READING_TYPES``."""

    vehicle_id: int
    kind: str
    value: Any
    recorded_at: datetime | None

    def __repr__(self) -> str:
        return f"{self.kind} of vehicle {self.vehicle_id}"


def resolve(vehicle: ConnectedVehicle, kind: str, value: Any, recorded_at: datetime | None) -> int:
    """Let a reading of the car say what came of a command whose answer was lost; how many it has settled.

    `readings.save` does this with everything that it keeps. A reading from before the command says nothing.
    One that shows the car as it was told to be is a success; one that does not is a failure only when
    Smartcar cannot be at it any more: a record that says "failed" has to be true when the car opens.
    """
    return resolve_many([ObservedValue(vehicle.pk, kind, value, recorded_at)])


@sensitive_variables()
def resolve_many(told: Iterable[ObservedValue]) -> int:
    """The same for what any cars have told: one query, unless there is something to settle."""
    telling = [each for each in told if each.recorded_at is not None and registry.about(each.kind)]
    if not telling:
        return 0
    actions = {action for each in telling for action in registry.about(each.kind)}
    open_ones = VehicleCommand.objects.filter(
        Q(status=Status.UNKNOWN) | _abandoned(timezone.now()),
        vehicle_id__in={each.vehicle_id for each in telling},
        action__in=actions,
    )
    waiting = set(open_ones.values_list("vehicle_id", flat=True))
    return sum(_settle(each) for each in telling if each.vehicle_id in waiting)


@sensitive_variables()
def _settle(told: ObservedValue) -> int:
    expire_pending(told.vehicle_id)
    sent = VehicleCommand.objects.filter(
        vehicle_id=told.vehicle_id, action__in=registry.about(told.kind), created_at__lte=told.recorded_at
    )
    last = sent.exclude(status=Status.FAILED).order_by("-created_at", "-pk").first()
    # What was told before the last one left no trace that could be told from it.
    if last is None or last.status != Status.UNKNOWN:
        return 0
    done = registry.confirms_success(last.action, last.parameters, told.value)
    over = last.created_at + timedelta(seconds=conf.SMARTCAR_COMMAND_TIMEOUT)
    if done is None or told.recorded_at is None or (not done and told.recorded_at < over):
        return 0
    status = Status.SUCCEEDED if done else Status.FAILED
    mine = VehicleCommand.objects.filter(pk=last.pk, status=Status.UNKNOWN)
    settled = mine.update(status=status, settled_at=timezone.now(), in_flight_key=None)
    if settled:
        last.refresh_from_db()
        logger.info("command %s: settled as %s by a reading of %s", last.pk, status, told.kind)
        # Webhooks are worked in a transaction, which may yet be rolled back.
        tell = partial(signals.command_finished.send_robust, VehicleCommand, command=last)
        transaction.on_commit(tell, using=router.db_for_write(VehicleCommand))
    return settled


def _abandoned(now: datetime) -> Q:
    """Commands that a process that died has left ``pending``."""
    longest = timedelta(seconds=conf.SMARTCAR_COMMAND_TIMEOUT) + TOKEN_ALLOWANCE
    return Q(status=Status.PENDING, created_at__lte=now - longest)


def _release(vehicle: ConnectedVehicle, action: str, key: str) -> None:
    """Let go of what has cooled down, and of what this undoes: lock, unlock, lock is no repetition."""
    cooled = timezone.now() - timedelta(seconds=conf.SMARTCAR_COMMAND_COOLDOWN)
    undone = Q(finished_at__isnull=False, action__in=registry.related_actions(action)) & ~Q(in_flight_key=key)
    held = VehicleCommand.objects.filter(vehicle=vehicle, in_flight_key__isnull=False)
    held.filter(Q(finished_at__lte=cooled) | undone).update(in_flight_key=None)
