"""Checks of the settings for webhooks."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch

from .. import addresses, task_backends
from ..conf import conf

#: Matches the URL pattern, and is too long to guess.
NAME = re.compile(r"[-\w]{16,64}", re.ASCII)
#: Smartcar's ids are UUIDs today.
ID = re.compile(r"[-\w]{1,64}", re.ASCII)


def check() -> Iterator[CheckMessage]:
    endpoints: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    if not isinstance(endpoints, dict) or not all(map(_is_endpoint, endpoints.items())):
        yield Error(
            "SMARTCAR_WEBHOOK_TOKENS is not a dict of unguessable names to lists of tokens.",
            hint='Set it to {"…": ["…"]}: a name of 16 to 64 letters, digits, - or _, and the Application '
            "Management Tokens of the application that sends webhooks to it; or leave it out.",
            id="smartcar.E030",
        )
    yield from _workers()
    yield from _subscriptions()
    signals: Any = conf.SMARTCAR_SIGNALS
    if not isinstance(signals, (list, tuple)) or not all(isinstance(name, str) for name in signals):
        yield Error(
            "SMARTCAR_SIGNALS is not a list of signals.",
            hint='Set it to a list like ["odometer", "battery_level"], or leave it out.',
            id="smartcar.E032",
        )


def _workers() -> Iterator[CheckMessage]:
    mode = conf.SMARTCAR_WEBHOOK_WORK
    if mode in task_backends.MODULES:
        try:
            task_backends.load(mode)
        except ImportError as error:
            yield Error(
                f"SMARTCAR_WEBHOOK_WORK is {mode!r}, but its tasks cannot be imported: no webhook is "
                "processed.",
                hint=f"{error}.",
                id="smartcar.E033",
            )
        else:
            yield from _task_backend()
    elif mode not in ("inline", "command"):
        yield Error(
            f"SMARTCAR_WEBHOOK_WORK is {mode!r}.",
            hint='Set it to "inline", to "command" if work_smartcar_events runs, or to "tasks" or '
            '"celery" if their workers run.',
            id="smartcar.E031",
        )


def task_backend_without_worker() -> str:
    """Return the backend of django.tasks if no worker runs its tasks, else an empty string."""
    # Django's default.
    immediate = {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}
    backend = str(getattr(settings, "TASKS", {}).get("default", immediate).get("BACKEND", ""))
    return backend if backend.endswith((".ImmediateBackend", ".DummyBackend")) else ""


def _task_backend() -> Iterator[CheckMessage]:
    backend = task_backend_without_worker()
    if conf.SMARTCAR_WEBHOOK_WORK == "tasks" and backend:
        yield CheckWarning(
            f'SMARTCAR_WEBHOOK_WORK is "tasks", but {backend} has no worker: webhooks are processed in the '
            "request, which may take longer than Smartcar waits, or not at all.",
            hint='Set TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}} with '
            '"django_tasks_db" among INSTALLED_APPS, and run db_worker; or set SMARTCAR_WEBHOOK_WORK to '
            '"inline".',
            id="smartcar.W031",
        )


def _subscriptions() -> Iterator[CheckMessage]:
    webhooks: Any = conf.SMARTCAR_WEBHOOKS
    is_list = isinstance(webhooks, (list, tuple))
    if not is_list or not all(
        isinstance(webhook_id, str) and ID.fullmatch(webhook_id) for webhook_id in webhooks
    ):
        yield Error(
            "SMARTCAR_WEBHOOKS is not a list of webhook ids.",
            hint="Set it to a list of the ids that Smartcar's dashboard shows, or leave it out.",
            id="smartcar.E034",
        )
    elif webhooks and conf.SMARTCAR_API_VERSION == "2.0" and not conf.SMARTCAR_MANAGEMENT_TOKENS:
        yield CheckWarning(
            "SMARTCAR_WEBHOOKS is set, but SMARTCAR_MANAGEMENT_TOKENS is not: no vehicle can be "
            "unsubscribed.",
            hint='Set SMARTCAR_MANAGEMENT_TOKENS = ["…"] to the Application Management Token of your '
            "application in Smartcar's dashboard.",
            id="smartcar.W032",
        )


def check_deployed() -> list[CheckMessage]:
    """Check what a deployed site needs to receive webhooks."""
    try:
        url = addresses.webhook_path()
    except NoReverseMatch:
        return []
    if conf.SMARTCAR_MANAGEMENT_TOKENS or conf.SMARTCAR_WEBHOOK_TOKENS:
        return []
    return [
        CheckWarning(
            f"SMARTCAR_MANAGEMENT_TOKENS is not set: every webhook sent to {url} is rejected.",
            hint='Set SMARTCAR_MANAGEMENT_TOKENS = ["…"] to the Application Management Token of your '
            "application in Smartcar's dashboard; or silence this check if your application has no webhook.",
            id="smartcar.W030",
        )
    ]


def _is_endpoint(item: tuple[Any, Any]) -> bool:
    name, tokens = item
    is_name = isinstance(name, str) and NAME.fullmatch(name) is not None
    is_list = isinstance(tokens, (list, tuple)) and bool(tokens)
    return is_name and is_list and all(isinstance(token, str) and token for token in tokens)
