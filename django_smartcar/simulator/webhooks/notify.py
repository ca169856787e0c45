"""Sends webhooks when a vehicle changes.

Every change of a vehicle is made inside `changing()`, in tests as well::

    with notify.changing(car):
        car.is_locked = True
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from .. import profiles, store
from ..errors.v2 import SmartcarError
from ..faults import injection
from ..signals.catalog import SIGNALS
from ..store.models import Car, Webhook
from ..vehicles import charging, states
from ..vehicles.v2_readings import Units
from . import payloads, registry
from .registry import Subscription

_METRIC = Units("metric")
#: The error types that Smartcar sends webhooks for.
WEBHOOK_ERROR_TYPES = {"COMPATIBILITY", "CONNECTED_SERVICES_ACCOUNT", "PERMISSION", "VEHICLE_STATE"}

#: Ids of the vehicles that are inside `changing()`.
_changing: set[str] = set()


class _Snapshot(NamedTuple):
    """The values of a vehicle that webhooks report, before or after a change."""

    signals: dict[str, Any]
    charge_state: str
    #: Signal codes by fault. None: the fault affects the whole vehicle.
    faults: dict[str, list[str] | None]


@contextlib.contextmanager
def changing(car: Car) -> Iterator[None]:
    """Change a vehicle inside this context; its subscribed webhooks are notified on exit."""
    with store.changes():
        # A change inside another one is part of it, and is reported once.
        if car.id in _changing or not registry.active_subscriptions(car):
            yield
            store.touch()
            return
        before = _snapshot(car)
        _changing.add(car.id)
        try:
            yield
        finally:
            _changing.discard(car.id)
        store.touch()
        after = _snapshot(car)
        for subscription in registry.active_subscriptions(car):
            _notify(subscription, registry.get_webhook(subscription.webhook_id), before, after)


def _notify(subscription: Subscription, webhook: Webhook, before: _Snapshot, after: _Snapshot) -> None:
    connection = subscription.connection
    if webhook.version == "2.0":
        kind = _charge_event(before.charge_state, after.charge_state)
        if kind and "read_charge_events" in connection.permissions:
            registry.send_charge_event(webhook, connection, kind)
        return
    for fault in before.faults.keys() - after.faults.keys():
        registry.send_error(webhook, connection, fault, before.faults[fault], is_resolved=True)
    for fault in after.faults.keys() - before.faults.keys():
        registry.send_error(webhook, connection, fault, after.faults[fault])
    candidates = payloads.signal_codes(webhook) if webhook.triggers is None else webhook.triggers
    triggers = [
        code
        for code in candidates
        if code in SIGNALS
        and code not in profiles.of(connection.car).omitted
        and SIGNALS[code].scope in connection.permissions
        and before.signals.get(code) != after.signals.get(code)
    ]
    # Smartcar does not see changes of a vehicle that it cannot reach.
    if triggers and not connection.car.fault:
        registry.send_state(webhook, connection, triggers)


def _snapshot(car: Car) -> _Snapshot:
    signals = {}
    for code, signal in SIGNALS.items():
        with contextlib.suppress(SmartcarError):  # the vehicle is not capable
            signals[code] = signal.body(car, _METRIC)
    return _Snapshot(signals, charging.state(car), _faults(car))


def _faults(car: Car) -> dict[str, list[str] | None]:
    codes_by_fault: dict[str, list[str] | None] = {}
    for path, fault in car.faults.items():
        code = path.removeprefix("GET ").removeprefix("signals/")
        if code in SIGNALS:
            codes_by_fault[fault] = [*(codes_by_fault.get(fault) or []), code]
    vehicle_fault = car.fault or states.state_of(car).read_error
    if vehicle_fault:
        codes_by_fault[vehicle_fault] = None
    return {
        fault: codes
        for fault, codes in codes_by_fault.items()
        if injection.type_of(fault) in WEBHOOK_ERROR_TYPES
    }


def _charge_event(before: str, after: str) -> str | None:
    if before == after or "CHARGING" not in (before, after):
        return None
    if after == "CHARGING":
        return "CHARGING_STARTED"
    return "CHARGING_COMPLETED" if after == "FULLY_CHARGED" else "CHARGING_STOPPED"
