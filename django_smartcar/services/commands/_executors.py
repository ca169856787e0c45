"""Hand queued commands to what SMARTCAR_COMMAND_EXECUTION names. The queue is the database in every case."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import connections
from django.utils import timezone

from ... import task_backends
from ...conf import conf
from ...databases import reload
from ...models import VehicleCommand
from .. import _concurrency, _transactions, command_outcomes
from . import _records
from ._threads import pool

logger = logging.getLogger(__name__)

#: Executes the next queued command, of one vehicle or of any; returns whether there was one.
Work = Callable[..., bool]


def begin(work: Work, command: VehicleCommand) -> None:
    """Have a queued command executed. Never raises: on failure the record says that it was not sent."""
    mode = conf.SMARTCAR_COMMAND_EXECUTION
    try:
        if mode in task_backends.MODULES:
            task_backends.load(mode).enqueue_commands()
        elif mode == "inline" or (mode == "thread" and _is_private()):
            while work(command.vehicle_id):
                pass
        elif mode == "thread":
            pool.wake(work, _concurrency.fitting(conf.SMARTCAR_COMMAND_THREADS))
    except Exception as error:
        # Without the error's message: the URL of a broker may contain a password.
        logger.error("could not hand over command %s (%s): %s", command.pk, mode, type(error).__name__)
        _give_up(command)


def has_tasks() -> bool:
    """Return whether each queued command has a task of its own, in a queue outside this app."""
    return conf.SMARTCAR_COMMAND_EXECUTION in task_backends.MODULES


def _is_private() -> bool:
    """Return whether another thread would not see the rows: in a TestCase, or in memory."""
    return _transactions.is_of_test(connections[_records.rows().db])


def _give_up(command: VehicleCommand) -> None:
    queued = _records.rows().filter(pk=command.pk, status=VehicleCommand.Status.QUEUED)
    if queued.update(finished_at=timezone.now(), **command_outcomes.NOT_SENT):
        reload(command)
        command_outcomes.announce(command)
