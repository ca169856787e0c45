"""Webhooks on their way: Smartcar's schedule, and what goes wrong on the way when it is told to.

A thread for each webhook delivers in the background, so that nobody who changes a car waits for a receiver;
it follows the clock of `world`, however that is moved. Tests turn ``SMARTCAR_SIMULATOR_DELIVERIES`` off and
call `run()` instead.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .. import store
from ..conf import conf
from ..store.models import Webhook
from . import http
from .http import Answer
from .signing import dressed

#: Seconds before the second, third and fourth attempt; there is no fifth.
WAITS = (25, 50, 100)

#: How long the first of two events that are to change places waits for the second.
_HELD = timedelta(seconds=10)
#: So often a thread looks whether something is due: the clock may be moved meanwhile.
_TICK = 0.05
_KEPT = 200


@dataclass
class Attempt:
    """One try."""

    at: datetime
    answer: Answer
    seconds: float


@dataclass
class Delivery:
    """An event for one webhook, and how its attempts went."""

    id: str
    webhook_id: str
    url: str
    kind: str
    body: dict[str, Any]
    vehicle_id: str | None
    created_at: datetime
    due_at: datetime
    corruption: str = ""
    #: The other half of a VERIFY: what the receiver must answer, and who wants to know whether it did.
    expected: str | None = None
    on_answer: Callable[[bool], None] | None = None
    is_held: bool = False
    is_under_way: bool = False
    #: ``waiting``, ``delivered`` or ``dropped``.
    outcome: str = "waiting"
    attempts: list[Attempt] = field(default_factory=list)


_workers: set[str] = set()


def enqueue(
    webhook: Webhook,
    kind: str,
    body: dict[str, Any],
    *,
    vehicle_id: str | None = None,
    url: str = "",
    expected: str | None = None,
    on_answer: Callable[[bool], None] | None = None,
) -> Delivery:
    """Send this as soon as may be: now, or when what is to go wrong with this webhook lets it."""
    with store.changes():
        now = store.now()
        delivery = Delivery(
            id=str(uuid.uuid4()),
            webhook_id=webhook.id,
            url=url or webhook.callback_uri,
            kind=kind,
            body=body,
            vehicle_id=vehicle_id,
            created_at=now,
            due_at=now + timedelta(seconds=0 if expected else webhook.delay),
            corruption="" if expected else webhook.corruption,
            expected=expected,
            on_answer=on_answer,
        )
        others = [_copied(delivery) for _ in range(0 if expected else webhook.copies - 1)]
        for copy in (delivery, *others):
            store.deliveries.append(copy)
            if webhook.is_reordered and not expected:
                _change_places(copy)
        _forget_old()
        if conf.SMARTCAR_SIMULATOR_DELIVERIES:
            _wake(webhook.id)
        return delivery


def run(webhook_id: str | None = None) -> int:
    """Deliver in this thread what is due by now; how many attempts that were."""
    number = 0
    while delivery := _claim(webhook_id):
        _attempt(delivery)
        number += 1
    return number


def drop(webhook_id: str) -> None:
    """Give up what is on its way to a webhook."""
    with store.changes():
        for delivery in store.deliveries:
            if _is_waiting(delivery, webhook_id):
                delivery.outcome = "dropped"


def is_busy() -> bool:
    """Whether something is being delivered, or about to be."""
    with store.changes():
        return any(_is_due(delivery) or delivery.is_under_way for delivery in store.deliveries)


def log() -> list[Delivery]:
    """What was sent and what will be, newest first."""
    with store.changes():
        return list(reversed(store.deliveries))


def _copied(delivery: Delivery) -> Delivery:
    """The same event once more, as "at least once" allows."""
    values = {**vars(delivery), "id": str(uuid.uuid4()), "attempts": []}
    return Delivery(**values)


def _change_places(delivery: Delivery) -> None:
    """Hold an event back until the next one has overtaken it."""
    for held in store.deliveries:
        if held.is_held and held.webhook_id == delivery.webhook_id:
            store.deliveries.remove(held)
            store.deliveries.append(held)
            held.is_held, held.due_at = False, delivery.due_at
            return
    delivery.is_held = True
    delivery.due_at += _HELD


def _forget_old() -> None:
    finished = [delivery for delivery in store.deliveries if delivery.outcome != "waiting"]
    for delivery in finished[:-_KEPT]:
        store.deliveries.remove(delivery)


def _wake(webhook_id: str) -> None:
    if webhook_id not in _workers:
        _workers.add(webhook_id)
        name = f"smartcar-webhook-{webhook_id}"
        threading.Thread(target=_work, args=(webhook_id,), name=name, daemon=True).start()


def _work(webhook_id: str) -> None:
    """Deliver for one webhook, in order, until nothing waits; a slow receiver holds up only itself."""
    try:
        while True:
            run(webhook_id)
            with store.changes():
                if not any(_is_waiting(one, webhook_id) for one in store.deliveries):
                    _workers.discard(webhook_id)
                    return
            time.sleep(_TICK)
    except BaseException:
        _workers.discard(webhook_id)
        raise


def _claim(webhook_id: str | None) -> Delivery | None:
    with store.changes():
        for delivery in store.deliveries:
            if _is_due(delivery) and webhook_id in (None, delivery.webhook_id):
                delivery.is_under_way, delivery.is_held = True, False
                return delivery  # type: ignore[no-any-return]
    return None


def _is_waiting(delivery: Delivery, webhook_id: str) -> bool:
    return delivery.outcome == "waiting" and delivery.webhook_id == webhook_id


def _is_due(delivery: Delivery) -> bool:
    return delivery.outcome == "waiting" and not delivery.is_under_way and delivery.due_at <= store.now()


def _attempt(delivery: Delivery) -> None:
    at = store.now()
    is_signed = delivery.expected is None  # a challenge is not
    body, headers = dressed(delivery.body, at, is_signed=is_signed, corruption=delivery.corruption)
    began = time.monotonic()
    answer = http.post(delivery.url, body, headers)
    with store.changes():
        delivery.attempts.append(Attempt(at, answer, time.monotonic() - began))
        delivery.is_under_way = False
        if delivery.expected is not None:
            _finish_verify(delivery, answer)
        elif answer.is_success:
            delivery.outcome = "delivered"
        elif delivery.outcome == "dropped":
            return  # given up while it was on its way
        elif len(delivery.attempts) > len(WAITS):
            delivery.outcome = "dropped"
        else:
            delivery.due_at = store.now() + timedelta(seconds=WAITS[len(delivery.attempts) - 1])


def _finish_verify(delivery: Delivery, answer: Answer) -> None:
    """Whether the receiver knows the token. It is asked once."""
    try:
        is_right = answer.is_success and json.loads(answer.body)["challenge"] == delivery.expected
    except (KeyError, RecursionError, TypeError, ValueError):
        is_right = False
    delivery.outcome = "delivered" if is_right else "dropped"
    if delivery.on_answer:
        delivery.on_answer(is_right)
