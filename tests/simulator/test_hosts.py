"""Hosts and paths of the stand-alone program, with its own Django settings."""

import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

from django_smartcar.simulator import hosts, server, store, urls
from tests.simulator.browser import Visit
from tests.simulator.conftest import ALL_SCOPES, REDIRECT_URI, basic, management

OWN = ["localhost", "127.0.0.1", "::1"]
AUTHORIZE = "/oauth/authorize?" + urlencode(
    {
        "response_type": "code",
        "client_id": store.CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": ALL_SCOPES,
        "state": "s",
    }
)


@pytest.fixture
def program(settings):
    """Return a function that serves requests with the settings of the stand-alone program."""

    def start(own=OWN, origin=""):
        for name, value in server.request_settings(own, origin).items():
            setattr(settings, name, value)
        settings.SMARTCAR_SIMULATOR_ORIGIN = origin
        # as WSGIHandler does, which the test client replaces
        set_script_prefix(f"{settings.FORCE_SCRIPT_NAME or ''}/")

    yield start
    clear_script_prefix()


class HostBrowser:
    """A browser that reaches the program behind a proxy, which sends on the host and nothing else."""

    def __init__(self, origin):
        self.origin = origin
        self.client = Client(enforce_csrf_checks=True)

    def fetch(self, method, url, data=None):
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == self.origin
        headers = {"host": parts.netloc}
        if method == "POST":
            fields = {}
            for name, value in data:
                fields.setdefault(name, []).append(value)
            headers |= {"origin": self.origin, "referer": url}
            response = self.client.post(parts.path, fields, headers=headers)
        else:
            response = self.client.get(f"{parts.path}?{parts.query}", headers=headers)
        return response.status_code, response.get("Location"), response.content.decode()


def connect(origin, path=AUTHORIZE, home=None):
    """Go through Connect; return the parameters of the redirect to the application."""
    visit = Visit(HostBrowser(origin), home or f"{origin}/", f"{origin}{path}")
    return dict(parse_qsl(urlsplit(visit.connect().landed).query))


def call(method, url, authorization, **fields):
    parts = urlsplit(url)
    headers = {"host": parts.netloc, "authorization": authorization}
    return Client().generic(
        method,
        f"{parts.path}?{parts.query}",
        urlencode(fields),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )


def access_token(url, code):
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    return call("POST", url, basic(), **fields).json()["access_token"]


def application_token(url):
    fields = {"client_id": store.M2M_CLIENT_ID, "client_secret": store.M2M_CLIENT_SECRET}
    return call("POST", url, "", grant_type="client_credentials", **fields).json()["access_token"]


# Allowed hosts.


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8100", "[::1]:8100", "api.smartcar.com"])
def test_requests_for_the_programs_own_hosts_and_those_of_smartcar_are_answered(program, host):
    program()
    assert call("GET", f"http://{host}/api/v2.0/user", "").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8100", "127.0.0.1.evil.example", "smartcar.com"]
)
def test_a_page_under_another_host_name_gets_no_csrf_token(program, host):
    """DNS rebinding: the attacker's own host name resolves to this machine."""
    program()
    response = call("GET", f"http://{host}/garage/webhooks/", "")
    assert response.status_code == 400
    assert "--public-origin" in response.content.decode()
    assert not response.cookies
    assert "csrf" not in response.content.decode()


def test_the_host_option_and_the_machines_own_addresses_are_allowed(monkeypatch):
    assert server.own_hosts("simulator.lan") == [*OWN, "simulator.lan"]
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    found = [(2, 1, 6, "", ("192.0.2.7", 0)), (10, 1, 6, "", ("fe80::1%eth0", 0, 0, 2))]
    monkeypatch.setattr("socket.getaddrinfo", lambda name, port: found)
    assert server.own_hosts("") == [*OWN, "192.0.2.7", "fe80::1", "box"]
    assert "[fe80::1]" in hosts.allowed_hosts("", server.own_hosts("::"))


# Smartcar's hosts.


def test_connect_works_on_smartcars_own_host(program):
    program()
    callback = connect("https://connect.smartcar.com")
    assert callback["state"] == "s"
    assert access_token("https://auth.smartcar.com/oauth/token", callback["code"])


