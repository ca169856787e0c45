"""The delivery queue of webhooks: Smartcar's retry delays, and injected delays, duplicates and reordering.

One thread per webhook delivers in the background, so that no request waits for a receiver. Delays follow the
simulator's clock. Tests turn ``SMARTCAR_SIMULATOR_DELIVERIES`` off and call `run()` instead.
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
from .http import Response
from .signing import build_request

#: Seconds before the second, third and fourth attempt. There is no fifth.
RETRY_DELAYS = (25, 50, 100)

#: How long an event that is reordered waits for the next one.
_MAX_REORDER_WAIT = timedelta(seconds=10)
#: Poll interval of a worker thread in seconds. Polling, because the clock may be moved meanwhile.
_POLL_INTERVAL = 0.05
#: Finished deliveries that are kept for the log.
_MAX_FINISHED = 200


@dataclass
class Attempt:
    """One delivery attempt: when, the response, and how long it took in real seconds."""

    at: datetime
    response: Response
    seconds: float


@dataclass
class Delivery:
    """An event for one webhook, and its delivery attempts."""

    id: str
    webhook_id: str
    url: str
    kind: str
    payload: dict[str, Any]
    vehicle_id: str | None
    created_at: datetime
    due_at: datetime
    corruption: str = ""
    #: For a VERIFY: the expected response to the challenge, and a callback with whether it was right.
    expected: str | None = None
    on_response: Callable[[bool], None] | None = None
    is_waiting_for_next: bool = False
    is_in_progress: bool = False
    #: ``waiting``, ``delivered`` or ``dropped``.
    outcome: str = "waiting"
    attempts: list[Attempt] = field(default_factory=list)


_workers: set[str] = set()


def enqueue(
    webhook: Webhook,
    kind: str,
    payload: dict[str, Any],
    *,
    vehicle_id: str | None = None,
    url: str = "",
    expected: str | None = None,
    on_response: Callable[[bool], None] | None = None,
) -> Delivery:
    """Queue an event for delivery, with the problems that are injected into this webhook."""
    with store.changes():
        now = store.now()
        delivery = Delivery(
            id=str(uuid.uuid4()),
            webhook_id=webhook.id,
            url=url or webhook.callback_uri,
            kind=kind,
            payload=payload,
            vehicle_id=vehicle_id,
            created_at=now,
            due_at=now + timedelta(seconds=0 if expected else webhook.delay),
            corruption="" if expected else webhook.corruption,
            expected=expected,
            on_response=on_response,
        )
        copies = [_copy(delivery) for _ in range(0 if expected else webhook.copies - 1)]
        for queued in (delivery, *copies):
            store.deliveries.append(queued)
            if webhook.is_reordered and not expected:
                _reorder(queued)
        if conf.SMARTCAR_SIMULATOR_DELIVERIES:
            _start_worker(webhook.id)
        return delivery


def run(webhook_id: str | None = None) -> int:
    """Deliver what is due, in this thread. Return the number of attempts."""
    attempts = 0
    while delivery := _claim(webhook_id):
        _attempt(delivery)
        attempts += 1
    return attempts


def drop(webhook_id: str) -> None:
    """Drop all queued deliveries of a webhook."""
    with store.changes():
        for delivery in store.deliveries:
            if _is_waiting(delivery, webhook_id):
                delivery.outcome = "dropped"
        _delete_old()


def is_busy() -> bool:
    """Return whether a delivery is due or in progress."""
    with store.changes():
        return any(_is_due(delivery) or delivery.is_in_progress for delivery in store.deliveries)


def log() -> list[Delivery]:
    """Return all deliveries, queued and finished, newest first."""
    with store.changes():
        return list(reversed(store.deliveries))


def _copy(delivery: Delivery) -> Delivery:
    """Return a duplicate of the delivery: the same event with another id."""
    values = {**vars(delivery), "id": str(uuid.uuid4()), "attempts": []}
    return Delivery(**values)


def _reorder(delivery: Delivery) -> None:
    """Hold an event back until the next one of this webhook has overtaken it."""
    for previous in store.deliveries:
        if previous.is_waiting_for_next and previous.webhook_id == delivery.webhook_id:
            store.deliveries.remove(previous)
            store.deliveries.append(previous)
            previous.is_waiting_for_next, previous.due_at = False, delivery.due_at
            return
    delivery.is_waiting_for_next = True
    delivery.due_at += _MAX_REORDER_WAIT


def _delete_old() -> None:
    """Delete the oldest finished deliveries. Call it when one has finished: that costs a look at all."""
    finished = [delivery for delivery in store.deliveries if delivery.outcome != "waiting"]
    old = {delivery.id for delivery in finished[:-_MAX_FINISHED]}
    if old:
        store.deliveries[:] = [delivery for delivery in store.deliveries if delivery.id not in old]


def _start_worker(webhook_id: str) -> None:
    if webhook_id not in _workers:
        _workers.add(webhook_id)
        name = f"smartcar-webhook-{webhook_id}"
        threading.Thread(target=_run_worker, args=(webhook_id,), name=name, daemon=True).start()


def _run_worker(webhook_id: str) -> None:
    """Deliver for one webhook, in order, until its queue is empty. A slow receiver delays only itself."""
    try:
        while True:
            run(webhook_id)
            with store.changes():
                if not any(_is_waiting(one, webhook_id) for one in store.deliveries):
                    _workers.discard(webhook_id)
                    return
            time.sleep(_POLL_INTERVAL)
    except BaseException:
        _workers.discard(webhook_id)
        raise


def _claim(webhook_id: str | None) -> Delivery | None:
    with store.changes():
        for delivery in store.deliveries:
            if _is_due(delivery) and webhook_id in (None, delivery.webhook_id):
                delivery.is_in_progress, delivery.is_waiting_for_next = True, False
                return delivery  # type: ignore[no-any-return]
    return None


def _is_waiting(delivery: Delivery, webhook_id: str) -> bool:
    return delivery.outcome == "waiting" and delivery.webhook_id == webhook_id


def _is_due(delivery: Delivery) -> bool:
    return delivery.outcome == "waiting" and not delivery.is_in_progress and delivery.due_at <= store.now()


def _attempt(delivery: Delivery) -> None:
    at = store.now()
    is_signed = delivery.expected is None  # challenges are not signed
    body, headers = build_request(delivery.payload, at, is_signed=is_signed, corruption=delivery.corruption)
    started = time.monotonic()
    response = http.post(delivery.url, body, headers)
    with store.changes():
        delivery.attempts.append(Attempt(at, response, time.monotonic() - started))
        delivery.is_in_progress = False
        _finish(delivery, response)
        _delete_old()


def _finish(delivery: Delivery, response: Response) -> None:
    """Set the outcome of an attempt, or when the next one is due."""
    if delivery.expected is not None:
        _finish_verification(delivery, response)
    elif response.is_success:
        delivery.outcome = "delivered"
    elif delivery.outcome == "dropped":
        return  # dropped during the attempt
    elif len(delivery.attempts) > len(RETRY_DELAYS):
        delivery.outcome = "dropped"
    else:
        delivery.due_at = store.now() + timedelta(seconds=RETRY_DELAYS[len(delivery.attempts) - 1])


def _finish_verification(delivery: Delivery, response: Response) -> None:
    """Check the response to a challenge. There is no retry."""
    try:
        is_correct = response.is_success and json.loads(response.body)["challenge"] == delivery.expected
    except (KeyError, RecursionError, TypeError, ValueError):
        is_correct = False
    delivery.outcome = "delivered" if is_correct else "dropped"
    if delivery.on_response:
        delivery.on_response(is_correct)
