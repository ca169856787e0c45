"""The work handed out with ``--enqueue``, done by real workers."""

import ast
import json
import re
import subprocess
import sys

import pytest

from ..site import CONNECT, ROOT, finished, wait_until

#: How each worker is started, and what it logs of a task that is done.
WORKERS = {
    "tasks": (("-m", "django", "db_worker", "--interval", "0.1", "--no-startup-delay"), "state=SUCCESSFUL"),
    "celery": (
        ("-m", "celery", "--app", "tests.site_project", "worker", "--pool", "solo", "--loglevel", "INFO"),
        " succeeded in ",
    ),
}

README = (ROOT / "README.rst").read_text()
BEAT = ast.literal_eval(re.search(r"CELERY_BEAT_SCHEDULE = (\{.*?\n {4}\})", README, re.DOTALL)[1])


@pytest.fixture(params=WORKERS)
def engine(request):
    return request.param


@pytest.fixture
def worker(site, engine, tmp_path):
    """Call it with a number: it works until so many tasks are done, and gives what it has logged."""

    def work(number):
        arguments, done = WORKERS[engine]
        with (tmp_path / "log").open("w+") as log:
            process = site.start(*arguments, stdout=log)
            try:
                wait_until(lambda: (tmp_path / "log").read_text().count(done) == number)
                process.terminate()
                assert process.wait(60) == 0
            finally:
                process.kill()
        return (tmp_path / "log").read_text()

    return work


def hand_out(site, engine, *arguments):
    *_, summary = finished(site.refresh("--enqueue", engine, "--json", *arguments))
    return json.loads(summary)["summary"]


def test_a_worker_refreshes_what_is_handed_out_and_once_though_it_is_handed_out_twice(
    site, server, engine, worker
):
    site.make_accounts(5)
    for _ in range(2):
        assert hand_out(site, engine)["enqueued"] == 5
    log = worker(10)
    assert site.left == 0
    assert len(server.asked_at) == 5
    assert "access-" not in log
    assert "refresh-" not in log


def test_nothing_is_exchanged_by_the_command_that_hands_out(site, server, engine):
    site.make_accounts(5)
    assert hand_out(site, engine, "--limit", "3")["enqueued"] == 3
    assert site.left == 5
    assert not server.asked_at


def test_celery_tries_again_later_what_smartcar_had_no_time_for(site, server):
    site.make_accounts(1)
    server.instead = [(429, {"Retry-After": "1"}, {})]
    finished(site.refresh("--enqueue", "celery"))
    process = site.start(*WORKERS["celery"][0])
    wait_until(lambda: site.left == 0)
    process.terminate()
    assert any("retry: Retry in 1" in line for line in finished(process))


def test_the_task_that_celery_beat_is_to_call_hands_out_what_is_due(site, server):
    site.make_accounts(5)
    site.run("-m", "celery", "--app", "tests.site_project", "call", BEAT["smartcar"]["task"])
    process = site.start(*WORKERS["celery"][0])
    wait_until(lambda: site.left == 0)
    process.terminate()
    finished(process)
    assert len(server.asked_at) == 5


def test_the_package_of_tasks_needs_no_engine():
    without = "import sys; sys.modules.update(celery=None, django_tasks=None); import django_smartcar.tasks"
    assert subprocess.run([sys.executable, "-c", without], cwd=ROOT).returncode == 0


# Events of webhooks.


@pytest.fixture
def inbox(site, engine):
    """The site, with one car, whose events the engine's workers work."""
    site.make_accounts(1)
    site.run("-c", CONNECT)
    site.environment["SITE_WORK"] = engine
    return site


def test_events_are_taken_by_the_view_and_handled_once_each_by_a_worker(inbox, worker):
    events = [f"event-{number}" for number in range(5)]
    *_, taken_by = inbox.receive(*events, *events)  # Smartcar delivers some twice
    assert inbox.states == ["received"] * 5
    worker(10)
    assert inbox.states == ["processed"] * 5
    ids, pids = inbox.handled
    assert sorted(ids) == events
    assert int(taken_by.split()[-1]) not in pids


def test_an_event_of_a_car_that_connects_later_is_worked_by_the_worker(site, engine, worker):
    site.environment["SITE_WORK"] = engine
    site.make_accounts(1)
    site.receive("early")
    worker(1)
    assert site.states == ["waiting"]
    site.run("-c", CONNECT)
    worker(1)
    assert site.states == ["processed"]
    assert site.handled[0] == ["early"]


def test_a_failure_holds_no_worker_and_is_tried_again_by_what_runs_regularly(inbox, engine, worker, tmp_path):
    (tmp_path / "refuse").touch()
    inbox.receive("event")
    worker(1)  # done, and free, long before the next attempt
    assert inbox.states == ["failed"]
    (tmp_path / "refuse").unlink()
    inbox.ask("update smartcar_webhookevent set next_attempt_at = received_at")
    if engine == "celery":
        inbox.run(
            "-m",
            "celery",
            "--app",
            "tests.site_project",
            "call",
            BEAT["smartcar-events"]["task"],
        )
        worker(1)
    else:
        inbox.run("-m", "django", "work_smartcar_events", "--once", "--skip-checks")
    assert inbox.states == ["processed"]
    assert inbox.handled[0] == ["event", "event"]


def test_no_event_is_lost_and_no_delivery_fails_while_the_broker_is_down(inbox, engine):
    if engine == "celery":
        inbox.environment["SITE_BROKER_URL"] = "amqp://guest:the-brokers-secret@127.0.0.1:1//"
    else:
        ((table,),) = inbox.ask("select name from sqlite_master where name like '%taskresult'")
        inbox.ask(f"alter table {table} rename to away")
    log = "\n".join(inbox.receive("event"))
    assert inbox.states == ["received"]
    assert f"could not be worked ({engine}); they stay due: OperationalError" in log
    assert "the-brokers-secret" not in log
    inbox.run("-m", "django", "work_smartcar_events", "--once", "--skip-checks")
    assert inbox.states == ["processed"]
