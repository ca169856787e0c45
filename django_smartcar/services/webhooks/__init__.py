"""Receives what Smartcar sends: verify, store once, answer; the work comes afterwards."""

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
from ...models import WebhookEndpoint, WebhookEvent
from ...secret_types import Secret, SecretBytes
from . import _schedule
from ._queue import MAX_TASK_SECONDS, process_due, requeue
from ._schedule import begin_work

__all__ = ["Answer", "MAX_TASK_SECONDS", "begin_work", "is_endpoint", "receive", "requeue", "process_due"]

logger = logging.getLogger(__name__)

#: Smartcar's events of version 4 have 50 KB at most; a schedule of 2.0 tells of many cars.
MAX_BODY_BYTES = 1_000_000
#: What is not signed is read no further than a challenge is long.
MAX_UNSIGNED_BODY_BYTES = 4_000

#: So many challenges are answered in a minute, at each address.
CHALLENGES = 10
MINUTE = timedelta(minutes=1)

#: What `check_smartcar` sends, signed and not signed: no events. Spaces and letters outside ASCII are what a
#: proxy changes that reads and writes JSON.
NO_EVENT = '["check_smartcar",  "signed, and no event: ä"]'.encode()
UNSIGNED = b'["check_smartcar", "not signed"]'

_ID_LENGTH = 64
#: The columns that tell of an event; the others begin as the database does by itself.
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


class Answer(NamedTuple):
    """What to answer: a status, and the JSON of the body."""

    status: int
    body: dict[str, str] = {}  # noqa: RUF012 (a default that nobody writes to)


def is_endpoint(endpoint: str) -> bool:
    """Whether there is such an address; the one without a name always is."""
    return not endpoint or endpoint in _endpoints()


@sensitive_variables()
def receive(endpoint: str, body: bytes, signature: str) -> Answer:
    """What to answer to a webhook. An event is stored, once, before it is answered with 200.

    401: not signed with a token of this address. 400: signed, and not an event. 403, 429: a challenge that is
    not answered, or not so soon. 503: it could not be stored, and Smartcar should send it again.
    """
    body, signature = SecretBytes(body), Secret(signature)
    tokens = _tokens(endpoint)
    position = _matching(tokens, body, signature)
    payload = sdk.webhooks.load(body) if position or len(body) <= MAX_UNSIGNED_BODY_BYTES else None
    try:
        if payload is not None and (told := sdk.webhooks.envelope(payload)).kind == sdk.webhooks.VERIFY:
            return _answer_challenge(endpoint, tokens, told.challenge)
        if not position:
            _count_refusal(endpoint, body, signature)
            return Answer(401)
        if payload is None:
            logger.warning("a signed webhook of %d bytes is no event", len(body))
            return Answer(400)
        _store(endpoint, body, payload, told, position)
    except (DatabaseError, InterfaceError, ImproperlyConfigured) as error:
        logger.critical("a webhook could not be stored: %s", type(error).__name__)
        return Answer(503)
    return Answer(200)


def _matching(tokens: list[Secret], body: bytes, signature: Secret) -> int:
    """Which of the tokens has signed this, counted from 1; 0: none has. All are tried, whichever it is."""
    matching = [sdk.verify_payload(token, signature, body) for token in tokens]
    return matching.index(True) + 1 if any(matching) else 0


def _store(
    endpoint: str, body: bytes, payload: dict[str, Any], told: sdk.webhooks.Event, position: int
) -> None:
    """Write the event, car by car; one that is there stays as it is. The work begins after the commit."""
    now = timezone.now()
    event = {
        "endpoint": endpoint,
        "event_id": sdk.webhooks.identity(payload, told.id),
        "kind": _id(told.kind),
        "webhook_id": _id(told.webhook_id),
        "size": len(body),
        "key_position": position,
        "received_at": now,
        "next_attempt_at": now,
    }
    parts = sdk.webhooks.split(payload)
    if parts == [payload]:  # as nearly always: kept as it came, and not read once more
        rows = [event | _part(told, Secret(body.decode(json.detect_encoding(body), "surrogatepass")))]
    else:
        rows = [event | _part(sdk.webhooks.envelope(part), Secret(json.dumps(part))) for part in parts]
    _insert_once(rows)
    _schedule.begin_work()


