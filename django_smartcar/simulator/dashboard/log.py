"""The log of deliveries on the pages of the garage."""

from __future__ import annotations

import json
from typing import Any

from .. import store
from ..webhooks.queue import Delivery

#: How many deliveries a log shows, newest first.
_MAX_DELIVERIES = 30


def log_entries(log: list[Delivery]) -> list[dict[str, Any]]:
    """Return the newest deliveries for the template of the log."""
    state = store.state()
    return [
        {
            "delivery": delivery,
            "car": state.cars.get(delivery.vehicle_id or ""),
            "webhook": state.webhooks.get(delivery.webhook_id),
            "body": json.dumps(delivery.payload, indent=2, ensure_ascii=False),
        }
        for delivery in log[:_MAX_DELIVERIES]
    ]
