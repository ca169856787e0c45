"""Commands on a real database: committed before the request, outside the caller's transaction."""

import threading
from contextlib import suppress

import pytest
from django.db import connection, connections, transaction
from django.db.models.signals import post_save

from django_smartcar.exceptions import DuplicateCommand, RateLimited, TransactionNotAllowed
from django_smartcar.models import ConnectedVehicle, RateLimit, SmartcarAccount, VehicleCommand
from django_smartcar.services import _transactions, commands, vehicles
from django_smartcar.simulator import store

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("smartcar", ["2.0"], indirect=True),
]


class RolledBack(Exception):
    """Rolls back the caller's transaction."""


@pytest.fixture
def vehicle(connect_driver):
    yield connect_driver().vehicles[0]
    SmartcarAccount.objects.all().delete()


def call_concurrently(number, act):
    """Call ``act`` in this many threads at once; return each result or exception."""
    barrier, outcomes = threading.Barrier(number), []

    def run():
        barrier.wait()
        try:
            outcomes.append(act())
        except Exception as error:
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_record_survives_the_rollback_of_the_callers_transaction(vehicle, anna):
    with suppress(RolledBack), transaction.atomic():
        assert ConnectedVehicle.objects.count() == 1
        commands.send(vehicle, "lock", actor=anna)
        raise RolledBack
    row = VehicleCommand.objects.get()
    assert (row.status, row.actor) == ("succeeded", anna)


def test_the_record_is_committed_before_the_request(vehicle, smartcar):
    seen = []

    def read_statuses():
        seen.extend(VehicleCommand.objects.values_list("status", flat=True))

    smartcar.delay("security", 0.5)
    with transaction.atomic():
        timer = threading.Timer(0.3, lambda: (read_statuses(), connections.close_all()))
        timer.start()
        commands.send(vehicle, "lock")
        timer.join()
    assert seen == ["pending"]


def test_a_blocking_transaction_is_refused_before_the_request(vehicle, monkeypatch):
    monkeypatch.setattr(_transactions, "LOCK_WAIT", 1)
    with transaction.atomic():
        vehicle.pk = None
        vehicle.smartcar_vehicle_id = "not committed"
        vehicle.save()
        with pytest.raises(TransactionNotAllowed, match="Commit first"):
            commands.send(vehicle, "lock")
    assert store.counters["commands"] == 0
    assert not VehicleCommand.objects.exists()


def test_an_unrelated_write_blocks_only_on_sqlite(vehicle, anna, bert, monkeypatch):
    monkeypatch.setattr(_transactions, "LOCK_WAIT", 1)
    refused = connection.vendor == "sqlite"
    with suppress(TransactionNotAllowed), transaction.atomic():
        bert.first_name = "Albert"
        bert.save()
        commands.send(vehicle, "lock", actor=anna)
    assert store.counters["commands"] == (0 if refused else 1)


def test_one_of_twenty_concurrent_identical_commands_is_sent(vehicle):
    outcomes = call_concurrently(20, lambda: commands.send(ConnectedVehicle.objects.get(), "lock"))
    assert sum(isinstance(outcome, VehicleCommand) for outcome in outcomes) == 1, outcomes
    (first,) = [outcome for outcome in outcomes if isinstance(outcome, VehicleCommand)]
    others = [outcome for outcome in outcomes if outcome is not first]
    assert {type(error) for error in others} == {DuplicateCommand}, others
    assert {error.command_id for error in others} == {first.pk}
    assert store.counters["commands"] == 1
    assert VehicleCommand.objects.count() == 1


def test_commands_to_many_vehicles_run_in_parallel_and_each_has_a_result(
    connect_driver, smartcar, settings, anna
):
    settings.SMARTCAR_COMMANDS_AT_ONCE = 3
    fleet = connect_driver("3-vehicles@smartcar.com").vehicles
    with store.changes():
        for car in store.cars():
            car.latencies["*"] = 2
        store.cars()[0].fault = "VEHICLE_STATE:DOOR_OPEN"
    seen = []
    watcher = threading.Thread(
        target=lambda: seen.append(smartcar.wait_until(lambda: len(smartcar.pending) == 3))
    )
    watcher.start()
    outcomes = list(commands.send_many(fleet, "lock", actor=anna))
    watcher.join()
    assert seen, "three requests must be in progress at once"
    assert [result.row for result in outcomes] == fleet
    assert sorted(type(result.error).__name__ for result in outcomes) == [
        "NoneType",
        "NoneType",
        "StateException",
    ]
    # The one that renews leases ends at its next turn.
    smartcar.wait_until(
        lambda: not any(thread.name.startswith("smartcar") for thread in threading.enumerate())
    )
    SmartcarAccount.objects.all().delete()


def test_a_hundred_threads_that_read_one_rate_limited_car_make_one_request(vehicle, smartcar):
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    before = len(smartcar.requests)
    outcomes = call_concurrently(100, lambda: vehicles.odometer(ConnectedVehicle.objects.get()))
    assert {type(outcome) for outcome in outcomes} == {RateLimited}, outcomes
    assert len(smartcar.requests) - before == 1


def test_a_rate_limit_survives_a_rollback_and_counting_takes_no_lock(vehicle, smartcar):
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    with suppress(RolledBack), transaction.atomic():
        with pytest.raises(RateLimited):
            vehicles.odometer(vehicle)
        raise RolledBack
    assert RateLimit.objects.get().blocked_until is not None
    with pytest.raises(RateLimited):
        commands.send(vehicle, "lock")


def test_requests_of_many_threads_are_all_counted(vehicle):
    RateLimit.objects.all().delete()  # connecting has sent requests, too
    call_concurrently(8, lambda: vehicles.odometer(ConnectedVehicle.objects.get()))
    assert RateLimit.objects.get().requests == 8


def test_no_record_stays_if_a_receiver_of_the_site_rejects_it(vehicle, anna):
    def reject(**kwargs):
        raise ValueError("not at night")

    post_save.connect(reject, sender=VehicleCommand)
    try:
        with pytest.raises(ValueError, match="not at night"):
            commands.send(vehicle, "lock", actor=anna)
    finally:
        post_save.disconnect(reject, sender=VehicleCommand)
    assert not VehicleCommand.objects.exists()