def test_every_host_of_smartcar_answers_with_links_to_smartcars_hosts(program):
    program()
    callback = connect("https://connect.smartcar.com")
    token = access_token("https://auth.smartcar.com/oauth/token", callback["code"])
    (car,) = store.cars()
    api = "https://api.smartcar.com/v2.0"
    assert call("GET", f"{api}/vehicles", f"Bearer {token}").json()["vehicles"] == [car.id]
    v2_management = "https://management.smartcar.com/v2.0/management/connections"
    (found,) = call("GET", v2_management, management()).json()["connections"]
    assert found["vehicleId"] == car.id
    v3 = f"Bearer {application_token('https://iam.smartcar.com/oauth2/token')}"
    vehicles = "https://vehicle.api.smartcar.com/v3"
    page = call("GET", f"{vehicles}/connections", v3).json()
    assert page["links"]["self"].partition("?")[0] == f"{vehicles}/connections"
    vehicle_url = page["data"][0]["relationships"]["vehicle"]["links"]["related"]
    assert vehicle_url == f"{vehicles}/vehicles/{car.id}"
    assert call("GET", vehicle_url, v3).json()["data"]["links"]["self"] == vehicle_url
    webhooks = "https://management.api.smartcar.com/v3/webhooks"
    assert call("GET", webhooks, v3).json()["links"]["self"].partition("?")[0] == webhooks
    compatible = "https://compatibility.api.smartcar.com/v3/compatible-vehicles?region=US"
    assert call("GET", compatible, v3).status_code == 200
    car.fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    resolution = call("GET", f"{api}/vehicles/{car.id}/odometer", f"Bearer {token}").json()["resolution"]
    assert resolution["url"].startswith("https://connect.smartcar.com/oauth/reauthenticate?")


def test_a_path_with_a_hosts_path_is_left_alone(program):
    program()
    visit = Visit(
        HostBrowser("https://connect.smartcar.com"),
        "https://connect.smartcar.com/",
        f"https://connect.smartcar.com{AUTHORIZE}",
    )
    assert visit.url.startswith("https://connect.smartcar.com/connect/")
    assert visit.status == 200


def test_the_hosts_know_the_first_part_of_every_path():
    routes = [re.sub(r"^\^", "", str(pattern.pattern)) for pattern in urls.urlpatterns]
    assert {route.partition("/")[0] for route in routes} == hosts._FIRST_PARTS


def test_a_form_of_another_site_is_refused_on_smartcars_host(program):
    program()
    browser = HostBrowser("https://connect.smartcar.com")
    visit = Visit(browser, "https://connect.smartcar.com/", f"https://connect.smartcar.com{AUTHORIZE}")
    token = browser.client.cookies["smartcar_simulator_csrftoken"].value
    headers = {"host": "connect.smartcar.com", "origin": "https://evil.example"}
    form = {"csrfmiddlewaretoken": token}
    assert browser.client.post(urlsplit(visit.url).path, form, headers=headers).status_code == 403


# The public origin.


@pytest.mark.parametrize("origin", ["https://sim.example.com", "https://sim.example.com/smartcar"])
@pytest.mark.parametrize("keeps_prefix", [True, False])
def test_links_follow_the_public_origin(program, origin, keeps_prefix):
    program(origin=origin)
    scheme_and_host = "https://sim.example.com"
    prefix = origin.removeprefix(scheme_and_host)
    received = origin if keeps_prefix else scheme_and_host
    page = call("GET", f"{received}/", "").content.decode()
    assert f"export SMARTCAR_API_URL={origin}/api\n" in page
    assert f"export SMARTCAR_API_ORIGIN={origin}/api\n" in page
    assert f'href="{prefix}/garage/"' in page
    callback = connect(scheme_and_host, f"{prefix}/connect{AUTHORIZE}")
    token = access_token(f"{received}/auth/oauth/token", callback["code"])
    (car,) = store.cars()
    v3 = f"Bearer {application_token(f'{received}/iam/oauth2/token')}"
    body = call("GET", f"{received}/vehicle-api/v3/connections", v3).json()
    assert body["links"]["first"].startswith(f"{origin}/vehicle-api/v3/connections?")
    assert body["data"][0]["links"]["self"].startswith(f"{origin}/vehicle-api/v3/connections/")
    car.fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    url = f"{received}/api/v2.0/vehicles/{car.id}/odometer"
    resolution = call("GET", url, f"Bearer {token}").json()["resolution"]
    assert resolution["url"].startswith(f"{origin}/connect/oauth/reauthenticate?")