def _part(told: sdk.webhooks.Event, text: Secret) -> dict[str, str]:
    update = told.updates[0] if told.updates else sdk.webhooks.VehicleUpdate("")
    return {
        "smartcar_vehicle_id": _id(update.vehicle_id),
        "smartcar_user_id": _id(update.user_id),
        "payload": text,
    }


def _insert_once(rows: list[dict[str, Any]]) -> None:
    """As `bulk_create` with ``ignore_conflicts``: one INSERT, made once, that needs no transaction."""
    connection = connections[router.db_for_write(WebhookEvent)]
    statement = _insert_statement(connection.alias)
    together = transaction.atomic(connection.alias) if len(rows) > 1 else nullcontext()
    with together, connection.cursor() as cursor:
        for row in rows:
            values = [field.get_db_prep_save(row[field.name], connection) for field in _FIELDS]
            cursor.execute(statement, values)


@cache
def _insert_statement(alias: str) -> str:
    """What Django makes of it for this database, which is the same for each event."""
    query = sql.InsertQuery(WebhookEvent, on_conflict=OnConflict.IGNORE)
    query.insert_values(_FIELDS, [WebhookEvent()])
    ((statement, _values),) = query.get_compiler(alias).as_sql()
    return str(statement)


def _answer_challenge(endpoint: str, tokens: list[Secret], challenge: str) -> Answer:
    """Sign what cannot be an event, and not often: whoever asks is unknown."""
    if not (tokens and conf.SMARTCAR_WEBHOOK_CHALLENGES and sdk.webhooks.is_challenge(challenge)):
        closed = "SMARTCAR_WEBHOOK_CHALLENGES is False" if tokens else "SMARTCAR_MANAGEMENT_TOKENS is empty"
        reason = closed if not (tokens and conf.SMARTCAR_WEBHOOK_CHALLENGES) else "it could be an event"
        logger.warning("a challenge of %d characters was not answered: %s", len(challenge), reason)
        return Answer(403)
    row = _row(endpoint)
    now = timezone.now()
    count = {"challenges": F("challenges") + 1, "challenged_at": now}
    if not row.filter(challenges__lt=CHALLENGES, challenges_since__gt=now - MINUTE).update(**count):
        anew = {"challenges": 1, "challenges_since": now, "challenged_at": now}
        if not row.filter(challenges_since__lte=now - MINUTE).update(**anew):
            logger.warning("a challenge was not answered: there have been %d in a minute", CHALLENGES)
            return Answer(429)
    return Answer(200, {"challenge": sdk.hash_challenge(tokens[0], challenge)})


def _count_refusal(endpoint: str, body: bytes, signature: str) -> None:
    """Keep that somebody was refused, and what to compare it by: never the body."""
    start = signature[:6] if _HEX.fullmatch(signature[:6]) else ""
    logger.warning(
        "a webhook of %d bytes was refused: no token has made its signature (%d characters, %s…)",
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
        last = {}  # who looks for what is wrong must not wipe it out
    try:
        _row(endpoint).update(refused=F("refused") + 1, **last)
    except (DatabaseError, InterfaceError) as error:
        logger.error("the refusal could not be counted: %s", type(error).__name__)


def _row(endpoint: str) -> Any:
    rows = WebhookEndpoint.objects.filter(endpoint=endpoint)
    if not rows.exists():
        WebhookEndpoint.objects.bulk_create([WebhookEndpoint(endpoint=endpoint)], ignore_conflicts=True)
    return rows


def _endpoints() -> dict[str, Any]:
    given: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    return given if isinstance(given, dict) else {}


def _tokens(endpoint: str) -> list[Secret]:
    """The tokens of an address. A text in place of a list would be one of letters, which anybody guesses."""
    given: Any = _endpoints().get(endpoint) if endpoint else conf.SMARTCAR_MANAGEMENT_TOKENS
    if not isinstance(given, list | tuple):
        return []
    return [token for token in given if isinstance(token, Secret) and token]


def _id(told: str) -> str:
    """An id as a row takes it; one that is none is left out."""
    return told if len(told) <= _ID_LENGTH and told.isprintable() else ""
