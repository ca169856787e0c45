"""Cars that take longer than a request may: no page waits for them, and none fails."""

import logging
import os
import re
import signal
import subprocess
import time
import uuid
from contextlib import suppress

import pytest
from kombu import Connection, Queue

from django_smartcar.simulator import store

from ..site_processes import wait_until
from .conftest import LOCK, browsing, in_threads, make_slow, workers_of

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]

BROKER = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1")

#: Seconds that a car takes, and seconds after which gunicorn kills a worker.
SHORT, FULL = (20, 10), (60, 30)


def lock_all(site, drivers, onlookers, seconds):
    """Lock all cars at once and follow them; check the pages."""
    everyone = [*drivers, *onlookers]
    is_free = os.getloadavg()[0] < (os.cpu_count() or 1)
    in_threads(lambda driver: driver.request("GET", "/cars/"), everyone)  # each worker has loaded everything
    slowest(everyone)
    in_threads(lambda driver: driver.request("GET", "/cars/"), everyone)
    usual = slowest(everyone)
    make_slow(seconds)
    began = time.monotonic()
    with browsing(onlookers):
        pages = in_threads(lambda driver: driver.follow(driver.lock()), drivers)
    assert time.monotonic() - began > seconds
    found = slowest(everyone)
    logging.info("the slowest page: %.2f s, before the commands %.2f s", found, usual)
    # Where other work keeps the machine busy, every page is slow; but none waits for a car.
    assert found < (1 if is_free else seconds / 4)
    return pages


def slowest(drivers):
    """Return the seconds of the slowest page since the last call; all of them must have succeeded."""
    responses = [response for driver in drivers for response in driver.responses]
    assert {status for status, _, _ in responses} <= {200, 302}
    for driver in drivers:
        driver.responses.clear()
    return max(seconds for _, seconds, _ in responses)


def sentences(page):
    return re.findall(r"<p>(.*?)</p>", page.partition('data-smartcar-part="commands"')[2])


def locks_sent(site, driver):
    """Return how often the driver's car was asked to lock."""
    path = f"/vehicles/{driver.smartcar_vehicle_id}/{LOCK}"
    return sum(method == "POST" and path in asked for method, asked in site.smartcar.requests)


@pytest.mark.parametrize(("seconds", "timeout"), [SHORT, FULL], ids=["short", "full"])
def test_twenty_slow_cars_at_once(site, seconds, timeout):
    drivers = site.make_drivers(24)
    site.serve(timeout)
    pages = lock_all(site, drivers[:20], drivers[20:], seconds)
    assert all("Locked" in sentences(page)[0] for page in pages)
    assert site.statuses() == ["succeeded"] * 20
    assert all(locks_sent(site, driver) == 1 for driver in drivers[:20])
    assert sum(car.is_locked for car in store.cars()) >= 20
    assert "WORKER TIMEOUT" not in site.logs


@pytest.mark.parametrize(
    ("arguments", "number"),
    [((), 1), (("--preload",), 1), (("--worker-class", "gthread", "--threads", "4"), 2)],
    ids=["sync", "preload", "gthread"],
)
def test_workers_are_killed(site, arguments, number):
    """One of two; or both, where one of them may have all commands."""
    drivers = site.make_drivers(12)
    master = site.serve(30, *arguments)
    make_slow(8)
    pages = in_threads(lambda driver: driver.lock(), drivers[:10])
    wait_until(lambda: len(site.smartcar.pending) >= 5)
    for worker in workers_of(master)[:number]:
        os.kill(worker, signal.SIGKILL)
    killed_at = time.monotonic()
    with browsing(drivers[10:]):
        pages = in_threads(lambda pair: pair[0].follow(pair[1]), list(zip(drivers[:10], pages, strict=True)))
    assert time.monotonic() - killed_at < 40
    responses = [response for driver in drivers for response in driver.responses]
    assert {status for status, _, _ in responses} <= {0, 200, 302}, "a connection may break; no error page"
    statuses = site.statuses()
    assert set(statuses) <= {"succeeded", "unknown"}
    assert "unknown" in statuses or number == 1
    assert len(statuses) == 10
    assert all(locks_sent(site, driver) <= 1 for driver in drivers[:10]), "none was sent twice"
    lost = [page for page in pages if "No answer came" in sentences(page)[0]]
    assert len(lost) == statuses.count("unknown")


def test_gunicorn_finishes_the_commands_before_it_stops(site):
    (driver,) = site.make_drivers(1)
    master = site.serve(30)
    make_slow(6)
    driver.lock()
    wait_until(lambda: site.smartcar.pending)
    master.send_signal(signal.SIGTERM)
    assert master.wait(60) == 0
    assert site.statuses() == ["succeeded"]


@pytest.fixture
def queue():
    """Return the name of a new queue of RabbitMQ; it is deleted afterwards."""
    name = f"smartcar-{uuid.uuid4()}"
    try:
        with Connection(BROKER, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1)
    except OSError:
        pytest.skip("there is no RabbitMQ on this machine")
    yield name
    with Connection(BROKER) as connection, suppress(Exception):
        Queue(name)(connection.default_channel).delete()


def test_celery_with_rabbitmq_locks_them(site, settings, queue):
    site.environment["SITE_BROKER_URL"] = BROKER
    site.configure(settings, SMARTCAR_COMMAND_EXECUTION="celery", CELERY_TASK_DEFAULT_QUEUE=queue)
    drivers = site.make_drivers(24)
    site.serve(10)
    worker = ["-m", "celery", "--app", "tests.site_project", "worker", "--pool", "threads"]
    site.start(*worker, "--concurrency", "32", "--without-mingle", "--without-gossip", "--loglevel", "INFO")
    wait_until(lambda: " ready." in site.logs)
    pages = lock_all(site, drivers[:20], drivers[20:], 20)
    assert all("Locked" in sentences(page)[0] for page in pages)
    assert site.statuses() == ["succeeded"] * 20
    assert all(locks_sent(site, driver) == 1 for driver in drivers[:20])


def test_django_tasks_locks_them(site, settings):
    site.configure(settings, SMARTCAR_COMMAND_EXECUTION="tasks")
    drivers = site.make_drivers(4)
    site.serve(10)
    for _ in range(3):
        site.start("-m", "django", "db_worker", "--interval", "0.2", "--no-startup-delay")
    pages = lock_all(site, drivers[:3], drivers[3:], 12)
    assert all("Locked" in sentences(page)[0] for page in pages)
    assert site.statuses() == ["succeeded"] * 3


def test_the_worker_command_locks_them_and_finishes_its_work(site, settings):
    site.configure(settings, SMARTCAR_COMMAND_EXECUTION="command")
    drivers = site.make_drivers(24)
    site.serve(10)
    worker = site.start("-m", "django", "work_smartcar_commands", "--concurrency", "32")
    lock_all(site, drivers[:20], drivers[20:], 12)
    assert site.statuses() == ["succeeded"] * 20
    drivers[20].lock()
    wait_until(lambda: site.smartcar.pending)
    worker.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(1)
    assert worker.wait(30) == 0
    assert site.statuses() == ["succeeded"] * 21
