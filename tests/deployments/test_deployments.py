"""The story of a car on sites that are set up in different ways."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
import trustme

from .. import databases
from ..simulator.tls_proxy import TlsProxy
from .deployment import Deployment
from .pgbouncer import POOL_SIZE, pgbouncer
from .story import Story


def tell(site):
    """Tell the story of a car in both versions of Smartcar's API; return what cron printed, by version."""
    site.prepare()
    results = {}
    for version in ("2.0", "3"):
        site.use_version(version)
        with site.served():
            results[version] = Story(site, version).run()
    return results


@pytest.mark.parametrize("name", ["plain", "own_database", "no_default", "signed_cookies"])
def test_a_site_with_other_settings(name, tmp_path, smartcar):
    tell(Deployment(name, tmp_path, smartcar))


@pytest.mark.parametrize("name", ["plain", "naive"])
def test_a_site_on_each_database(name, database, tmp_path, smartcar):
    tell(Deployment(name, tmp_path, smartcar, SITE_DATABASE_URL=database))


class WithReplica(Deployment):
    """A site with a replica that has the users, and cars only while pages are read from it."""

    def prepare(self):
        super().prepare()
        self.copy("db.sqlite3", "users.sqlite3")
        self.copy("users.sqlite3", "db.sqlite3-replica")

    @contextmanager
    def caught_up(self):
        self.copy("db.sqlite3", "db.sqlite3-replica")
        try:
            yield
        finally:
            self.copy("users.sqlite3", "db.sqlite3-replica")

    def copy(self, source, target):
        with (
            closing(sqlite3.connect(self.folder / source)) as read,
            closing(sqlite3.connect(self.folder / target)) as written,
        ):
            read.backup(written)

    def run_commands(self):
        """Run the commands while the replica lags, but for what they only read."""
        results = super().run_commands()
        with self.caught_up():
            fresh = super().run_commands()
        return results | {name: fresh[name] for name in ("export_smartcar_data", "history")}


def test_a_site_with_a_replica_that_lags_behind(tmp_path, smartcar):
    tell(WithReplica("replica", tmp_path, smartcar))


@pytest.mark.slow
def test_a_site_behind_pgbouncer(tmp_path, smartcar):
    with pgbouncer() as url:
        tell(Deployment("pgbouncer", tmp_path, smartcar, SITE_DATABASE_URL=url))


#: Program that refreshes a token inside a transaction, on a connection of its own.
REFRESH_IN_TRANSACTION = """
import django
django.setup()
from django.db import transaction
from django_smartcar.models import ApplicationToken
from django_smartcar.services import tokens
tokens.application()
with transaction.atomic():
    assert ApplicationToken.objects.count() == 1
    for _ in range(20):
        tokens.refresh(tokens.application())
"""


@pytest.mark.slow
def test_no_session_behind_pgbouncer_keeps_what_another_has_set(tmp_path, smartcar):
    with pgbouncer() as url:
        site = Deployment("pgbouncer", tmp_path, smartcar, SITE_DATABASE_URL=url)
        site.prepare()
        site.use_version("3")
        site.run("-c", REFRESH_IN_TRANSACTION)
        with ExitStack() as stack:  # a transaction on each connection of the pool
            clients = [stack.enter_context(closing(psycopg.connect(url))) for _ in range(POOL_SIZE)]
            timeouts = [client.execute("SHOW lock_timeout").fetchone()[0] for client in clients]
    assert set(timeouts) == {"0"}


@pytest.mark.slow
def test_tokens_survive_rollbacks_behind_pgbouncer(tmp_path):
    test = str(databases.ROOT / "tests" / "services" / "_autonomous_rollbacks.py")
    with pgbouncer() as url:
        # PgBouncer's connections to a database prevent that it is dropped; a pooler keeps and replaces
        # connections, so the tests that count or close them are left out.
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--reuse-db", test]
        command += ["-k", "not unavailable and not connection"]
        environment = {**os.environ, "TEST_DATABASE_URL": url}
        done = subprocess.run(
            command, cwd=databases.ROOT, env=environment, capture_output=True, text=True, timeout=300
        )
    assert done.returncode == 0, done.stdout + done.stderr


