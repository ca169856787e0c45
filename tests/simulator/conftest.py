import base64
import json
from urllib.parse import urlencode

import pytest
from django.test import Client

from django_smartcar.simulator import store
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.conf import conf
from django_smartcar.simulator.webhooks import queue, registry
from tests.simulator.browser import ClientBrowser, Visit
from tests.simulator.receiver import Receiver

PREFIX = "/smartcar-simulator"
REDIRECT_URI = "https://app.example.com/callback"
ALL_SCOPES = " ".join(SCOPES)
SCOPE = "required:read_vehicle_info read_vin read_odometer read_location read_security control_security"


@pytest.fixture(autouse=True)
def empty_simulator(settings):
    """Empty the simulator, unset its settings but the one for redirect URIs, before and after each test."""
    for name in vars(type(conf)):
        if name.startswith("SMARTCAR_SIMULATOR_") and hasattr(settings, name):
            delattr(settings, name)
    settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = True
    store.reset()
    yield
    settings.SMARTCAR_SIMULATOR_STATE = None
    store.reset()


def basic(user=store.CLIENT_ID, password=store.CLIENT_SECRET):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def management(password=store.MANAGEMENT_TOKEN):
    return basic("default", password)


@pytest.fixture
def visit():
    """Open Connect with these parameters in a new browser, with CSRF checks."""

    def open_(**parameters):
        query = {
            "response_type": "code",
            "client_id": store.CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "the-state",
        } | parameters
        query = {name: value for name, value in query.items() if value is not None}
        browser = ClientBrowser(Client(enforce_csrf_checks=True))
        home = f"{browser.origin}{PREFIX}/"
        return Visit(browser, home, f"{home}connect/oauth/authorize?{urlencode(query)}")

    return open_


@pytest.fixture
def token():
    """Post to the token endpoint (v2)."""

    def post(authorization=None, **fields):
        headers = {"authorization": basic() if authorization is None else authorization}
        return Client().post(f"{PREFIX}/auth/oauth/token", fields, headers=headers)

    return post


@pytest.fixture
def connect(visit, token):
    """Connect a driver's vehicles; return the tokens (v2)."""

    def connect_(email="driver@example.com", make="CHEVROLET", **parameters):
        code = visit(**parameters).connect(email, make).callback["code"]
        response = token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI)
        assert response.status_code == 200, response.content
        return response.json()

    return connect_


@pytest.fixture
def api():
    """Call the vehicle API (v2): `api("GET", "vehicles", access_token)`."""

    def call(method, path, access_token=None, body=None, version="2.0", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if access_token:
            headers["authorization"] = f"Bearer {access_token}"
        return Client().generic(
            method,
            f"{PREFIX}/api/v{version}/{path}",
            body if isinstance(body, str) else "" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )

    return call


@pytest.fixture
def first_car(api):
    """Return the id of the first vehicle of these tokens."""

    def find(tokens):
        return api("GET", "vehicles", tokens["access_token"]).json()["vehicles"][0]

    return find


def assert_error(response, status, type_, code=None):
    """Check the form of an error response of v2, and return its body."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert (body["statusCode"], body["type"], body["code"]) == (status, type_, code)
    assert next(iter(body)) == "statusCode"
    assert body["requestId"] == response["SC-Request-Id"]
    assert "type" in body["resolution"]
    assert body["docURL"].startswith("https://smartcar.com/docs/errors/api-errors/")
    return body


@pytest.fixture
def volt(connect, first_car, api):
    """Connect a plug-in hybrid with all permissions; return a function that calls the paths below it (v2)."""
    tokens = connect(scope=ALL_SCOPES)
    vehicle_id = first_car(tokens)

    def call(method, path="", body=None, **options):
        return api(method, f"vehicles/{vehicle_id}/{path}", tokens["access_token"], body, **options)

    call.id = vehicle_id
    call.token = tokens["access_token"]
    call.car = store.car(vehicle_id)
    return call


@pytest.fixture
def limited(connect, first_car, api):
    """Connect the same vehicle with one permission; return a function that calls the paths below it."""
    tokens = connect(scope="read_odometer", approval_prompt="force")

    def call(method, path="", body=None, **options):
        return api(method, f"vehicles/{first_car(tokens)}/{path}", tokens["access_token"], body, **options)

    return call


@pytest.fixture
def v3():
    """Call a host of v3 with an application token: `v3("GET", "connections")`."""

    def request_token():
        fields = {
            "grant_type": "client_credentials",
            "client_id": store.M2M_CLIENT_ID,
            "client_secret": store.M2M_CLIENT_SECRET,
        }
        return Client().post(f"{PREFIX}/iam/oauth2/token", fields).json()["access_token"]

    def call(
        method, path, user=None, attributes=None, *, host="vehicle-api", token=None, body=None, **headers
    ):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["authorization"] = f"Bearer {token or request_token()}"
        if user:
            headers["sc-user-id"] = user
        if attributes is not None:
            body = json.dumps({"data": {"attributes": attributes}})
        url = path if path.startswith("http") else f"{PREFIX}/{host}/v3/{path}"
        return Client().generic(method, url, body or "", content_type="application/json", headers=headers)

    return call


@pytest.fixture
def connect_v3(v3, visit):
    """Connect a driver's vehicle; return a function that calls the paths below it (v3)."""

    def connect_(email="driver@example.com", make="CHEVROLET", scope=ALL_SCOPES, **parameters):
        user = visit(scope=scope, **parameters).connect(email, make).callback["user_id"]
        car = next(car for car in reversed(store.cars()) if car.owner_id == user)

        def call(method, path="", attributes=None, **options):
            return v3(method, f"vehicles/{car.id}/{path}", user, attributes, **options)

        call.car, call.user = car, user
        return call

    return connect_


def assert_v3_error(response, status, type_, code=None):
    """Check the form of an error response of v3, and return the error."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    (error,) = json.loads(response.getvalue())["errors"]
    assert (error["status"], error["type"], error["code"]) == (str(status), type_, code)
    assert error["title"]
    assert error["detail"]
    assert error["links"]["about"].startswith("https://smartcar.com/docs/errors/api-errors/v3/")
    return error


@pytest.fixture
def receiver():
    """Run an application's server that receives webhooks."""
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def make_webhook(receiver, settings):
    """Create verified webhooks, optionally with a subscribed vehicle. `queue.run()` delivers their events."""
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False

    def make(car=None, **options):
        webhook = registry.add("Everything", receiver.url, **options)
        registry.verify(webhook)
        queue.run()
        assert webhook.is_verified
        if car:
            registry.subscribe(webhook.id, car.owner_id, car.id)
            queue.run()
            receiver.received.clear()
        return webhook

    return make
