"""Tells the application's webhooks what became of a car.

Whatever changes a car does so inside `changing()`, also a test::

    with news.changing(car):
        car.is_locked = True
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from .. import store
from ..errors.v2 import SmartcarError
from ..faults import injection
from ..signals.catalog import SIGNALS
from ..store.models import Car, Webhook
from ..vehicles import states
from ..vehicles.values import Units
from . import payloads, registry
from .registry import Subscription

_METRIC = Units("metric")
#: The types of error that Smartcar has webhooks for.
ERROR_TYPES = {"COMPATIBILITY", "CONNECTED_SERVICES_ACCOUNT", "PERMISSION", "VEHICLE_STATE"}

_changing: set[str] = set()


class _Facts(NamedTuple):
    signals: dict[str, Any]
    charge_state: str
    #: The signals that each error concerns; an error of the whole car concerns all that a webhook sends.
    problems: dict[str, list[str] | None]


@contextlib.contextmanager
def changing(car: Car) -> Iterator[None]:
    """Change a car in here: who has subscribed to it is told, whatever the change was."""
    with store.changes():
        # What a change brings about is part of it, and is told once.
        if car.id in _changing or not registry.of_car(car):
            yield
            store.touch()
            return
        before = _facts(car)
        _changing.add(car.id)
        try:
            yield
        finally:
            _changing.discard(car.id)
        store.touch()
        after = _facts(car)
        for subscription in registry.of_car(car):
            _tell(subscription, registry.webhook(subscription.webhook_id), before, after)


def _tell(subscription: Subscription, webhook: Webhook, before: _Facts, after: _Facts) -> None:
    known = subscription.connection
    if webhook.version == "2.0":
        kind = _charge_event(before.charge_state, after.charge_state)
        if kind and "read_charge_events" in known.permissions:
            registry.send_charge_event(webhook, known, kind)
        return
    for fault in before.problems.keys() - after.problems.keys():
        registry.send_error(webhook, known, fault, before.problems[fault], is_resolved=True)
    for fault in after.problems.keys() - before.problems.keys():
        registry.send_error(webhook, known, fault, after.problems[fault])
    causes = payloads.codes_of(webhook) if webhook.triggers is None else webhook.triggers
    triggers = [
        code
        for code in causes
        if code in SIGNALS
        and SIGNALS[code].scope in known.permissions
        and before.signals.get(code) != after.signals.get(code)
    ]
    # Of a car that Smartcar cannot ask, it does not know that anything has changed.
    if triggers and not known.car.fault:
        registry.send_state(webhook, known, triggers)


def _facts(car: Car) -> _Facts:
    signals = {}
    for code, signal in SIGNALS.items():
        with contextlib.suppress(SmartcarError):  # the car has no such thing
            signals[code] = signal.body(car, _METRIC)
    return _Facts(signals, car.charge_state, _problems(car))


def _problems(car: Car) -> dict[str, list[str] | None]:
    problems: dict[str, list[str] | None] = {}
    for path, fault in car.faults.items():
        code = path.removeprefix("GET ").removeprefix("signals/")
        if code in SIGNALS:
            problems[fault] = [*(problems.get(fault) or []), code]
    whole = car.fault or states.of(car).to_reads
    if whole:
        problems[whole] = None
    return {fault: codes for fault, codes in problems.items() if injection.type_of(fault) in ERROR_TYPES}


def _charge_event(before: str, after: str) -> str | None:
    if before == after or "CHARGING" not in (before, after):
        return None
    if after == "CHARGING":
        return "CHARGING_STARTED"
    return "CHARGING_COMPLETED" if after == "FULLY_CHARGED" else "CHARGING_STOPPED"
