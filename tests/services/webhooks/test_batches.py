"""Batches of events: few statements, and no event is worse off for the others in its batch."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_smartcar import signals
from django_smartcar.models import ConnectedVehicle, VehicleProblem, WebhookEvent
from django_smartcar.services import _leases, webhooks
from django_smartcar.services.webhooks import _batches, _queue, _receivers, _waiting
from tests.webhooks import TOKEN, error, event, location, odometer, post, signal

pytestmark = pytest.mark.django_db(transaction=True)
NOON = 1_790_000_000


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"


@pytest.fixture
def send(client):
    def send_(*payloads):
        for payload in payloads:
            assert post(client, payload).status_code == 200

    return send_


@pytest.fixture
def cars(account, make_vehicle):
    """Connect a hundred cars."""
    return [make_vehicle(account, f"car-{number}") for number in range(100)]


@pytest.fixture
def called():
    """Connect a receiver; return the ids of the events that it was called for."""
    calls = []

    def receive(event, **named):
        calls.append(event.event_id)

    signals.webhook_received.connect(receive)
    yield calls
    signals.webhook_received.disconnect(receive)


@pytest.fixture
def receiver():
    """Return a function that connects a receiver until the end of the test."""
    connected = []

    def connect(function):
        signals.webhook_received.connect(function)
        connected.append(function)

    yield connect
    for function in connected:
        signals.webhook_received.disconnect(function)


def full_event(number, **options):
    """Return an event with fourteen signals."""
    at = NOON + number
    return event(
        odometer(100 + number / 1000, at),
        location(48, 11, at),
        signal("tractionbattery-stateofcharge", 50, at, "percent"),
        signal("tractionbattery-range", 200, at, "km"),
        signal("charge-ischargingcableconnected", True, at),
        signal("charge-detailedchargingstatus", "CHARGING", at),
        signal("charge-chargelimits", {"activeLimit": 80, "unit": "percent"}, at),
        signal("charge-ischargingportflapopen", True, at),
        signal("charge-ischarging", True, at),
        signal("closure-islocked", True, at),
        signal("internalcombustionengine-fuellevel", 40, at, "percent"),
        signal("internalcombustionengine-range", 300, at, "km"),
        signal("internalcombustionengine-amountremaining", 20, at, "l"),
        signal("internalcombustionengine-oillife", 60, at, "percent"),
        **options,
    )


def states():
    return sorted(WebhookEvent.objects.values_list("event_id", "state"))


def refusing(words):
    """Let the database refuse each INSERT of a value with these words."""

    def refuse(execute, sql, params, many, context):
        if sql.startswith("INSERT") and words in str(params):
            raise OperationalError("refused")
        return execute(sql, params, many, context)

    return connection.execute_wrapper(refuse)


def odometer_of(car):
    state = car.signals.get("odometer")
    return state and state.value


# Statements.


@pytest.mark.parametrize("has_receiver", [False, True])
@pytest.mark.parametrize(("number", "maximum"), [(1, 21), (50, 3 * 50)])
def test_the_statements_of_a_batch(send, cars, request, number, maximum, has_receiver):
    """On PostgreSQL there are fewer, as an INSERT may have more rows there."""
    if has_receiver:
        request.getfixturevalue("called")
    ConnectedVehicle.objects.update(
        permissions=[f"read_{name}" for name in ("odometer", "location", "battery", "charge", "security")]
        + ["read_fuel", "read_engine_oil"]
    )
    send(*(full_event(n, car=f"car-{n}") for n in range(number)))
    _waiting.sweep()
    with CaptureQueriesContext(connection) as queries:
        assert _queue.process_due() == number
    statements = [query["sql"] for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert {state for _, state in states()} == {"processed"}
    assert len(statements) <= maximum, "\n".join(sql[:100] for sql in statements)
    savepoints = [sql for sql in statements if "SAVEPOINT" in sql]
    assert len(savepoints) == 2 + 2 * number * has_receiver
    # The number of all others depends on how many rows a statement may have, and on nothing else.
    assert len(statements) - len(savepoints) <= 16 + number * 14 * 2 // 99


def test_a_batch_locks_its_vehicles_once_in_the_order_of_their_keys(send, cars):
    """With the weaker lock of PostgreSQL; MariaDB has none, and SQLite locks no rows."""
    lock = {"postgresql": " FOR NO KEY UPDATE", "mysql": " FOR UPDATE"}.get(connection.vendor)
    send(*(full_event(n, car=f"car-{n}") for n in range(3)))
    _waiting.sweep()
    with CaptureQueriesContext(connection) as queries:
        assert _queue.process_due() == 3
    statements = [query["sql"].replace("`", '"') for query in queries]
    loads = [n for n, sql in enumerate(statements) if 'FROM "smartcar_vehiclesignal"' in sql]
    locks = [n for n, sql in enumerate(statements) if sql.startswith("SELECT") and " FOR " in sql]
    ours = [n for n in locks if 'FROM "smartcar_connectedvehicle"' in statements[n]]
    assert len(ours) == bool(lock)
    assert all(statements[n].endswith(f'ORDER BY "smartcar_connectedvehicle"."id" ASC{lock}') for n in ours)
    assert len(loads) == 1
    assert all(n < loads[0] for n in ours)


def test_problems_of_many_vehicles_take_as_many_statements_as_those_of_one(send, cars):
    def statements(*payloads):
        send(*payloads)
        _waiting.sweep()
        with CaptureQueriesContext(connection) as queries:
            _queue.process_due()
        return len(queries)

    one = statements(error(sequence=1, car="car-99"))
    assert statements(*(error(sequence=1, car=f"car-{n}") for n in range(20))) == one
    assert ConnectedVehicle.objects.exclude(reauthentication_required_at=None).count() == 21
    resolved = statements(error("RESOLVED", sequence=2, car="car-99"))
    assert statements(*(error("RESOLVED", sequence=2, car=f"car-{n}") for n in range(20))) == resolved
    assert not ConnectedVehicle.objects.exclude(reauthentication_required_at=None).exists()


def test_waiting_events_are_not_looked_at_for_each_event(send, vehicle):
    _waiting.sweep()
    send(event())
    with CaptureQueriesContext(connection) as queries:
        assert _queue.process_due() == 1
    assert not [query for query in queries if "EXISTS" in query["sql"] or "waiting" in query["sql"]]


# One car in a batch.


@pytest.mark.parametrize("seed", range(5))
def test_the_newest_values_win_in_a_batch_of_shuffled_and_doubled_events(send, vehicle, seed):
    events = [
        event(
            odometer(n / 10, NOON + n // 2),  # two of each time, so that the sequence decides
            location(n / 1e3, -n / 1e3, NOON - n),
            sequence=n,
            event_id=f"event-{n}",
        )
        for n in range(1, 41)
    ]
    deliveries = events + events[::3]
    random.Random(seed).shuffle(deliveries)  # noqa: S311 (reproducible)
    send(*deliveries)
    assert _queue.process_due() == 40
    latest = vehicle.signals
    assert latest["odometer"].value == 4
    assert latest["odometer"].recorded_at == datetime.fromtimestamp(NOON + 20, UTC)
    assert latest["location"].value == {"latitude": 0.001, "longitude": -0.001}
    assert set(latest) == {"odometer", "location"}
    moments = [*vehicle.readings.values_list("signal", "recorded_at")]
    assert len(moments) == len(set(moments)) == 21 + 40


def test_an_outlier_is_confirmed_by_a_later_event_of_the_same_batch(send, vehicle):
    send(*(event(odometer(value, NOON + n)) for n, value in enumerate([100, 90_000, 90_001])))
    assert _queue.process_due() == 3
    assert odometer_of(vehicle) == 90_001
    assert list(vehicle.readings.filter(is_outlier=True).values_list("value", flat=True)) == [90_000]


def test_problems_of_one_car_are_applied_in_the_order_of_their_sequence(send, vehicle):
    send(error(sequence=1), error("RESOLVED", sequence=4), error(sequence=3), error(code="B", sequence=2))
    assert _queue.process_due() == 4
    assert [row.is_open for row in VehicleProblem.objects.order_by("code")] == [False, True]
    vehicle.refresh_from_db()
    assert vehicle.needs_reauthentication
    send(error("RESOLVED", code="B", sequence=5))
    _queue.process_due()
    vehicle.refresh_from_db()
    assert not vehicle.needs_reauthentication


def test_a_receiver_gets_the_vehicle_as_the_receivers_of_earlier_events_left_it(send, vehicle, receiver):
    def count(vehicle, **named):
        ConnectedVehicle.objects.filter(pk=vehicle.pk).update(year=vehicle.year + 1)

    receiver(count)
    send(*(event() for _ in range(5)))
    assert _queue.process_due() == 5
    vehicle.refresh_from_db()
    assert vehicle.year == 2026


def test_a_receiver_gets_only_what_is_about_its_own_vehicle(send, cars, receiver):
    updates = []

    def receive(vehicle, update, **named):
        updates.append((vehicle.smartcar_vehicle_id, update.vehicle_id))

    receiver(receive)
    content = {"vehicles": [{"vehicleId": "car-1"}], "vehicleId": "car-2", "eventType": "CHARGING_STARTED"}
    send({"version": "2.0", "webhookId": "h", "eventName": "CHARGING_STARTED", "payload": content})
    assert _queue.process_due() == 1
    assert updates == [("car-1", "car-1")]


# One bad event among good ones.


def test_a_poisoned_event_does_not_stop_ninety_nine_good_ones(send, cars, called):
    send(*(event(odometer(n + 0.5, NOON), car=f"car-{n}", event_id=f"e{n:02}") for n in range(100)))
    with refusing("66.5"):
        assert _queue.process_due() == 100
    assert [name for name, state in states() if state != "processed"] == ["e66"]
    bad = WebhookEvent.objects.get(event_id="e66")
    assert (bad.state, bad.attempts, bad.is_applied) == ("failed", 1, False)
    assert bad.last_error.startswith("saving the event: OperationalError at ")
    assert [odometer_of(car) for car in cars] == [n + 0.5 if n != 66 else None for n in range(100)]
    assert sorted(called) == [f"e{n:02}" for n in range(100) if n != 66]
    WebhookEvent.objects.filter(event_id="e66").update(next_attempt_at=timezone.now())
    assert _queue.process_due() == 1
    assert (odometer_of(cars[66]), called[-1]) == (66.5, "e66")


@pytest.mark.parametrize("payload", ["not JSON", "", "[]", "smartcar-siv-zlib:broken"])
def test_an_unreadable_event_does_not_stop_the_others(send, cars, payload):
    send(*(event(odometer(n + 1, NOON), car=f"car-{n}", event_id=f"e{n}") for n in range(3)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smartcar_webhookevent SET payload = %s WHERE event_id = 'e1'", [payload])
    assert _queue.process_due() == 3
    found = dict(states())
    assert (found["e0"], found["e2"]) == ("processed", "processed")
    assert found["e1"] == ("failed" if "siv" in payload else "processed")


def test_a_receiver_that_raises_fails_its_own_event_only(send, cars, receiver):
    def receive(event, vehicle, **named):
        ConnectedVehicle.objects.filter(pk=vehicle.pk).update(model="told")
        if event.event_id in ("e1", "e3"):
            raise ValueError

    receiver(receive)
    send(*(event(odometer(n + 1, NOON), car=f"car-{n}", event_id=f"e{n}") for n in range(5)))
    assert _queue.process_due() == 5
    assert [state for _, state in states()] == ["processed", "failed", "processed", "failed", "processed"]
    told = ConnectedVehicle.objects.filter(model="told").values_list("smartcar_vehicle_id", flat=True)
    assert sorted(told) == ["car-0", "car-2", "car-4"]
    assert [odometer_of(car) for car in cars[:5]] == [1, 2, 3, 4, 5]
    assert set(WebhookEvent.objects.values_list("attempts", "lease")) == {(1, None)}


def test_an_event_that_kills_its_workers_takes_no_other_event_with_it(send, cars):
    send(*(event(odometer(n + 1, NOON), car=f"car-{n}", event_id=f"e{n}") for n in range(5)))
    for _ in range(30):
        leased = _queue.lease_batch()
        if leased is None:
            break
        events, lease = leased
        if "e3" in [row.event_id for row in events] and events[0].attempts <= len(_batches.RETRY_DELAYS) + 1:
            WebhookEvent.objects.exclude(lease=None).update(next_attempt_at=timezone.now())  # killed
        else:
            _batches.process(events, lease, bool)
    assert [state for _, state in states()] == ["processed", "processed", "processed", "dead", "processed"]
    assert list(WebhookEvent.objects.order_by("event_id").values_list("attempts", flat=True)) == [
        2, 2, 2, len(_batches.RETRY_DELAYS) + 2, 2,
    ]  # fmt: skip


# Leases.


def test_events_that_another_worker_has_taken_over_are_left_to_it(send, cars, called):
    send(*(event(odometer(n + 1, NOON), car=f"car-{n}", event_id=f"e{n}") for n in range(4)))
    events, lease = _queue.lease_batch()
    other = uuid4()
    WebhookEvent.objects.filter(event_id="e1").update(lease=other)
    WebhookEvent.objects.filter(event_id="e2").update(lease=None, state="processed", next_attempt_at=None)
    _batches.process(events, lease, bool)
    assert called == ["e0", "e3"]
    assert WebhookEvent.objects.get(event_id="e1").lease == other
    assert [odometer_of(car) for car in cars[:4]] == [1, None, None, 4]


def test_events_that_another_worker_takes_at_the_same_time_are_left_to_it(send, cars):
    """Where a row that another worker has locked cannot be skipped."""
    if connection.features.has_select_for_update_skip_locked:
        pytest.skip("the database can skip locked rows")
    send(*(event(car=f"car-{n}", event_id=f"e{n}") for n in range(3)))
    taken = []

    def take(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not taken:
            taken.append(uuid4())
            due_at = timezone.now() + _leases.DURATION
            WebhookEvent.objects.filter(event_id="e1").update(lease=taken[0], next_attempt_at=due_at)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(take):
        events, _lease = _queue.lease_batch()
    assert [(row.event_id, row.attempts) for row in events] == [("e0", 1), ("e2", 1)]
    assert WebhookEvent.objects.get(event_id="e1").lease == taken[0]


def test_a_batch_is_limited_and_takes_the_longest_due_first(send, cars, monkeypatch):
    monkeypatch.setattr(_queue, "BATCH", 3)
    send(*(event(car=f"car-{n}", event_id=f"e{n}") for n in range(5)))
    for number, late in enumerate([3, 1, 4, 0, 2]):
        due_at = timezone.now() - timedelta(minutes=late)
        WebhookEvent.objects.filter(event_id=f"e{number}").update(next_attempt_at=due_at)
    events, _lease = _queue.lease_batch()
    assert sorted(row.event_id for row in events) == ["e0", "e2", "e4"]
    events, _lease = _queue.lease_batch()
    assert sorted(row.event_id for row in events) == ["e1", "e3"]
    assert _queue.lease_batch() is None


def test_a_worker_that_is_stopped_gives_the_rest_of_its_events_back(send, cars, called):
    send(*(event(odometer(n + 1, NOON), car=f"car-{n}", event_id=f"e{n}") for n in range(5)))
    assert _queue.process_due(should_stop=lambda: len(called) >= 2) == 2
    assert called == ["e0", "e1"]
    rest = WebhookEvent.objects.filter(event_id__in=["e2", "e3", "e4"])
    assert set(rest.values_list("state", "attempts", "lease", "is_applied")) == {("received", 0, None, True)}
    assert _queue.process_due() == 3
    assert called == [f"e{n}" for n in range(5)]
    assert set(WebhookEvent.objects.values_list("state", "attempts")) == {("processed", 1)}


def test_slow_receivers_share_no_transaction(send, cars, called, monkeypatch):
    monkeypatch.setattr(_receivers, "MAX_SECONDS", 0)
    send(*(event(odometer(n + 1, NOON), car=f"car-{n}", event_id=f"e{n}") for n in range(4)))
    with CaptureQueriesContext(connection) as queries:
        assert _queue.process_due() == 4
    assert len([query for query in queries if '"processed_at" =' in query["sql"]]) == 4
    assert len([query for query in queries if '"last_seen_at" =' in query["sql"]]) == 1  # saved once
    assert called == [f"e{n}" for n in range(4)]
    assert set(WebhookEvent.objects.values_list("state", "attempts")) == {("processed", 1)}


def test_the_time_of_a_request_ends_after_one_transaction(send, cars, called, monkeypatch):
    monkeypatch.setattr(_receivers, "MAX_SECONDS", 0)
    send(*(event(odometer(n + 1, NOON), car=f"car-{n}", event_id=f"e{n}") for n in range(4)))
    assert webhooks.process_due(seconds=0) == 1
    assert called == ["e0"]
    assert [state for _, state in states()] == ["processed", "received", "received", "received"]
    assert WebhookEvent.objects.exclude(lease=None).count() == 0
