"""Tasks enqueued with ``--enqueue``, run by real workers."""

import ast
import json
import re
import subprocess
import sys

import pytest

from ..site_processes import CONNECT, ROOT, finished, wait_until

#: How each worker is started, and what it logs when a task is done.
WORKERS = {
    "tasks": (("-m", "django", "db_worker", "--interval", "0.1", "--no-startup-delay"), "state=SUCCESSFUL"),
    "celery": (
        ("-m", "celery", "--app", "tests.site_project", "worker", "--pool", "solo", "--loglevel", "INFO"),
        " succeeded in ",
    ),
}

PAGE = (ROOT / "docs" / "howto" / "workers.rst").read_text()
BEAT = ast.literal_eval(re.search(r"CELERY_BEAT_SCHEDULE = (\{.*?\n {4}\})", PAGE, re.DOTALL)[1])


@pytest.fixture(params=WORKERS)
def engine(request):
    return request.param


@pytest.fixture
def worker(site_in_processes, engine, tmp_path):
    """Return a function that runs a worker until this many tasks are done, and returns its log."""

    def work(number):
        arguments, done = WORKERS[engine]
        with (tmp_path / "log").open("w+") as log:
            process = site_in_processes.start(*arguments, stdout=log)
            try:
                wait_until(lambda: (tmp_path / "log").read_text().count(done) == number)
                process.terminate()
                assert process.wait(60) == 0
            finally:
                process.kill()
        return (tmp_path / "log").read_text()

    return work


def enqueue(site_in_processes, engine, *arguments):
    *_, summary = finished(site_in_processes.refresh("--enqueue", engine, "--json", *arguments))
    return json.loads(summary)["summary"]


def test_a_worker_refreshes_each_token_once_even_if_it_is_enqueued_twice(
    site_in_processes, server, engine, worker
):
    site_in_processes.make_accounts(5)
    for _ in range(2):
        assert enqueue(site_in_processes, engine)["enqueued"] == 5
    log = worker(10)
    assert site_in_processes.unrefreshed == 0
    assert len(server.request_times) == 5
    assert "access-" not in log
    assert "refresh-" not in log


def test_enqueue_exchanges_no_token_itself(site_in_processes, server, engine):
    site_in_processes.make_accounts(5)
    assert enqueue(site_in_processes, engine, "--limit", "3")["enqueued"] == 3
    assert site_in_processes.unrefreshed == 5
    assert not server.request_times


def test_celery_retries_after_a_429(site_in_processes, server):
    site_in_processes.make_accounts(1)
    server.next_responses = [(429, {"Retry-After": "1"}, {})]
    finished(site_in_processes.refresh("--enqueue", "celery"))
    process = site_in_processes.start(*WORKERS["celery"][0])
    wait_until(lambda: site_in_processes.unrefreshed == 0)
    process.terminate()
    assert any("retry: Retry in 1" in line for line in finished(process))


def test_the_task_for_celery_beat_enqueues_what_is_due(site_in_processes, server):
    site_in_processes.make_accounts(5)
    site_in_processes.run("-m", "celery", "--app", "tests.site_project", "call", BEAT["smartcar"]["task"])
    process = site_in_processes.start(*WORKERS["celery"][0])
    wait_until(lambda: site_in_processes.unrefreshed == 0)
    process.terminate()
    finished(process)
    assert len(server.request_times) == 5


def test_the_tasks_package_can_be_imported_without_a_backend():
    without = "import sys; sys.modules.update(celery=None, django_tasks=None); import django_smartcar.tasks"
    assert subprocess.run([sys.executable, "-c", without], cwd=ROOT).returncode == 0


# Events of webhooks.


@pytest.fixture
def queue(site_in_processes, engine):
    """Return a site with one vehicle whose events the backend's workers process."""
    site_in_processes.make_accounts(1)
    site_in_processes.run("-c", CONNECT)
    site_in_processes.environment["SITE_WORK"] = engine
    return site_in_processes


def test_events_received_by_the_view_are_processed_once_each_by_a_worker(queue, worker):
    events = [f"event-{number}" for number in range(5)]
    *_, taken_by = queue.receive(*events, *events)  # Smartcar delivers some twice
    assert queue.states == ["received"] * 5
    worker(10)
    assert queue.states == ["processed"] * 5
    ids, pids = queue.handled
    assert sorted(ids) == events
    assert int(taken_by.split()[-1]) not in pids


def test_an_event_of_a_vehicle_connected_later_is_processed_by_the_worker(site_in_processes, engine, worker):
    site_in_processes.environment["SITE_WORK"] = engine
    site_in_processes.make_accounts(1)
    site_in_processes.receive("early")
    worker(1)
    assert site_in_processes.states == ["waiting"]
    site_in_processes.run("-c", CONNECT)
    worker(1)
    assert site_in_processes.states == ["processed"]
    assert site_in_processes.handled[0] == ["early"]


def test_a_failed_event_blocks_no_worker_and_is_retried_by_what_runs_regularly(
    queue, engine, worker, tmp_path
):
    (tmp_path / "refuse").touch()
    queue.receive("event")
    worker(1)  # done, and free, long before the next attempt
    assert queue.states == ["failed"]
    (tmp_path / "refuse").unlink()
    queue.query("update smartcar_webhookevent set next_attempt_at = received_at")
    if engine == "celery":
        queue.run(
            "-m",
            "celery",
            "--app",
            "tests.site_project",
            "call",
            BEAT["smartcar-events"]["task"],
        )
        worker(1)
    else:
        queue.run("-m", "django", "work_smartcar_events", "--once", "--skip-checks")
    assert queue.states == ["processed"]
    assert queue.handled[0] == ["event", "event"]


def test_no_event_is_lost_and_no_delivery_fails_while_the_broker_is_down(queue, engine):
    if engine == "celery":
        queue.environment["SITE_BROKER_URL"] = "amqp://guest:the-brokers-secret@127.0.0.1:1//"
    else:
        ((table,),) = queue.query("select name from sqlite_master where name like '%taskresult'")
        queue.query(f"alter table {table} rename to away")
    log = "\n".join(queue.receive("event"))
    assert queue.states == ["received"]
    assert f"could not start processing events ({engine}), they stay due: OperationalError" in log
    assert "the-brokers-secret" not in log
    queue.run("-m", "django", "work_smartcar_events", "--once", "--skip-checks")
    assert queue.states == ["processed"]
