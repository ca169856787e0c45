"""Random sequences of calls, crashes, delays and failures for one account, compared with a model.

Only the clock and the network are replaced. The model consists of Smartcar's responses: when each refresh
token was issued and first used, and how often each version of the account was exchanged.
"""

import contextlib
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
import time_machine
import urllib3
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from django_smartcar import signals
from django_smartcar.exceptions import ReconnectRequired, SmartcarException
from django_smartcar.models import SmartcarAccount, SmartcarUser
from django_smartcar.services import connect, tokens, vehicles
from django_smartcar.services.connect import _state
from django_smartcar.services.connect._ownership import Callback
from django_smartcar.services.tokens import _refresh_lock
from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants

from ...simulator_server import BACK

pytestmark = pytest.mark.slow

#: The shortest grace period that Smartcar has ever documented.
GRACE = timedelta(seconds=60)
LIFETIME = timedelta(days=60)

#: How far the clock may advance while a caller sleeps once.
MAX_SLEEP = timedelta(seconds=3)

CALLS = st.sampled_from([tokens.access_token, tokens.refresh])

SLOW = st.sampled_from(["slow request", "slow response"])
FAULT = st.sampled_from(
    [
        "unreachable",
        "rate limited",
        "bad gateway",
        "response lost",
        "crash before the exchange",
        "crash before the commit",
    ]
)

#: The faults of consecutive exchanges.
FAULTS = st.lists(FAULT | SLOW, max_size=2)

#: What happens to the account during a slow exchange.
EVENTS = st.lists(st.sampled_from(["exchange", "wait", "connect", "disconnect"]), min_size=1, max_size=3)


class Crash(BaseException):
    """Ends a process; the app does not catch it."""


class Clock:
    """The time of all callers. ``sleep`` advances it twenty times as far, so that callers poll less."""

    def __init__(self):
        self.travel = time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False)
        self.shift = self.travel.start().shift

    def sleep(self, seconds):
        self.shift(seconds * 20)

    def monotonic(self):
        return timezone.now().timestamp()


class Network:
    """Records every exchange that Smartcar responds to, and injects faults."""

    def __init__(self, send):
        self.send = send
        self.faults, self.run_events = [], None
        self.issued_at, self.used_at, self.rejected = {}, {}, set()
        #: By the version of the account before the exchange.
        self.exchanges, self.allowed_repeats = Counter(), Counter()

    def __call__(self, adapter, request, **options):
        form = parse_qs(request.body.decode()) if isinstance(request.body, bytes) else {}
        if "refresh_token" in form:
            return self.exchange(form["refresh_token"][0], adapter, request, **options)
        return self.record(self.send(adapter, request, **options))

    def exchange(self, token, adapter, request, **options):
        fault = self.faults.pop(0) if self.faults else None
        row = SmartcarAccount.objects.get()
        version = row.token_version
        self.fail(fault, adapter, request)
        if fault in ("rate limited", "bad gateway"):
            raw = urllib3.HTTPResponse(io.BytesIO(), status=429 if fault == "rate limited" else 502)
            return adapter.build_response(request, raw)
        if fault == "slow request":
            self.run_events()
        response = self.record(self.send(adapter, request, **options))
        if response.ok:
            self.used_at.setdefault(token, timezone.now())
            self.exchanges[version] += 1
        else:
            self.rejected.add(token)
        if fault == "slow response":
            self.run_events()
        # Another process may exchange only after the lease has expired or was deleted with its account.
        was_taken_over = row.refresh_lease_until is None or timezone.now() >= row.refresh_lease_until
        if fault in ("response lost", "crash before the commit") or was_taken_over:
            self.allowed_repeats[version] += 1
        if fault == "response lost":
            raise requests.ReadTimeout
        if fault == "crash before the commit":
            raise Crash
        return response

    def fail(self, fault, adapter, request):
        if fault == "crash before the exchange":
            raise Crash
        if fault == "unreachable":
            reason = urllib3.exceptions.NewConnectionError(None, "refused")
            raise requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", reason))

    def record(self, response):
        body = response.json() if response.ok else {}
        if "refresh_token" in body:
            self.issued_at[body["refresh_token"]] = timezone.now()
        return response


