"""Webhooks as Smartcar signs and sends them, for Django's test client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.test import Client, TestCase, override_settings
from django.urls import reverse

from .. import sdk
from ..conf import conf


def signed(event: Mapping[str, Any] | bytes, token: str = "") -> dict[str, Any]:
    """What to give to ``client.post(url, **signed(event))``: body, content type and ``SC-Signature``.

    Signed with ``token``, or with the first of SMARTCAR_MANAGEMENT_TOKENS; ValueError if there is none.
    """
    token = token or next(iter(conf.SMARTCAR_MANAGEMENT_TOKENS), "")
    if not token:
        raise ValueError("There is nothing to sign with: use a simulator, or set SMARTCAR_MANAGEMENT_TOKENS.")
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"SC-Signature": sdk.hash_challenge(token, body)}
    return {"data": body, "content_type": "application/json", "headers": headers}


def send_webhook(
    event: Mapping[str, Any] | bytes, *, path: str = "", client: Client | None = None
) -> HttpResponse:
    """Have the site receive this event, signed, and work it as it would after its transaction; its answer.

    It is worked before this returns, whatever SMARTCAR_WEBHOOK_WORK says: a test has no worker beside it.
    ``path`` is ``reverse("smartcar:webhook")`` if not told.
    """
    path = path or reverse("smartcar:webhook")
    # In a TestCase nothing is ever committed, and what waits for that would not be done.
    with (
        override_settings(SMARTCAR_WEBHOOK_WORK="inline"),
        TestCase.captureOnCommitCallbacks(execute=True),
    ):
        response = (client or Client()).post(path, secure=True, **signed(event))
    return response  # type: ignore[return-value]
