"""Commands in threads on a real database: nobody waits for them, and their number is bounded."""

import threading
import time
from contextlib import suppress

import pytest
from django.db import transaction

from django_smartcar.models import SmartcarAccount, VehicleCommand
from django_smartcar.services import commands
from django_smartcar.services.commands import _executors
from django_smartcar.services.commands._threads import Pool
from django_smartcar.simulator import store

from ...site_processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class RolledBack(Exception):
    """Rolls back the caller's transaction."""


@pytest.fixture
def fleet(connect_driver):
    yield connect_driver("3-vehicles@smartcar.com").vehicles
    wait_until(lambda: _executors.pool.is_idle)
    SmartcarAccount.objects.all().delete()


def statuses():
    return list(VehicleCommand.objects.order_by("pk").values_list("status", flat=True))


def make_slow(seconds):
    with store.changes():
        for car in store.cars():
            car.latencies["*"] = seconds


def test_nobody_waits_for_the_car(fleet):
    make_slow(1.5)
    began = time.monotonic()
    commands.enqueue(fleet[0], "lock")
    assert time.monotonic() - began < 1
    assert statuses() in (["queued"], ["pending"])
    wait_until(lambda: statuses() == ["succeeded"])
    assert time.monotonic() - began > 1.5
    wait_until(lambda: _executors.pool.is_idle)


def test_more_commands_than_threads_wait_in_the_database(fleet, settings, smartcar):
    settings.SMARTCAR_COMMAND_THREADS = 2
    make_slow(1)
    for car in fleet:
        commands.enqueue(car, "lock")
    wait_until(lambda: len(smartcar.pending) == 2)
    assert statuses() == ["pending", "pending", "queued"]
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("smartcar-commands") == 2
    wait_until(lambda: statuses() == ["succeeded"] * 3)
    assert store.counters["commands"] == 3


def test_what_waits_behind_a_command_of_the_same_car_follows_it(fleet, smartcar):
    make_slow(1)
    commands.enqueue(fleet[0], "lock")
    wait_until(lambda: statuses() == ["pending"])
    commands.enqueue(fleet[0], "unlock")
    wait_until(lambda: statuses() == ["succeeded", "succeeded"])
    first, second = VehicleCommand.objects.order_by("pk")
    assert first.finished_at <= second.sent_at


def test_a_living_process_keeps_its_command(fleet):
    make_slow(8)
    commands.enqueue(fleet[0], "lock")
    for _ in range(10):
        time.sleep(0.7)
        assert commands.expire_pending() == 0
    wait_until(lambda: statuses() == ["succeeded"])


def test_a_rolled_back_request_sends_nothing(fleet):
    with suppress(RolledBack), transaction.atomic():
        commands.enqueue(fleet[0], "lock")
        raise RolledBack
    assert statuses() == []
    assert _executors.pool.is_idle
    with transaction.atomic():
        commands.enqueue(fleet[0], "lock")
        assert _executors.pool.is_idle
    wait_until(lambda: statuses() == ["succeeded"])


def test_a_queued_command_of_a_dead_process_is_sent_by_whoever_comes_next(fleet, settings):
    settings.SMARTCAR_COMMAND_EXECUTION = "command"
    commands.enqueue(fleet[0], "lock")
    settings.SMARTCAR_COMMAND_EXECUTION = "thread"
    commands.expire_pending()
    wait_until(lambda: statuses() == ["succeeded"])


def test_a_pool_that_is_drained_finishes_what_it_does_and_takes_no_more():
    begun, done, release = threading.Event(), [], threading.Event()

    def work():
        begun.set()
        release.wait(10)
        done.append(1)
        return True

    pool = Pool()
    pool.wake(work, 2)
    begun.wait(10)
    assert not pool.drain(0.1)
    release.set()
    assert pool.drain(10)
    pool.wake(work, 2)
    assert (len(done), pool.is_idle) == (1, True)


def test_no_wake_up_is_lost():
    """A command that comes while all threads are about to end is taken by one of them."""
    queue, taken, lock = [], [], threading.Lock()

    def work():
        with lock:
            if not queue:
                return False
            taken.append(queue.pop())
            return True

    pool = Pool()
    for number in range(2000):
        with lock:
            queue.append(number)
        pool.wake(work, 1)
    wait_until(lambda: pool.is_idle)
    assert sorted(taken) == list(range(2000))
