"""Webhooks as Smartcar signs and sends them, for Django's test client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.test import Client, TestCase, override_settings

from .. import addresses, sdk
from ..conf import conf


def signed(event: Mapping[str, Any] | bytes, token: str = "") -> dict[str, Any]:
    """Return the arguments for ``client.post(url, **signed(event))``: body, content type and signature.

    Signed with ``token``, by default the first of SMARTCAR_MANAGEMENT_TOKENS. Raises ValueError if there is
    none.
    """
    token = token or next(iter(conf.SMARTCAR_MANAGEMENT_TOKENS), "")
    if not token:
        raise ValueError(
            "There is no token to sign with: use a simulator, or set SMARTCAR_MANAGEMENT_TOKENS."
        )
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"SC-Signature": sdk.hash_challenge(token, body)}
    return {"data": body, "content_type": "application/json", "headers": headers}


def send_webhook(
    event: Mapping[str, Any] | bytes, *, path: str = "", client: Client | None = None
) -> HttpResponse:
    """Post a signed event to the site and process it; return the response.

    The event is processed before this returns, whatever SMARTCAR_WEBHOOK_WORK is: a test has no worker.
    ``path`` defaults to that of the site's webhook.
    """
    path = path or addresses.webhook_path()
    # A TestCase never commits, so on_commit callbacks must be run explicitly.
    with (
        override_settings(SMARTCAR_WEBHOOK_WORK="inline"),
        TestCase.captureOnCommitCallbacks(execute=True),
    ):
        response = (client or Client()).post(path, secure=True, **signed(event))
    return response  # type: ignore[return-value]