class WithPartitions(Deployment):
    """A site whose readings are in partitions of PostgreSQL, as docs/howto/retention.rst makes them."""

    def prepare(self):
        super().prepare()
        page = (databases.ROOT / "docs" / "howto" / "retention.rst").read_text()
        blocks = re.findall(r"code-block:: sql\n\n((?: {4}.*\n|\n)+)", page)
        self.make, self.drop = map(textwrap.dedent, blocks)
        self.execute(self.make)

    def execute(self, statements):
        with psycopg.connect(self.environment["SITE_DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(statements)


def test_a_site_with_partitions_of_readings(postgresql, tmp_path, smartcar):
    with databases.created("postgresql", postgresql, tmp_path) as url:
        site = WithPartitions("plain", tmp_path, smartcar, SITE_DATABASE_URL=url)
        tell(site)
        assert site.execute("SELECT count(*) FROM smartcar_vehiclereading").fetchone()[0] > 0
        site.execute(site.drop)
        site.run("-m", "django", "prune_smartcar_readings")


def test_a_site_with_a_connection_pool(postgresql, tmp_path, smartcar):
    with databases.created("postgresql", postgresql, tmp_path) as url:
        tell(Deployment("pool", tmp_path, smartcar, SITE_DATABASE_URL=url))


#: Program that creates accounts with these tokens of Smartcar.
CREATE_ACCOUNTS = """
import json, sys
import django
django.setup()
from django.contrib.auth import get_user_model
from django_smartcar.models import SmartcarAccount, SmartcarUser
anna = get_user_model().objects.get(username="anna")
for user_id, refresh_token in json.loads(sys.argv[1]):
    owner = SmartcarUser.objects.create(id=user_id, user=anna)
    SmartcarAccount.objects.create(smartcar_user=owner, api_version="2.0", refresh_token=refresh_token)
"""


@pytest.mark.parametrize(
    "pool", [{"max_size": 4, "min_size": 0, "timeout": 0.3}, {"max_size": 1, "min_size": 0}]
)
def test_concurrent_refreshes_fit_the_connection_pool(pool, postgresql, tmp_path, smartcar):
    grants = [smartcar.grant(f"driver-{number}@example.com") for number in range(60)]
    accounts = [(grant["user_id"], grant["refresh_token"]) for grant in grants]
    with databases.created("postgresql", postgresql, tmp_path) as url:
        site = Deployment("pool", tmp_path, smartcar, SITE_DATABASE_URL=url, SITE_POOL=json.dumps(pool))
        site.prepare()
        site.use_version("2.0")
        site.run("-c", CREATE_ACCOUNTS, json.dumps(accounts))
        lines = site.run("-m", "django", "refresh_smartcar_tokens", "--all", "--json").splitlines()
    assert json.loads(lines[-1])["summary"]["refreshed"] == 60


def test_a_site_without_messages(tmp_path, smartcar):
    site = Deployment("no_messages", tmp_path, smartcar)
    site.has_admin = False
    tell(site)


def test_a_site_with_languages_in_its_urls(tmp_path, smartcar):
    site = Deployment("languages", tmp_path, smartcar, SITE_ENDPOINTS="smartcar/")
    site.pages, site.endpoints = "/de/cars/", "/smartcar/"
    assert "smartcar.W090" not in tell(site)["3"]["check"]["output"]


def test_a_site_with_languages_in_all_urls(tmp_path, smartcar):
    site = Deployment("languages", tmp_path, smartcar)
    site.pages, site.endpoints = "/de/cars/", "/en/cars/"
    assert "smartcar.W090" in tell(site)["3"]["check"]["output"]


class BehindTlsProxy(Deployment):
    @contextmanager
    def published(self):
        proxy = TlsProxy(self.folder, self.url, ["127.0.0.1"], is_forwarding=True)
        self.url, self.verify = f"https://127.0.0.1:{proxy.port}", str(proxy.authority)
        self.environment["REQUESTS_CA_BUNDLE"] = self.verify
        try:
            yield
        finally:
            proxy.close()


def test_a_site_behind_a_tls_proxy(tmp_path, smartcar):
    tell(BehindTlsProxy("proxied", tmp_path, smartcar, SITE_PROXY_HEADER="HTTP_X_FORWARDED_PROTO"))


class BehindNginx(Deployment):
    """A site behind nginx, set up as docs/howto/deploy.rst says, on other ports and paths."""

    @contextmanager
    def published(self):
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if program is None:
            pytest.skip("there is no nginx on this machine")
        tls_port, port = free_port(), free_port()
        self.configure(tls_port, port)
        command = [program, "-p", self.folder, "-e", "nginx.log", "-c", self.folder / "nginx.conf"]
        with subprocess.Popen(command) as process:
            try:
                wait_until_open(tls_port)
                redirect = requests.get(f"http://127.0.0.1:{port}/cars/", allow_redirects=False, timeout=30)
                assert redirect.headers["Location"] == "https://127.0.0.1/cars/"
                self.url, self.verify = f"https://127.0.0.1:{tls_port}", str(self.folder / "authority.pem")
                self.environment["REQUESTS_CA_BUNDLE"] = self.verify
                yield
            finally:
                process.terminate()
        log = (self.folder / "access.log").read_text()
        assert "GET /cars/callback/ " in log
        assert "?" not in log

    def configure(self, tls_port, port):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.folder / "authority.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            self.folder / "site.pem"
        )
        page = (databases.ROOT / "docs" / "howto" / "deploy.rst").read_text()
        (server,) = re.findall(r"code-block:: nginx\n\n((?: {4}.*\n|\n)+)", page)
        for ours, here in {
            "listen 443 ": f"listen 127.0.0.1:{tls_port} ",
            "listen 80;": f"listen 127.0.0.1:{port};",
            "127.0.0.1:8000": urlsplit(self.url).netloc,
            "/etc/ssl/your.site.pem": f"{self.folder}/site.pem",
            "/etc/ssl/your.site.key": f"{self.folder}/site.pem",
            "/var/log/nginx/your.site.log": f"{self.folder}/access.log",
        }.items():
            assert ours in server
            server = server.replace(ours, here)
        paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{name}_temp_path {self.folder}/{name}; " for name in paths)
        text = (
            f"daemon off; pid {self.folder}/pid; events {{}} http {{ access_log off; {temporary}\n{server} }}"
        )
        (self.folder / "nginx.conf").write_text(text)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until_open(port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.05)
    pytest.fail("nginx did not start")


def test_a_site_behind_nginx(tmp_path, smartcar):
    tell(BehindNginx("proxied", tmp_path, smartcar, SITE_PROXY_HEADER="HTTP_X_FORWARDED_PROTO"))


def steps(site):
    """Return the results of ``check_smartcar`` for the running site: (outcome, text) of each step."""
    lines = site.run_commands()["check_smartcar"]["output"].splitlines()
    results = map(json.loads, lines[:-1])
    return {(result["step"], result["outcome"], result["text"]) for result in results}


def test_a_site_behind_a_tls_proxy_that_django_does_not_know(tmp_path, smartcar):
    site = BehindTlsProxy("proxied", tmp_path, smartcar)
    site.prepare()
    site.use_version("3")
    with site.served():
        checks = site.run_commands()
        uri = f"http{site.url.removeprefix('https')}/cars/callback/"
        refused = f"the running site's redirect URI is {uri}, which Smartcar refuses"
        assert ("pages", "wrong", refused) in steps(site)
    assert "smartcar.W093" in checks["check"]["output"]


def test_a_site_with_a_content_security_policy(tmp_path, smartcar):
    origin = smartcar.url.removesuffix("/smartcar-simulator")
    site = Deployment("csp", tmp_path, smartcar, SITE_CSP=f"default-src 'self'; form-action 'self' {origin}")
    tell(site)


def test_a_content_security_policy_that_stops_the_button(tmp_path, smartcar):
    site = Deployment("csp", tmp_path, smartcar, SITE_CSP="default-src 'self'; form-action 'self'")
    site.prepare()
    site.use_version("3")
    with site.served():
        policy = f"the Content-Security-Policy of {site.url}/cars/ stops a driver who presses the button"
        assert ("pages", "wrong", f"{policy}: form-action 'self'") in steps(site)


def test_a_site_under_asgi(tmp_path, smartcar):
    site = Deployment("plain", tmp_path, smartcar)
    site.server_command = lambda port: [
        *("-m", "uvicorn", "tests.deployments.sites.asgi:application"),
        *("--port", str(port), "--log-level", "warning"),
    ]
    tell(site)


class WithNewSessionKey(Deployment):
    """A driver who changes the password, and logs in again, while at Smartcar."""

    def before_callback(self, driver):
        before = driver.session.cookies["sessionid"]
        passwords = {"old_password": "anna", "new_password1": "Zoë's 12th", "new_password2": "Zoë's 12th"}
        driver.get("/password/")
        driver.post("/password/", **passwords)
        assert driver.session.cookies["sessionid"] != before
        driver.post("/password/", old_password="Zoë's 12th", new_password1="anna", new_password2="anna")
        driver.post("/login/", username="anna", password="anna")


@pytest.mark.parametrize("name", ["plain", "signed_cookies"])
def test_a_session_key_changes_between_start_and_callback(name, tmp_path, smartcar):
    tell(WithNewSessionKey(name, tmp_path, smartcar))