class AccountMachine(RuleBasedStateMachine):
    """What drivers, processes and Smartcar may do with an account, in any order."""

    #: Set by the test.
    user = smartcar = patch = send = None

    def __init__(self):
        super().__init__()
        SmartcarUser.objects.all().delete()
        store.reset()
        self.clock = Clock()
        self.network = network = Network(self.send)
        self.patch.setattr(_refresh_lock, "time", self.clock)
        self.patch.setattr(
            requests.adapters.HTTPAdapter, "send", lambda *args, **kwargs: network(*args, **kwargs)
        )
        self.copies, self.marks, self.version = [], [], 0
        signals.reconnect_required.connect(self.record_mark)

    def teardown(self):
        try:
            self.request_token(SmartcarAccount.objects.get(), tokens.access_token)
        finally:
            signals.reconnect_required.disconnect(self.record_mark)
            self.clock.travel.stop()

    # Invariants.

    def is_valid(self, row, at):
        """Return whether Smartcar would accept the account's refresh token at this time."""
        token = row.refresh_token
        if not token or not self.is_connected:
            return False
        return at < min(self.network.used_at.get(token, at) + GRACE, self.network.issued_at[token] + LIFETIME)

    def record_mark(self, account, **kwargs):
        stored = SmartcarAccount.objects.get()
        is_rejected = stored.refresh_token in self.network.rejected
        self.marks.append((stored.token_version, is_rejected, self.is_valid(stored, timezone.now())))

    @invariant()
    def an_account_is_marked_once_and_only_if_its_newest_token_is_rejected(self):
        assert all(is_rejected and not is_valid for _, is_rejected, is_valid in self.marks)
        assert len(self.marks) == len({version for version, *_ in self.marks})

    @invariant()
    def a_version_is_exchanged_once_unless_a_fault_allows_a_repeat(self):
        for version, number in self.network.exchanges.items():
            assert number <= 1 + self.network.allowed_repeats[version]

    @invariant()
    def the_version_only_increases(self):
        for version in SmartcarAccount.objects.values_list("token_version", flat=True):
            assert version >= self.version
            self.version = version

    def request_token(self, row, call, faults=(), events=()):
        """Request a token with this copy of the account, and check the outcome.

        ``faults`` are those of the exchanges; ``events`` happen during a slow one.
        """
        stored = SmartcarAccount.objects.get()
        free_at = max(timezone.now(), stored.refresh_lease_until or timezone.now())
        # An exchange whose response is lost is retried once. A copy that is marked is not exchanged.
        is_recoverable = (
            list(faults) in ([], ["response lost"], ["bad gateway"]) and not row.needs_reconnecting
        )
        must_succeed = is_recoverable and self.is_valid(stored, free_at + MAX_SLEEP)
        before = self.network.faults, self.network.run_events
        self.network.faults, self.network.run_events = list(faults), partial(self.run, events)
        try:
            token = call(row)
        except Crash:
            assert faults
        except ReconnectRequired:
            assert not must_succeed
            assert row.needs_reconnecting
        except SmartcarException:
            assert {*faults} - {"slow request", "slow response"}, "a slow exchange must not fail"
            assert not must_succeed
            assert SmartcarAccount.objects.get().refresh_lease is None, (
                "only a killed process may leave a lease"
            )
        else:
            if token:
                assert grants.grant_for_token(row.access_token), "Smartcar accepts the token"
            newer = SmartcarAccount.objects.get()
            if newer.token_version > stored.token_version:
                assert newer.refresh_token not in self.network.used_at, "the new token must be stored"
        finally:
            self.network.faults, self.network.run_events = before

    # Rules.

    @rule(call=CALLS, faults=FAULTS, events=EVENTS)
    def a_process_requests_a_token(self, call, faults, events):
        self.request_token(SmartcarAccount.objects.get(), call, faults, events)

    @rule(slow=SLOW, faults=FAULTS, events=EVENTS)
    def events_happen_during_a_slow_exchange(self, slow, faults, events):
        self.request_token(SmartcarAccount.objects.get(), tokens.refresh, [slow, *faults], events)

    @rule()
    def a_process_reads_the_account(self):
        self.copies.append(SmartcarAccount.objects.get())

    @precondition(lambda self: self.copies)
    @rule(number=st.integers(0, 9), call=CALLS, faults=FAULTS, events=EVENTS)
    def a_process_requests_a_token_with_an_older_copy(self, number, call, faults, events):
        self.request_token(self.copies[number % len(self.copies)], call, faults, events)

    @rule(seconds=st.sampled_from([1, 20, 56, 61, 600, 116 * 60, 3 * 3600, 61 * 24 * 3600]))
    def time_passes(self, seconds):
        self.clock.shift(seconds)

    @initialize()
    def the_driver_connects(self):
        self.connect()

    @rule(event=st.sampled_from(["connect", "connect", "disconnect", "revoke"]))
    def the_connection_changes(self, event):
        self.run([event])

    def run(self, events):
        for event in events:
            getattr(self, event)()

    def exchange(self):
        self.request_token(SmartcarAccount.objects.get(), tokens.refresh)

    def wait(self):
        self.clock.shift(GRACE)

    def connect(self):
        url = connect.begin(self.user, session_key="s", redirect_uri=BACK)
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        attempt = _state.consume(state, user=self.user, session_key="s")
        _, code = self.smartcar.consent()
        connect.complete(attempt, Callback(code))
        self.is_connected = True

    def revoke(self):
        self.is_connected = False
        grants.disconnect(store.owners()[0].id)

    def disconnect(self):
        vehicle = SmartcarAccount.objects.get().vehicles.get()
        # A failed disconnect must not fail the exchange during which it happens.
        with contextlib.suppress(SmartcarException):
            if vehicle.disconnected_at is None:
                vehicles.disconnect(vehicle)
                self.is_connected = False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_no_token_is_lost_whatever_happens(smartcar, monkeypatch, anna, request):
    request.getfixturevalue("settings").SMARTCAR_SIMULATOR_GRACE = GRACE.total_seconds()

    class Bound(AccountMachine):
        user, patch, send = anna, monkeypatch, staticmethod(requests.adapters.HTTPAdapter.send)

    Bound.smartcar = smartcar
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=50,
            stateful_step_count=20,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink an example takes minutes
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
