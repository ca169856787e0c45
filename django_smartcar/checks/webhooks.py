"""Checks of what receives webhooks."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch, reverse

from .. import task_backends
from ..conf import conf

#: As the address takes it, and too long to be guessed.
NAME = re.compile(r"[-\w]{16,64}", re.ASCII)
#: Smartcar's are UUIDs, so far.
ID = re.compile(r"[-\w]{1,64}", re.ASCII)


def check() -> Iterator[CheckMessage]:
    endpoints: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    if not isinstance(endpoints, dict) or not all(map(_is_endpoint, endpoints.items())):
        yield Error(
            "SMARTCAR_WEBHOOK_TOKENS is not a dict of tokens by names that nobody guesses.",
            hint='Set it to {"…": ["…"]}: 16 to 64 letters, digits, - or _, and the Application Management '
            "Tokens of the application whose webhooks come there; or leave it out.",
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
    way = conf.SMARTCAR_WEBHOOK_WORK
    if way in task_backends.MODULES:
        try:
            task_backends.load(way)
        except ImportError as error:
            yield Error(
                f"SMARTCAR_WEBHOOK_WORK is {way!r}, and its tasks cannot be imported: no webhook is worked.",
                hint=f"{error}.",
                id="smartcar.E033",
            )
        else:
            yield from _backend_with_a_worker()
    elif way not in ("inline", "command"):
        yield Error(
            f"SMARTCAR_WEBHOOK_WORK is {way!r}.",
            hint='Set it to "inline", to "command" where work_smartcar_events runs, or to "tasks" or '
            '"celery" where their workers do.',
            id="smartcar.E031",
        )


def _backend_with_a_worker() -> Iterator[CheckMessage]:
    # What Django takes where no other is set.
    immediate = {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}
    backend = getattr(settings, "TASKS", {}).get("default", immediate).get("BACKEND", "")
    if conf.SMARTCAR_WEBHOOK_WORK == "tasks" and backend.endswith((".ImmediateBackend", ".DummyBackend")):
        yield CheckWarning(
            f'SMARTCAR_WEBHOOK_WORK is "tasks", and {backend} has no worker: webhooks would be worked by the '
            "request that brings them, which may take longer than Smartcar waits, or not at all.",
            hint='Set TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}} with '
            '"django_tasks_db" among INSTALLED_APPS, and run db_worker; or set SMARTCAR_WEBHOOK_WORK to '
            '"inline".',
            id="smartcar.W031",
        )


def _subscriptions() -> Iterator[CheckMessage]:
    webhooks: Any = conf.SMARTCAR_WEBHOOKS
    is_list = isinstance(webhooks, (list, tuple))
    if not is_list or not all(isinstance(one, str) and ID.fullmatch(one) for one in webhooks):
        yield Error(
            "SMARTCAR_WEBHOOKS is not a list of ids.",
            hint="Set it to a list of ids of webhooks, as Smartcar's dashboard shows them, or leave it out.",
            id="smartcar.E034",
        )
    elif webhooks and conf.SMARTCAR_API_VERSION == "2.0" and not conf.SMARTCAR_MANAGEMENT_TOKENS:
        yield CheckWarning(
            "SMARTCAR_WEBHOOKS is set, SMARTCAR_MANAGEMENT_TOKENS is not: no car could be unsubscribed.",
            hint='Set SMARTCAR_MANAGEMENT_TOKENS = ["…"] to the Application Management Token of your '
            "application in Smartcar's dashboard.",
            id="smartcar.W032",
        )


def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """What may be as it is while nobody sends webhooks."""
    try:
        address = reverse("smartcar:webhook")
    except NoReverseMatch:
        return []
    if conf.SMARTCAR_MANAGEMENT_TOKENS or conf.SMARTCAR_WEBHOOK_TOKENS:
        return []
    return [
        CheckWarning(
            f"SMARTCAR_MANAGEMENT_TOKENS is not set: every webhook that comes to {address} is refused.",
            hint='Set SMARTCAR_MANAGEMENT_TOKENS = ["…"] to the Application Management Token of your '
            "application in Smartcar's dashboard; or silence this, if your application has no webhook.",
            id="smartcar.W030",
        )
    ]


def _is_endpoint(given: tuple[Any, Any]) -> bool:
    name, tokens = given
    is_name = isinstance(name, str) and NAME.fullmatch(name) is not None
    is_list = isinstance(tokens, (list, tuple)) and bool(tokens)
    return is_name and is_list and all(isinstance(token, str) and token for token in tokens)
