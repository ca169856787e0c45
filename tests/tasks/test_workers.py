"""The work handed out with ``--enqueue``, done by real workers."""

import ast
import json
import re
import subprocess
import sys

import pytest

from ..site import ROOT, finished, wait_until

#: How each worker is started, and what it logs of a task that is done.
WORKERS = {
    "tasks": (("-m", "django", "db_worker", "--interval", "0.1", "--no-startup-delay"), "state=SUCCESSFUL"),
    "celery": (
        ("-m", "celery", "--app", "tests.site_project", "worker", "--pool", "solo", "--loglevel", "INFO"),
        " succeeded in ",
    ),
}

README = (ROOT / "README.rst").read_text()
BEAT = ast.literal_eval(re.search(r"CELERY_BEAT_SCHEDULE = (.*)", README)[1])


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
