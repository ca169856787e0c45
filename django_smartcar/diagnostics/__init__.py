"""Checks of a running site, for ``manage.py check_smartcar``.

They change nothing at Smartcar and disturb no running process. Every request has a timeout.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..conf import conf
from . import background_jobs, credentials, dashboard, hosts, local, pages, signal_statuses, webhook_probe
from .hosts import origin_of
from .results import CheckResult, Context, Outcome, not_checked, wrong

__all__ = ["CheckResult", "Outcome", "origin_of", "run_checks"]


class Check(NamedTuple):
    name: str
    run: Callable[[Context], Iterator[CheckResult]]
    needs_tables: bool = False


#: In order: what needs no network, then Smartcar, then this site's webhook from outside.
CHECKS = (
    Check("settings", local.settings),
    Check("database", local.database),
    Check("encryption", local.encryption, needs_tables=True),
    Check("signatures", background_jobs.signatures, needs_tables=True),
    Check("queue", background_jobs.event_queue, needs_tables=True),
    Check("commands", background_jobs.command_queue, needs_tables=True),
    Check("tokens", background_jobs.token_refresh, needs_tables=True),
    Check("accounts", background_jobs.accounts, needs_tables=True),
    Check("signals", signal_statuses.signal_statuses, needs_tables=True),
    Check("subscribed", background_jobs.subscribed, needs_tables=True),
    Check("network", hosts.hosts),
    Check("clock", hosts.clock),
    Check("API v3", credentials.api_3, needs_tables=True),
    Check("API v2", credentials.api_2, needs_tables=True),
    Check("management", credentials.management),
    Check("dashboard", dashboard.dashboard, needs_tables=True),
    Check("webhook", webhook_probe.webhook),
    Check("pages", pages.pages),
)


def run_checks(site: str = "") -> Iterator[tuple[str, CheckResult]]:
    """Yield each check's name with its results, as they become available.

    ``site`` is this site's public URL without a path; by default the origin of ``SMARTCAR_REDIRECT_URI``.
    """
    context = Context(site or origin_of(conf.SMARTCAR_REDIRECT_URI))
    has_tables = True
    for check in CHECKS:
        if check.needs_tables and not has_tables:
            yield check.name, not_checked("the database is not ready: see database")
            continue
        for result in _run(check, context):
            yield check.name, result
            if check.name == "database":
                has_tables = result.outcome is Outcome.OK


def _run(check: Check, context: Context) -> Iterator[CheckResult]:
    """Yield the results of one check; an exception in it becomes a result, so that the others still run."""
    try:
        yield from check.run(context)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
        # Not the exception's message: it may quote anything.
        yield wrong(
            f"the check itself failed: {type(error).__name__} at {place}",
            "A setting of the wrong type or a bug in django-smartcar causes this: see settings first.",
        )
