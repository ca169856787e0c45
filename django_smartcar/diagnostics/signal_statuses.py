"""Check of the signals that vehicles do not tell, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from ..models import VehicleSignal
from .results import CheckResult, Context, ok, warning

Status = VehicleSignal.Status

#: How many kinds of errors are named.
MAX_ERRORS = 3

#: Smartcar may take a day to collect a signal after the car is connected.
COLLECTED_WITHIN = timedelta(days=2)

#: Status -> the message, and what to do.
ADVICE = {
    Status.NOT_GRANTED: (
        "signals that drivers have not granted, although this site requests them",
        "These drivers must connect their car again and leave the permissions selected.",
    ),
    Status.NOT_IN_PLAN: (
        "signals that are not in your plan",
        "Choose a plan with these signals in Smartcar's dashboard.",
    ),
    Status.NOT_COLLECTED: (
        "signals that Smartcar has not collected since their vehicle was connected, more than two days ago",
        "Add the signals to a webhook in Smartcar's dashboard, and its id to SMARTCAR_WEBHOOKS.",
    ),
}


def signal_statuses(context: Context) -> Iterator[CheckResult]:
    """Count the signals of connected vehicles that have no value, by the reason."""
    rows = VehicleSignal.objects.filter(vehicle__disconnected_at=None, status__in=[*ADVICE, Status.ERROR])
    is_new = Q(status=Status.NOT_COLLECTED, vehicle__created_at__gt=timezone.now() - COLLECTED_WITHIN)
    counts = dict(rows.exclude(is_new).values_list("status").annotate(Count("pk")))
    for status, (text, hint) in ADVICE.items():
        if count := counts.get(status):
            yield warning(f"{text}: {count}", hint)
    if count := counts.get(Status.ERROR):
        yield warning(
            f"signals whose last value is an error: {count} ({_most_frequent(rows)})",
            "smartcar.com/docs/errors explains them. The admin lists vehicle signals by status.",
        )
    if not counts:
        yield ok("no signal has an error")


def _most_frequent(rows: Any) -> str:
    """Return the most frequent errors with their numbers: ``UPSTREAM:RATE_LIMIT 12, VEHICLE_STATE 3``."""
    errors = (
        rows.filter(status=Status.ERROR).values_list("error_type", "error_code").annotate(number=Count("pk"))
    )
    return ", ".join(
        f"{':'.join(filter(None, (kind, code))) or 'unknown'} {number}"
        for kind, code, number in errors.order_by("-number", "error_type", "error_code")[:MAX_ERRORS]
    )
