"""Tells step by step what is wrong with a site: ``manage.py check_smartcar``.

Nothing is changed at Smartcar, and no running process is disturbed. Every request has an end to its patience.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..conf import conf
from . import background_jobs, credentials, dashboard, hosts, local, webhook_probe
from .hosts import origin_of
from .results import CheckResult, Context, Outcome, not_checked, wrong

__all__ = ["Finding", "Outcome", "examine", "origin_of"]


class Check(NamedTuple):
    name: str
    find: Callable[[Context], Iterator[CheckResult]]
    needs_tables: bool = False


#: In order: what the network is not needed for, then Smartcar, then this site as Smartcar sees it.
STEPS = (
    Check("settings", local.settings),
    Check("database", local.database),
    Check("encryption", local.encryption, needs_tables=True),
    Check("signatures", background_jobs.signatures, needs_tables=True),
    Check("inbox", background_jobs.inbox, needs_tables=True),
    Check("refreshing", background_jobs.refreshing, needs_tables=True),
    Check("drivers", background_jobs.drivers, needs_tables=True),
    Check("subscribed", background_jobs.subscribed, needs_tables=True),
    Check("host", hosts.hosts),
    Check("clock", hosts.clock),
    Check("API v3", credentials.api_3, needs_tables=True),
    Check("API v2", credentials.api_2, needs_tables=True),
    Check("management", credentials.management),
    Check("dashboard", dashboard.dashboard, needs_tables=True),
    Check("webhook", webhook_probe.webhook),
)


def run_checks(site: str = "") -> Iterator[tuple[str, CheckResult]]:
    """Every step's name with what it finds, as soon as that is known.

    ``site`` is this site's public address, without a path; without it, ``SMARTCAR_REDIRECT_URI`` tells.
    """
    context = Context(site or origin_of(conf.SMARTCAR_REDIRECT_URI))
    has_tables = True
    for step in STEPS:
        if step.needs_tables and not has_tables:
            yield step.name, not_checked("the database is not ready: see database")
            continue
        for finding in _found(step, context):
            yield step.name, finding
            if step.name == "database":
                has_tables = finding.outcome is Outcome.OK


def _found(step: Check, context: Context) -> Iterator[CheckResult]:
    """What a step finds. One that fails is a finding as well: the others are still wanted."""
    try:
        yield from step.find(context)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
        # Not the error's own words: nobody knows what they quote.
        yield wrong(
            f"this step failed itself: {type(error).__name__} at {place}",
            "Settings of the wrong type do this, and a fault of django-smartcar: see settings first.",
        )