def test_the_program_is_still_reached_locally_behind_a_proxy(program):
    program(origin="https://sim.example.com/smartcar")
    callback = connect("http://localhost", f"/smartcar/connect{AUTHORIZE}")
    assert access_token("http://localhost/auth/oauth/token", callback["code"])


def test_a_proxy_that_replaces_the_host_works_too(program):
    """The browser's Origin header names the public origin, the Host header the local one."""
    program(origin="https://sim.example.com")
    client = Client(enforce_csrf_checks=True)
    url = client.get(f"/connect{AUTHORIZE}", headers={"host": "127.0.0.1:8100"})["Location"]
    page = client.get(url, headers={"host": "127.0.0.1:8100"}).content.decode()
    form = {"csrfmiddlewaretoken": re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]}
    headers = {"host": "127.0.0.1:8100", "origin": "https://sim.example.com"}
    assert client.post(url, form, headers=headers).status_code == 302


@pytest.mark.parametrize("setting", ["https://site.example/simulator", "https://site.example/simulator/"])
def test_a_site_can_set_the_origin_of_its_simulator(settings, client, setting):
    settings.SMARTCAR_SIMULATOR_ORIGIN = setting
    page = client.get("/smartcar-simulator/").content.decode()
    assert "export SMARTCAR_API_URL=https://site.example/simulator/api\n" in page


# Paths of Smartcar's own SDKs, as their sources build them from the variables.

RUBY, JAVA = "Ruby", "Java"


def joined(origin, path):
    """Return the URL of an absolute path: Ruby's Faraday and OAuth2 drop the path of an origin."""
    return urljoin(origin, path)


def appended(origin, path):
    return origin + path


SDK_CALLS = [
    # lib/smartcar.rb and base.rb: Faraday.new(url: origin), then request.url "/v#{version}#{path}"
    (RUBY, "SMARTCAR_API_ORIGIN", joined, "/v2.0/user", "bearer"),
    (RUBY, "SMARTCAR_API_ORIGIN", joined, "/v2.0/vehicles", "bearer"),
    (RUBY, "SMARTCAR_API_ORIGIN", joined, "/v2.0/vehicles/{id}/odometer", "bearer"),
    (RUBY, "SMARTCAR_API_ORIGIN", joined, "/v2.0/vehicles/{id}/tires/pressure", "bearer"),
    (RUBY, "SMARTCAR_API_ORIGIN", joined, "/v2.0/compatibility?vin={vin}&scope=read_vin", "basic"),
    (RUBY, "SMARTCAR_API_ORIGIN", joined, "/v2.0/compatibility/matrix?region=US", "basic"),
    (RUBY, "SMARTCAR_MANAGEMENT_API_ORIGIN", joined, "/v2.0/management/connections", "management"),
    (RUBY, "SMARTCAR_VEHICLE_API_ORIGIN", joined, "/v3/vehicles/{id}", "v3"),
    (RUBY, "SMARTCAR_VEHICLE_API_ORIGIN", joined, "/v3/vehicles/{id}/signals", "v3"),
    (
        RUBY,
        "SMARTCAR_VEHICLE_API_ORIGIN",
        joined,
        "/v3/vehicles/{id}/signals/odometer-traveleddistance",
        "v3",
    ),
    # Smartcar.java: getApiOrigin() + "/v" + API_VERSION + …, or addPathSegment() below the origin
    (JAVA, "SMARTCAR_API_ORIGIN", appended, "/v2.0/user", "bearer"),
    (JAVA, "SMARTCAR_API_ORIGIN", appended, "/v2.0/vehicles?limit=10&offset=0", "bearer"),
    (JAVA, "SMARTCAR_API_ORIGIN", appended, "/v2.0/vehicles/{id}/odometer", "bearer"),
    (JAVA, "SMARTCAR_API_ORIGIN", appended, "/v2.0/compatibility?vin={vin}&scope=read_vin", "basic"),
    (JAVA, "SMARTCAR_API_ORIGIN", appended, "/v2.0/compatibility-matrix?region=US&make=NISSAN", "basic"),
    (JAVA, "SMARTCAR_MANAGEMENT_API_ORIGIN", appended, "/v2.0/management/connections", "management"),
    (JAVA, "SMARTCAR_API_V3_ORIGIN", appended, "/v3/vehicles/{id}", "v3"),
    (JAVA, "SMARTCAR_API_V3_ORIGIN", appended, "/v3/vehicles/{id}/signals", "v3"),
    (JAVA, "SMARTCAR_API_V3_ORIGIN", appended, "/v3/vehicles/{id}/signals/odometer-traveleddistance", "v3"),
]


