"""Receive webhooks: verify the signature, store the event once, respond. It is processed afterwards."""

from __future__ import annotations

import json
import logging
import re
from contextlib import nullcontext
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections, router, transaction
from django.db.models import F, sql
from django.db.models.constants import OnConflict
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import sdk
from ...conf import conf
from ...databases import primary
from ...models import WebhookEndpoint, WebhookEvent
from ...secret_types import Secret, SecretBytes
from . import _bounds, _workers
from ._queue import MAX_TASK_SECONDS, process_due
from ._waiting import requeue, wake
from ._workers import begin_work

__all__ = [
    "WebhookResponse",
    "MAX_TASK_SECONDS",
    "begin_work",
    "is_endpoint",
    "receive",
    "requeue",
    "wake",
    "process_due",
]

logger = logging.getLogger(__name__)

#: Events of webhooks v4 are at most 50 KB; a scheduled event of v2 has many vehicles.
MAX_BODY_BYTES = 1_000_000
#: An unsigned body is parsed only if it is short enough for a challenge.
MAX_UNSIGNED_BODY_BYTES = 4_000

#: Maximum number of unsigned challenges answered per minute and URL.
MAX_CHALLENGES = 10
MINUTE = timedelta(minutes=1)

#: The signed and the unsigned body that `check_smartcar` sends. Neither is an event. A proxy that rewrites
#: JSON would change the two spaces and the non-ASCII letter.
NO_EVENT = '["check_smartcar",  "signed, and no event: ä"]'.encode()
UNSIGNED = b'["check_smartcar", "not signed"]'

_ID_LENGTH = 64
#: The columns of the INSERT; the others get their database default.
_COLUMNS = {
    "endpoint",
    "event_id",
    "kind",
    "webhook_id",
    "smartcar_vehicle_id",
    "smartcar_user_id",
    "payload",
    "size",
    "key_position",
    "received_at",
    "next_attempt_at",
}
_FIELDS = [field for field in WebhookEvent._meta.concrete_fields if field.name in _COLUMNS]
_HEX = re.compile(r"[0-9a-fA-F]{0,6}")


class WebhookResponse(NamedTuple):
    """The status and the JSON body to respond with."""

    status: int
    body: dict[str, str] = {}  # noqa: RUF012 (never mutated)


def is_endpoint(endpoint: str) -> bool:
    """Return whether the webhook URL exists; the one without a name always does."""
    return not endpoint or endpoint in _endpoints()


@sensitive_variables()
def receive(endpoint: str, body: bytes, signature: str) -> WebhookResponse:
    """Process a webhook request and return the response. An event is stored, once, before the 200.

    401: not signed with a token of this URL. 400: signed, but not an event, or about too many vehicles.
    403: challenges are not answered. 429: too many unsigned challenges. 503: the event could not be stored,
    and Smartcar should retry.
    """
    body, signature = SecretBytes(body), Secret(signature)
    tokens = _tokens(endpoint)
    position = _matching(tokens, body, signature)
    payload = sdk.webhooks.load(body) if position or len(body) <= MAX_UNSIGNED_BODY_BYTES else None
    try:
        if payload is not None and (parsed := sdk.webhooks.envelope(payload)).kind == sdk.webhooks.VERIFY:
            return _answer_challenge(endpoint, tokens, parsed.challenge, is_signed=position > 0)
        if not position:
            _count_rejected(endpoint, body, signature)
            return WebhookResponse(401)
        if payload is None:
            logger.warning("ignored a signed webhook (%d bytes) that is not a valid event", len(body))
            return WebhookResponse(400)
        parts = sdk.webhooks.split(payload)
        if len(parts) > _bounds.MAX_VEHICLES:
            logger.warning("ignored a signed webhook about %d vehicles", len(parts))
            return WebhookResponse(400)
        _store(endpoint, body, payload, parts, parsed, position)
    except (DatabaseError, InterfaceError, ImproperlyConfigured) as error:
        logger.critical("could not store a webhook event: %s", type(error).__name__)
        return WebhookResponse(503)
    return WebhookResponse(200)


def _matching(tokens: list[Secret], body: bytes, signature: Secret) -> int:
    """Return the position of the token that signed this, from 1, or 0. All are tried, for constant time."""
    matching = [sdk.verify_payload(token, signature, body) for token in tokens]
    return matching.index(True) + 1 if any(matching) else 0


def _store(
    endpoint: str,
    body: bytes,
    payload: dict[str, Any],
    parts: list[dict[str, Any]],
    parsed: sdk.webhooks.Event,
    position: int,
) -> None:
    """Insert the event, one row for each vehicle, unless it exists. Then schedule its processing."""
    now = timezone.now()
    event = {
        "endpoint": endpoint,
        "event_id": sdk.webhooks.identity(payload, parsed.id),
        "kind": _valid_id(parsed.kind),
        "webhook_id": _valid_id(parsed.webhook_id),
        "size": len(body),
        "key_position": position,
        "received_at": now,
        "next_attempt_at": now,
    }
    if parts == [payload]:  # nearly always: store the body as it was received
        rows = [
            event | _vehicle_columns(parsed, Secret(body.decode(json.detect_encoding(body), "surrogatepass")))
        ]
    else:
        rows = [
            event | _vehicle_columns(sdk.webhooks.envelope(part), Secret(json.dumps(part))) for part in parts
        ]
    _insert_once(rows)
    _workers.begin_work()


