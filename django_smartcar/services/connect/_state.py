"""The OAuth ``state``: create it when an attempt begins, consume it in the callback."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.debug import sensitive_variables

from ... import signals
from ...conf import conf
from ...databases import primary
from ...exceptions import InvalidConnectState
from ...models import ConnectAttempt, ExternalId
from ...secret_types import Secret

#: How long an attempt is valid. Smartcar's codes expire after the same time.
ATTEMPT_LIFETIME = timedelta(minutes=10)

#: How long expired attempts are kept, so that a late callback is refused as expired, not as unknown.
ATTEMPT_RETENTION = timedelta(days=2)

#: How many attempts of a user are kept. A new one replaces the oldest.
MAX_ATTEMPTS = 20


def begin(user: Any, session_key: str, **columns: Any) -> Secret:
    """Create an attempt for this user and session; return its ``state``, of which only a digest is stored."""
    session_key = Secret(session_key)
    now = timezone.now()
    primary(ConnectAttempt).filter(expires_at__lt=now - ATTEMPT_RETENTION).delete()
    state = Secret(secrets.token_urlsafe(32))
    ConnectAttempt.objects.create(
        state_digest=_state_digest(state),
        session_digest=_session_digest(session_key),
        user_id=user.pk,
        mode=conf.SMARTCAR_MODE,
        expires_at=now + ATTEMPT_LIFETIME,
        **columns,
    )
    own = primary(ConnectAttempt).filter(user=user).order_by("-pk")
    if surplus := list(own.values_list("pk", flat=True)[MAX_ATTEMPTS : 2 * MAX_ATTEMPTS]):
        own.filter(pk__in=surplus).delete()
    return state


@sensitive_variables()
def consume(state: str, *, user: Any, session_key: str) -> ConnectAttempt:
    """Consume the attempt that a callback belongs to, whether Connect reports success or an error.

    Raises InvalidConnectState, with a ``reason``: unknown, another-user, another-session, expired, used.
    """
    state, session_key = Secret(state), Secret(session_key)
    try:
        return _consume(state, user, session_key)
    except InvalidConnectState as refusal:
        announce_refusal(user, refusal.reason)
        raise


def announce_refusal(user: Any, reason: str) -> None:
    """Send the `connection_refused` signal."""
    signals.connection_refused.send_robust(ConnectAttempt, user=user, reason=reason)


def external_id_of(user_id: Any) -> Secret:
    """Return the user's external id for Smartcar. It is created at first use and never changes."""
    return ExternalId.objects.get_or_create(user_id=user_id)[0].value


def _consume(state: str, user: Any, session_key: str) -> ConnectAttempt:
    attempts = primary(ConnectAttempt).select_related("vehicle__account__smartcar_user")
    attempt: ConnectAttempt | None = attempts.filter(state_digest=_state_digest(state)).first()
    now = timezone.now()
    if attempt is None:
        raise InvalidConnectState("unknown")
    if attempt.user_id != user.pk:
        raise InvalidConnectState("another-user")
    if not constant_time_compare(attempt.session_digest, _session_digest(session_key)):
        raise InvalidConnectState("another-session")
    if attempt.expires_at <= now:
        raise InvalidConnectState("expired")
    # Two callbacks with the same state may get here at the same time: the UPDATE succeeds for one only.
    if not primary(ConnectAttempt).open(now).filter(pk=attempt.pk).update(consumed_at=now):
        raise InvalidConnectState("used")
    return attempt


def _state_digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _session_digest(session_key: str) -> str:
    # As bytes: Django would hash ``str(session_key)``, which is the placeholder of a `Secret`.
    return salted_hmac("django_smartcar.connect", session_key.encode(), algorithm="sha256").hexdigest()
