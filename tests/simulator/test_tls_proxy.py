"""The simulator behind a TLS proxy, at its public origin and at Smartcar's own host names."""

from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from django_smartcar.simulator import hosts, store
from tests.simulator.browser import Visit
from tests.simulator.program import REDIRECT_URI, running
from tests.simulator.resolving import resolving_only
from tests.simulator.tls_proxy import TlsProxy

pytestmark = pytest.mark.slow

ORIGIN = "https://sim.example.com"


def session_for(proxy):
    session = requests.Session()
    session.trust_env = False  # an authority from the environment would win
    session.verify = str(proxy.authority)
    return session


class Browser:
    """Send the headers ``Origin`` and ``Referer`` as browsers do."""

    def __init__(self, proxy):
        self.session = session_for(proxy)
        self.page = None

    def fetch(self, method, url, data=None):
        parts = urlsplit(url)
        headers = {"Referer": self.page} if self.page else {}
        if method == "POST":
            headers["Origin"] = f"{parts.scheme}://{parts.netloc}"
        response = self.session.request(
            method, url, data=data, headers=headers, allow_redirects=False, timeout=10
        )
        if "Location" not in response.headers:
            self.page = url
        return response.status_code, response.headers.get("Location"), response.text


@contextmanager
def proxied(folder, names, *arguments, **options):
    """Run a simulator and a proxy in front; these names lead to the proxy."""
    with running(folder, *arguments) as program:
        proxy = TlsProxy(folder, program.origin, names, **options)
        port = urlsplit(program.origin).port
        try:
            with resolving_only(dict.fromkeys(names, proxy.port) | {"127.0.0.1": port}):
                yield program, proxy
        finally:
            proxy.close()


def connect(proxy, connect_url, home):
    query = {
        "response_type": "code",
        "client_id": store.CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "state": "s",
    }
    visit = Visit(Browser(proxy), home, f"{connect_url}/oauth/authorize?{urlencode(query)}").connect()
    return dict(parse_qsl(urlsplit(visit.landed).query))


@pytest.mark.parametrize(
    ("origin", "options"),
    [
        (ORIGIN, {}),
        (ORIGIN, {"is_forwarding": True}),
        (ORIGIN, {"host": "127.0.0.1"}),
        (ORIGIN, {"host": "127.0.0.1", "is_forwarding": True}),
        (f"{ORIGIN}/smartcar", {"is_forwarding": True}),
        (f"{ORIGIN}/smartcar", {"path": "/smartcar"}),
    ],
    ids=["plain", "forwarded", "other host", "other host, forwarded", "path", "path that the proxy removes"],
)
def test_connect_and_the_api_work_behind_a_tls_proxy(tmp_path, origin, options):
    arguments = ["--api-version", "3", "--public-origin", origin]
    with proxied(tmp_path, ["sim.example.com"], *arguments, **options) as (program, proxy):
        environment = program.environment
        assert f"Its clients use {origin}/." in program.greeting
        assert all(value.startswith(origin) for value in environment.values() if "://" in value)
        callback = connect(proxy, environment["SMARTCAR_CONNECT_URL"], f"{origin}/")
        assert callback["state"] == "s"
        fields = {
            "grant_type": "client_credentials",
            "client_id": environment["SMARTCAR_CLIENT_ID"],
            "client_secret": environment["SMARTCAR_CLIENT_SECRET"],
        }
        client = session_for(proxy)
        response = client.post(environment["SMARTCAR_IAM_URL"], json=fields, timeout=10)
        token = response.json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "sc-user-id": callback["user_id"]}
        url = f"{environment['SMARTCAR_VEHICLE_API_URL']}/v3/connections"
        body = client.get(url, headers=headers, timeout=10).json()
        assert body["links"]["self"].startswith(f"{url}?")
        vehicle_url = body["data"][0]["relationships"]["vehicle"]["links"]["related"]
        assert vehicle_url.startswith(f"{environment['SMARTCAR_VEHICLE_API_URL']}/v3/vehicles/")
        assert client.get(vehicle_url, headers=headers, timeout=10).status_code == 200
        program.stop()
    assert "Traceback" not in program.errors


def test_a_form_from_another_origin_is_refused_behind_a_proxy(tmp_path):
    with proxied(tmp_path, ["sim.example.com"], "--public-origin", ORIGIN) as (program, proxy):
        browser = Browser(proxy)
        _, _, page = browser.fetch("GET", f"{ORIGIN}/garage/webhooks/")
        token = browser.session.cookies["smartcar_simulator_csrftoken"]
        response = browser.session.post(
            f"{ORIGIN}/garage/webhooks/",
            {"csrfmiddlewaretoken": token},
            headers={"Origin": "https://evil.example"},
            timeout=10,
        )
        assert response.status_code == 403


def test_the_simulator_is_not_reached_under_a_name_that_it_was_not_started_with(tmp_path):
    with proxied(tmp_path, ["evil.example"]) as (program, proxy):
        browser = Browser(proxy)
        status, _, page = browser.fetch("GET", "https://evil.example/garage/webhooks/")
        assert status == 400
        assert "--public-origin" in page
        assert not browser.session.cookies
        program.stop()
    assert "Traceback" not in program.errors


def test_connect_works_at_smartcars_own_host_name(tmp_path):
    with proxied(tmp_path, list(hosts.PATHS)) as (program, proxy):
        callback = connect(proxy, "https://connect.smartcar.com", "https://connect.smartcar.com/")
        fields = {"grant_type": "authorization_code", "code": callback["code"], "redirect_uri": REDIRECT_URI}
        response = session_for(proxy).post(
            "https://auth.smartcar.com/oauth/token",
            fields,
            auth=(store.CLIENT_ID, store.CLIENT_SECRET),
            timeout=10,
        )
        assert response.json()["access_token"]