def _vehicle_columns(parsed: sdk.webhooks.Event, text: Secret) -> dict[str, str]:
    update = parsed.updates[0] if parsed.updates else sdk.webhooks.VehicleUpdate("")
    return {
        "smartcar_vehicle_id": _valid_id(update.vehicle_id),
        "smartcar_user_id": _valid_id(update.user_id),
        "payload": text,
    }


def _insert_once(rows: list[dict[str, Any]]) -> None:
    """Insert as `bulk_create(ignore_conflicts=True)` does, but with a cached statement and no transaction."""
    connection = connections[router.db_for_write(WebhookEvent)]
    statement = _insert_statement(connection.alias)
    together = transaction.atomic(connection.alias) if len(rows) > 1 else nullcontext()
    with together, connection.cursor() as cursor:
        for row in rows:
            values = [field.get_db_prep_save(row[field.name], connection) for field in _FIELDS]
            cursor.execute(statement, values)


@cache
def _insert_statement(alias: str) -> str:
    """Return Django's INSERT statement for this database, which is the same for each event."""
    query = sql.InsertQuery(WebhookEvent, on_conflict=OnConflict.IGNORE)
    query.insert_values(_FIELDS, [WebhookEvent()])
    ((statement, _values),) = query.get_compiler(alias).as_sql()
    return str(statement)


def _answer_challenge(
    endpoint: str, tokens: list[Secret], challenge: str, *, is_signed: bool
) -> WebhookResponse:
    """Sign a challenge that cannot be an event. Those of unknown senders are rate limited."""
    if not (tokens and conf.SMARTCAR_WEBHOOK_CHALLENGES and sdk.webhooks.is_challenge(challenge)):
        closed = "SMARTCAR_WEBHOOK_CHALLENGES is False" if tokens else "SMARTCAR_MANAGEMENT_TOKENS is empty"
        reason = closed if not (tokens and conf.SMARTCAR_WEBHOOK_CHALLENGES) else "it could be an event"
        logger.warning("rejected a challenge of %d characters: %s", len(challenge), reason)
        return WebhookResponse(403)
    if not _count_challenge(endpoint, is_signed):
        logger.warning("rejected a challenge: there were more than %d in a minute", MAX_CHALLENGES)
        return WebhookResponse(429)
    return WebhookResponse(200, {"challenge": sdk.hash_challenge(tokens[0], challenge)})


def _count_challenge(endpoint: str, is_signed: bool) -> bool:
    """Count an unsigned challenge; return whether it may be answered. A signed one always is."""
    row, now = _row(endpoint), timezone.now()
    if is_signed:
        row.update(challenged_at=now)
        return True
    count = {"challenges": F("challenges") + 1, "challenged_at": now}
    if row.filter(challenges__lt=MAX_CHALLENGES, challenges_since__gt=now - MINUTE).update(**count):
        return True
    first = {"challenges": 1, "challenges_since": now, "challenged_at": now}
    return bool(row.filter(challenges_since__lte=now - MINUTE).update(**first))


def _count_rejected(endpoint: str, body: bytes, signature: str) -> None:
    """Count a rejected request, with what helps to find the cause, but never the body."""
    start = signature[:6] if _HEX.fullmatch(signature[:6]) else ""
    logger.warning(
        "rejected a webhook: invalid signature (%d bytes, signature %d characters, %s…)",
        len(body),
        len(signature),
        start,
    )
    last: dict[str, Any] = {
        "refused_at": timezone.now(),
        "refused_size": len(body),
        "refused_signature_length": len(signature),
        "refused_signature_start": start,
    }
    if body in (NO_EVENT, UNSIGNED):
        last = {}  # a check must not overwrite the last real rejection
    try:
        _row(endpoint).update(refused=F("refused") + 1, **last)
    except (DatabaseError, InterfaceError) as error:
        logger.error("could not count a rejected webhook: %s", type(error).__name__)


def _row(endpoint: str) -> Any:
    rows = primary(WebhookEndpoint).filter(endpoint=endpoint)
    if not rows.exists():
        WebhookEndpoint.objects.bulk_create([WebhookEndpoint(endpoint=endpoint)], ignore_conflicts=True)
    return rows


def _endpoints() -> dict[str, Any]:
    setting: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    return setting if isinstance(setting, dict) else {}


def _tokens(endpoint: str) -> list[Secret]:
    """Return the tokens of a URL. A string instead of a list is ignored: its letters would be the tokens."""
    setting: Any = _endpoints().get(endpoint) if endpoint else conf.SMARTCAR_MANAGEMENT_TOKENS
    if not isinstance(setting, list | tuple):
        return []
    return [token for token in setting if isinstance(token, Secret) and token]


def _valid_id(value: str) -> str:
    """Return the id, or "" if it is invalid."""
    return value if len(value) <= _ID_LENGTH and value.isprintable() else ""
