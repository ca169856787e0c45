"""The first read of a car that has just been connected: until then its page has no values."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from ..conf import conf
from ..exceptions import SmartcarAppError, SmartcarException, TooManyInFlight
from ..models import VehicleCommand
from ..services import commands

logger = logging.getLogger(__name__)

#: How long after connecting the pages try to read a car.
FIRST_READ = timedelta(minutes=10)


def is_awaited(vehicle: Any) -> bool:
    """Return whether a car, with its card and latest commands, is still to be read for the first time."""
    return (
        vehicle.is_connected
        and not vehicle.account.needs_reconnecting
        and timezone.now() - vehicle.connected_at < FIRST_READ
        and vehicle.card.seen_at is None
        and not vehicle.latest_commands
    )


def begin(user: Any, vehicles: Iterable[Any]) -> dict[int, VehicleCommand]:
    """Read cars in the background, as many as a driver may have in flight; return the reads, by car.

    The pages call this again for the others.
    """
    begun: dict[int, VehicleCommand] = {}
    for vehicle in vehicles:
        if len(begun) == conf.SMARTCAR_COMMANDS_IN_FLIGHT:
            break
        try:
            begun[vehicle.pk] = commands.enqueue(vehicle, "refresh", actor=user)
        except TooManyInFlight:
            break
        except (SmartcarException, SmartcarAppError) as error:
            logger.info("vehicle %s is not read yet: %s", vehicle.pk, type(error).__name__)
    return begun
