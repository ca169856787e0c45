"""One account, driven by chance: callers, crashes, the clock and Smartcar's faults, beside a model of it.

Everything is real but the clock, and the wire, which is broken on purpose. The model is what Smartcar was
seen to answer: when it gave a refresh token, when that was first used, how often a version was exchanged.
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

#: As short as Smartcar's pages have ever said that it is.
GRACE = timedelta(seconds=60)
LIFE = timedelta(days=60)

#: How far the clock may go while a caller sleeps once.
NAP = timedelta(seconds=3)

CALLS = st.sampled_from([tokens.access_token, tokens.refresh])

SLOW = st.sampled_from(["slow to arrive", "slow to answer"])
FAULT = st.sampled_from(
    [
        "unreachable",
        "rate limited",
        "bad gateway",
        "answer lost",
        "crash before the exchange",
        "crash before the commit",
    ]
)

#: What comes over one exchange after the other.
FAULTS = st.lists(FAULT | SLOW, max_size=2)

#: What happens to the account meanwhile, where the wire is slow.
EVENTS = st.lists(st.sampled_from(["exchange", "wait", "connect", "disconnect"]), min_size=1, max_size=3)


class Crash(BaseException):
    """The process ends here: nothing of the app's catches it."""


class Clock:
    """Everybody's time. Who sleeps moves it, twenty times as far as they wanted, so as to wake less often."""

    def __init__(self):
        self.travel = time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False)
        self.shift = self.travel.start().shift

    def sleep(self, seconds):
        self.shift(seconds * 20)

    def monotonic(self):
        return timezone.now().timestamp()


class Wire:
    """Notes every exchange that Smartcar answers, and has the faults that it is told to have."""

    def __init__(self, send):
        self.send = send
        self.faults, self.meanwhile = [], None
        self.given_at, self.used_at, self.refused = {}, {}, set()
        #: By the version of the row as the exchange found it.
        self.answers, self.excuses = Counter(), Counter()

    def __call__(self, adapter, request, **options):
        form = parse_qs(request.body.decode()) if isinstance(request.body, bytes) else {}
        if "refresh_token" in form:
            return self.exchange(form["refresh_token"][0], adapter, request, **options)
        return self.note(self.send(adapter, request, **options))

    def exchange(self, token, adapter, request, **options):
        fault = self.faults.pop(0) if self.faults else None
        row = SmartcarAccount.objects.get()
        version = row.token_version
        self.fail(fault, adapter, request)
        if fault in ("rate limited", "bad gateway"):
            raw = urllib3.HTTPResponse(io.BytesIO(), status=429 if fault == "rate limited" else 502)
            return adapter.build_response(request, raw)
        if fault == "slow to arrive":
            self.meanwhile()
        answer = self.note(self.send(adapter, request, **options))
        if answer.ok:
            self.used_at.setdefault(token, timezone.now())
            self.answers[version] += 1
        else:
            self.refused.add(token)
        if fault == "slow to answer":
            self.meanwhile()
        # Nobody else may have begun before the lease on it had ended, or was wiped with a forgotten account.
        was_taken_over = row.refresh_lease_until is None or timezone.now() >= row.refresh_lease_until
        if fault in ("answer lost", "crash before the commit") or was_taken_over:
            self.excuses[version] += 1
        if fault == "answer lost":
            raise requests.ReadTimeout
        if fault == "crash before the commit":
            raise Crash
        return answer

    def fail(self, fault, adapter, request):
        if fault == "crash before the exchange":
            raise Crash
        if fault == "unreachable":
            reason = urllib3.exceptions.NewConnectionError(None, "refused")
            raise requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", reason))

    def note(self, answer):
        body = answer.json() if answer.ok else {}
        if "refresh_token" in body:
            self.given_at[body["refresh_token"]] = timezone.now()
        return answer


