import base64
import json
from urllib.parse import urlencode

import pytest
from django.test import Client

from django_smartcar.simulator import world
from django_smartcar.simulator.scopes import SCOPES
from tests.simulator.walker import ClientBrowser, Visit

PREFIX = "/smartcar-simulator"
REDIRECT_URI = "https://app.example.com/callback"
EVERYTHING = " ".join(SCOPES)
SCOPE = "required:read_vehicle_info read_vin read_odometer read_location read_security control_security"


@pytest.fixture(autouse=True)
def fresh_world(settings):
    for name in ("CLIENT_ID", "CLIENT_SECRET", "MANAGEMENT_TOKEN", "REDIRECT_URIS", "GRACE", "STATE"):
        if hasattr(settings, f"SMARTCAR_SIMULATOR_{name}"):
            delattr(settings, f"SMARTCAR_SIMULATOR_{name}")
    world.reset()
    yield
    settings.SMARTCAR_SIMULATOR_STATE = None
    world.reset()


def basic(user=world.CLIENT_ID, password=world.CLIENT_SECRET):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def management(password=world.MANAGEMENT_TOKEN):
    return basic("default", password)


@pytest.fixture
def visit():
    """Opens Connect with these parameters, as a browser of its own; CSRF is checked as in real life."""

    def open_(**parameters):
        query = {
            "response_type": "code",
            "client_id": world.CLIENT_ID,
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
    """Posts to the token endpoint."""

    def post(authorization=None, **fields):
        headers = {"authorization": basic() if authorization is None else authorization}
        return Client().post(f"{PREFIX}/auth/oauth/token", fields, headers=headers)

    return post


@pytest.fixture
def connect(visit, token):
    """A connected driver's tokens."""

    def connect_(email="driver@example.com", make="CHEVROLET", **parameters):
        code = visit(**parameters).connect(email, make).answer["code"]
        response = token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI)
        assert response.status_code == 200, response.content
        return response.json()

    return connect_


@pytest.fixture
def api():
    """Calls the vehicle API: `api("GET", "vehicles", access_token)`."""

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
    """The first car of these tokens."""

    def find(tokens):
        return api("GET", "vehicles", tokens["access_token"]).json()["vehicles"][0]

    return find


def error_of(response, status, type_, code=None):
    """The body of an error, held against the envelope of v2.0."""
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
    """Calls below a plug-in hybrid, with every permission."""
    tokens = connect(scope=EVERYTHING)
    vehicle_id = first_car(tokens)

    def call(method, path="", body=None, **options):
        return api(method, f"vehicles/{vehicle_id}/{path}", tokens["access_token"], body, **options)

    call.id = vehicle_id
    call.token = tokens["access_token"]
    call.car = world.car(vehicle_id)
    return call


@pytest.fixture
def limited(connect, first_car, api):
    """Calls below the same car, with one permission."""
    tokens = connect(scope="read_odometer", approval_prompt="force")

    def call(method, path="", body=None):
        return api(method, f"vehicles/{first_car(tokens)}/{path}", tokens["access_token"], body)

    return call
