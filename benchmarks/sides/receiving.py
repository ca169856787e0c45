"""Each side passes requests to the site's WSGI application, so that no client's cost is measured.

The events are created and signed before. The first one is not measured.
"""

import hashlib
import hmac
import io
import json
import time
import uuid
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from benchmarks.bare.models import Received
from benchmarks.measuring import measured
from django_smartcar.models import WebhookEvent

VEHICLE, USER, HOOK = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
MOMENT = 1_790_000_000_000
STRIPE_HOOK = uuid.UUID(int=4)
STRIPE_SECRET = "whsec_only_for_the_benchmarks"  # noqa: S105


def prepare() -> None:
    call_command("migrate", verbosity=0, run_syncdb=True)


def ours(number: str) -> dict:
    events = [json.dumps(event()).encode() for _ in range(int(number) + 1)]
    token = settings.SMARTCAR_MANAGEMENT_TOKENS[0]
    measurement = post_all(
        "/cars/webhook/", [(body, {"HTTP_SC_SIGNATURE": sign(token, body)}) for body in events]
    )
    return {**measurement, "stored": WebhookEvent.objects.count()}


def bare(number: str) -> dict:
    events = [json.dumps(event()).encode() for _ in range(int(number) + 1)]
    measurement = post_all("/bare/", [(body, {}) for body in events])
    return {**measurement, "stored": Received.objects.count()}


def djstripe(number: str) -> dict:
    """Receive with dj-stripe: as with ours, events are verified and stored. Duplicates are stored again."""
    from djstripe.models import WebhookEndpoint, WebhookEventTrigger

    WebhookEndpoint.objects.get_or_create(
        id="we_1", djstripe_uuid=STRIPE_HOOK, secret=STRIPE_SECRET, enabled_events=["*"], status="enabled"
    )
    events = [json.dumps(stripe_event()).encode() for _ in range(int(number) + 1)]
    now = int(time.time())
    signed = [(body, sign(STRIPE_SECRET, b"%d.%s" % (now, body))) for body in events]
    measurement = post_all(
        f"/stripe/webhook/{STRIPE_HOOK}/",
        [(body, {"HTTP_STRIPE_SIGNATURE": f"t={now},v1={signature}"}) for body, signature in signed],
    )
    return {**measurement, "stored": WebhookEventTrigger.objects.filter(valid=True).count()}


def do_nothing(*args: Any, **kwargs: Any) -> None:
    """Replace dj-stripe's processing of an event."""


def post_all(path: str, requests: list[tuple[bytes, dict[str, str]]]) -> dict:
    site = get_wsgi_application()
    environs = [environ(path, body, headers) for body, headers in requests]
    statuses = {post(site, environs[0])}
    with measured() as measurement:
        statuses |= {post(site, one) for one in environs[1:]}
    assert statuses == {"200 OK"}, statuses  # noqa: S101
    return measurement


def post(site: Any, environ: dict[str, Any]) -> str:
    statuses = []
    response = site(environ, lambda status, headers: statuses.append(status))
    b"".join(response)
    response.close()
    return statuses[0]


def environ(path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        **headers,
    }


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signal(group: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": f"{group}-{name}".lower(),
        "name": name,
        "group": group,
        "body": body,
        "status": {"value": "SUCCESS"},
        "meta": {"oemUpdatedAt": MOMENT, "retrievedAt": MOMENT + 500},
    }


def event() -> dict[str, Any]:
    """Return an event of version 4.0 with five signals: odometer, location, charge level, range, charging."""
    signals = [
        signal("Odometer", "TraveledDistance", {"unit": "km", "value": 12345.6}),
        signal("Location", "PreciseLocation", {"latitude": 37.4292, "longitude": 122.1381}),
        signal("TractionBattery", "StateOfCharge", {"unit": "percent", "value": 68}),
        signal("TractionBattery", "Range", {"unit": "km", "value": 215}),
        signal("Charge", "IsCharging", {"value": False}),
    ]
    return {
        "eventId": str(uuid.uuid4()),
        "eventType": "VEHICLE_STATE",
        "data": {
            "user": {"id": USER},
            "vehicle": {"id": VEHICLE, "make": "TESLA", "model": "Model 3", "year": 2021},
            "triggers": [{"type": "SIGNAL_UPDATED", "signal": {"code": "odometer-traveleddistance"}}],
            "signals": signals,
        },
        "meta": {
            "version": "4.0",
            "webhookId": HOOK,
            "webhookName": "Fleet",
            "deliveryId": str(uuid.uuid4()),
            "deliveredAt": MOMENT + 900,
            "mode": "LIVE",
            "signalCount": len(signals),
        },
    }


def stripe_event() -> dict[str, Any]:
    """Return a Stripe event of about the same size."""
    customer = {"id": "cus_1", "object": "customer", "livemode": False, "description": "x" * 1500}
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "api_version": "2020-08-27",
        "created": MOMENT // 1000,
        "data": {"object": customer},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "customer.updated",
    }