class Account(RuleBasedStateMachine):
    """What people, processes, time and Smartcar may do, in any order."""

    #: Set by the test.
    user = smartcar = patch = send = None

    def __init__(self):
        super().__init__()
        SmartcarUser.objects.all().delete()
        store.reset()
        self.clock = Clock()
        self.wire = wire = Wire(self.send)
        self.patch.setattr(_refresh_lock, "time", self.clock)
        self.patch.setattr(
            requests.adapters.HTTPAdapter, "send", lambda *args, **kwargs: wire(*args, **kwargs)
        )
        self.copies, self.marks, self.version = [], [], 0
        signals.reconnect_required.connect(self.note_mark)

    def teardown(self):
        try:
            self.ask(SmartcarAccount.objects.get(), tokens.access_token)
        finally:
            signals.reconnect_required.disconnect(self.note_mark)
            self.clock.travel.stop()

    # What must hold.

    def is_alive(self, row, asked_at):
        """Whether Smartcar takes the row's refresh token at this moment."""
        token = row.refresh_token
        if not token or not self.is_connected:
            return False
        return asked_at < min(
            self.wire.used_at.get(token, asked_at) + GRACE, self.wire.given_at[token] + LIFE
        )

    def note_mark(self, account, **kwargs):
        stored = SmartcarAccount.objects.get()
        is_refused = stored.refresh_token in self.wire.refused
        self.marks.append((stored.token_version, is_refused, self.is_alive(stored, timezone.now())))

    @invariant()
    def marked_once_and_only_when_smartcar_says_that_the_newest_token_is_dead(self):
        assert all(is_refused and not is_alive for _, is_refused, is_alive in self.marks)
        assert len(self.marks) == len({version for version, *_ in self.marks})

    @invariant()
    def exchanged_once_unless_something_came_between(self):
        assert all(number <= 1 + self.wire.excuses[version] for version, number in self.wire.answers.items())

    @invariant()
    def the_version_only_grows(self):
        for version in SmartcarAccount.objects.values_list("token_version", flat=True):
            assert version >= self.version
            self.version = version

    def ask(self, row, call, faults=(), events=()):
        """Somebody who holds this copy of the row asks for a token, or a new one; what must come of that.

        The events are those of the meanwhile, where the wire is slow.
        """
        stored = SmartcarAccount.objects.get()
        free_at = max(timezone.now(), stored.refresh_lease_until or timezone.now())
        # One answer that is lost is asked for again. A copy that says that it is dead is believed.
        is_fair = list(faults) in ([], ["answer lost"], ["bad gateway"]) and not row.needs_reconnecting
        must_work = is_fair and self.is_alive(stored, free_at + NAP)
        before = self.wire.faults, self.wire.meanwhile
        self.wire.faults, self.wire.meanwhile = list(faults), partial(self.happen, events)
        try:
            got = call(row)
        except Crash:
            assert faults
        except ReconnectRequired:
            assert not must_work
            assert row.needs_reconnecting
        except SmartcarException:
            assert {*faults} - {"slow to arrive", "slow to answer"}, (
                "whoever is late gets what the others got"
            )
            assert not must_work
            assert SmartcarAccount.objects.get().refresh_lease is None, "only who died leaves one behind"
        else:
            if got:
                assert grants.grant_for_token(row.access_token), "Smartcar takes it"
            newer = SmartcarAccount.objects.get()
            if newer.token_version > stored.token_version:
                assert newer.refresh_token not in self.wire.used_at, "it is the new one that is kept"
        finally:
            self.wire.faults, self.wire.meanwhile = before

    # What happens.

    @rule(call=CALLS, faults=FAULTS, events=EVENTS)
    def somebody_asks(self, call, faults, events):
        self.ask(SmartcarAccount.objects.get(), call, faults, events)

    @rule(slow=SLOW, faults=FAULTS, events=EVENTS)
    def much_happens_during_an_exchange(self, slow, faults, events):
        self.ask(SmartcarAccount.objects.get(), tokens.refresh, [slow, *faults], events)

    @rule()
    def somebody_reads_the_row(self):
        self.copies.append(SmartcarAccount.objects.get())

    @precondition(lambda self: self.copies)
    @rule(number=st.integers(0, 9), call=CALLS, faults=FAULTS, events=EVENTS)
    def somebody_asks_who_read_the_row_earlier(self, number, call, faults, events):
        self.ask(self.copies[number % len(self.copies)], call, faults, events)

    @rule(seconds=st.sampled_from([1, 20, 56, 61, 600, 116 * 60, 3 * 3600, 61 * 24 * 3600]))
    def time_passes(self, seconds):
        self.clock.shift(seconds)

    @initialize()
    def the_driver_connects(self):
        self.connect()

    @rule(event=st.sampled_from(["connect", "connect", "disconnect", "revoke"]))
    def the_driver_does_something(self, event):
        self.happen([event])

    def happen(self, events):
        for event in events:
            getattr(self, event)()

    def exchange(self):
        self.ask(SmartcarAccount.objects.get(), tokens.refresh)

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
        # That it fails is the business of who asked, not of the exchange that it happens during.
        with contextlib.suppress(SmartcarException):
            if vehicle.disconnected_at is None:
                vehicles.disconnect(vehicle)
                self.is_connected = False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_no_token_is_lost_whatever_happens(smartcar, monkeypatch, anna, request):
    request.getfixturevalue("settings").SMARTCAR_SIMULATOR_GRACE = GRACE.total_seconds()

    class Bound(Account):
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