@pytest.fixture
def connected(program):
    """Connect a car; return a function that makes the Authorization header of a kind."""
    program()
    origin = "http://127.0.0.1:8100"
    callback = connect(origin, f"/connect{AUTHORIZE}")
    headers = {
        "basic": basic(),
        "management": management(),
        "bearer": f"Bearer {access_token(f'{origin}/auth/oauth/token', callback['code'])}",
        "v3": f"Bearer {application_token(f'{origin}/iam/oauth2/token')}",
    }
    return origin, callback["user_id"], headers


@pytest.mark.parametrize(
    ("sdk", "variable", "join", "path", "kind"), SDK_CALLS, ids=[f"{c[0]}-{c[1]}-{c[3]}" for c in SDK_CALLS]
)
def test_a_call_of_smartcars_ruby_and_java_sdk_is_answered(connected, sdk, variable, join, path, kind):
    origin, user_id, headers = connected
    (car,) = store.cars()
    url = join(store.sdk_environment(origin)[variable], path.format(id=car.id, vin=car.vin))
    parts = urlsplit(url)
    assert parts.netloc == "127.0.0.1:8100"
    response = Client().get(
        f"{parts.path}?{parts.query}",
        headers={"host": parts.netloc, "authorization": headers[kind], "sc-user-id": user_id},
    )
    assert response.status_code == 200, response.content


@pytest.mark.parametrize(
    ("variable", "join"),
    [
        ("SMARTCAR_AUTH_ORIGIN", joined),  # auth_client.rb: OAuth2::Client.new(…, site: origin)
        ("SMARTCAR_CONNECT_ORIGIN", joined),
        ("SMARTCAR_CONNECT_ORIGIN", appended),  # AuthClient.java: origin + "/oauth/authorize"
        ("SMARTCAR_API_ORIGIN", appended),  # auth-client.js: SMARTCAR_API_ORIGIN + "/oauth/authorize"
    ],
)
def test_connect_opens_at_the_url_that_each_sdk_builds(connected, variable, join):
    origin, _, _ = connected
    url = join(store.sdk_environment(origin)[variable], AUTHORIZE)
    assert connect(origin, url.removeprefix(origin))["code"]


@pytest.mark.parametrize("join", [joined, appended])
def test_ruby_node_and_java_append_the_path_of_the_token_endpoint(connected, join):
    origin, _, _ = connected
    code = connect(origin, f"/connect{AUTHORIZE}&approval_prompt=force")["code"]
    assert access_token(join(store.sdk_environment(origin)["SMARTCAR_AUTH_ORIGIN"], "/oauth/token"), code)


def test_an_unknown_path_is_not_found(program):
    program()
    for path in ("/nothing", "/oauth/nothing", "/version", "/v2", "/x/v2.0/user"):
        assert call("GET", f"http://localhost{path}", "").status_code == 404
    assert call("GET", "https://vehicle.api.smartcar.com/nothing", "").status_code == 404


@pytest.mark.parametrize("host", ["localhost", "vehicle.api.smartcar.com"])
@pytest.mark.parametrize("path", ["*", "http:", ""])
def test_a_path_without_a_leading_slash_is_no_error_of_the_program(program, client, host, path):
    program()
    client.raise_request_exception = False
    response = client.options("/", PATH_INFO=path, headers={"host": host})
    assert 400 <= response.status_code < 500
