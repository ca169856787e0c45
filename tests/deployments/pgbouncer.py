"""PgBouncer in transaction pooling, in front of a PostgreSQL server of its own.

PgBouncer needs a server that it can log in to by password, and one that no other test counts sessions on.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from ..databases import connect, postgresql_programs, private_postgresql
from ..missing import skip_or_fail

#: Connections to the server; the transactions of all clients share them.
POOL_SIZE = 6

CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
logfile = {folder}/log
pidfile = {folder}/pid
"""


@contextmanager
def pgbouncer() -> Iterator[str]:
    """Run PostgreSQL and PgBouncer; yield the URL of a database behind it."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        skip_or_fail("no PgBouncer: `python3 run.py test` installs the Debian package `pgbouncer` as root")
    if (programs := postgresql_programs()) is None:
        skip_or_fail("no PostgreSQL: `python3 run.py test` installs one")
    with (
        private_postgresql(programs) as server,
        tempfile.TemporaryDirectory(prefix="smartcar-pgbouncer-") as folder,
    ):
        yield from started(program, server, Path(folder))


def started(program: str, database: str, folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    at = urlsplit(database)
    server = f"host={at.hostname} port={at.port} user={at.username} password={at.password}"
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(server=server, port=port, folder=folder, size=POOL_SIZE))
    command = [program, str(file)]
    options = {}
    if os.geteuid() == 0:  # PgBouncer refuses to run as root
        nobody = import_module("pwd").getpwnam("nobody")
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    ) as process:
        try:
            url = f"postgres://{at.username}@127.0.0.1:{port}{at.path}"
            wait_for(url, process, folder)
            yield url
        finally:
            process.send_signal(signal.SIGINT)


def wait_for(url, process, folder):
    for _ in range(100):
        assert process.poll() is None, (folder / "log").read_text()
        with suppress(psycopg.OperationalError), closing(connect(url)):
            return
        time.sleep(0.1)
    pytest.fail("PgBouncer did not start within 10 seconds: " + (folder / "log").read_text())
