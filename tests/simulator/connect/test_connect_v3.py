from urllib.parse import urlencode

import pytest
from django.test import Client

from django_smartcar.simulator import store
from tests.simulator.browser import ClientBrowser, Visit
from tests.simulator.conftest import PREFIX, REDIRECT_URI, assert_v3_error

NEWER = {"client_id": None, "application_id": store.CLIENT_ID}


def test_connect_accepts_application_id_and_an_external_id(visit):
    callback = visit(**NEWER, external_id="x-1").connect().callback
    assert sorted(callback) == ["code", "external_id", "state", "user_id"]
    assert callback["external_id"] == "x-1"
    assert callback["user_id"] == store.owners()[0].id


@pytest.mark.parametrize("name", ["client_id", "application_id"])
def test_connect_rejects_the_client_id_of_the_v3_token_endpoint(visit, name):
    session = visit(**({"client_id": None} | {name: store.M2M_CLIENT_ID}))
    assert (session.status, session.landed) == (400, None)
    assert name in session.text


def test_no_code_is_sent_when_the_setting_turns_codes_off(visit, settings):
    settings.SMARTCAR_SIMULATOR_CODES = False
    callback = visit().connect().callback
    assert callback == {"user_id": store.owners()[0].id, "state": "the-state"}
    assert store.state().codes == {}
    assert len(store.grants()) == 1


def test_connect_names_the_application_of_the_setting(visit, settings):
    assert "Demo application" in visit().text
    settings.SMARTCAR_SIMULATOR_APPLICATION_NAME = "Carport"
    page = visit().text
    assert "Carport" in page
    assert "Demo application" not in page


def test_no_code_is_sent_for_response_type_none(visit, v3):
    callback = visit(response_type="none").connect().callback
    assert callback == {"user_id": store.owners()[0].id, "state": "the-state"}
    assert v3("GET", "connections", callback["user_id"]).json()["meta"]["totalCount"] == 1


def test_a_session_without_redirect_uri_ends_on_a_page_of_connect(visit):
    session = visit(response_type="none", redirect_uri=None).connect()
    assert session.landed is None
    assert (session.status, "Your car is connected" in session.text) == (200, True)
    assert len(store.grants()) == 1
    session = visit(response_type="none", redirect_uri=None).sign_in("smartcar@server-error.com")
    assert "Your car was not connected" in session.text
    assert len(store.grants()) == 1


@pytest.mark.parametrize("response_type", ["vehicle_id", "token", "", None])
def test_an_unknown_response_type_is_rejected(visit, response_type):
    session = visit(response_type=response_type)
    assert (session.status, "response_type" in session.text) == (400, True)


def test_response_type_code_needs_a_redirect_uri(visit):
    assert visit(redirect_uri=None).status == 400


@pytest.fixture
def reauthenticate():
    """Open the re-authentication of a car at the URL that an error contains."""

    def open_(url, **parameters):
        query = {"redirect_uri": REDIRECT_URI, "state": "again"} | parameters
        browser = ClientBrowser(Client(enforce_csrf_checks=True))
        separator = "&" if "?" in url else "?"
        return Visit(browser, f"{browser.origin}{PREFIX}/", f"{url}{separator}{urlencode(query)}")

    return open_


def test_commands_work_again_after_the_owner_has_reauthenticated(connect_v3, reauthenticate):
    email = "smartcar@voa-000.vehicle-owner-action-required.com"
    car = connect_v3(email, external_id="x-1")
    error = assert_v3_error(
        car("POST", "commands/security/lock"), 400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"
    )
    grants, codes = len(store.grants()), len(store.state().codes)
    callback = reauthenticate(error["resolution"]["url"], external_id="x-1").sign_in(email).callback
    assert callback == {"vehicle_id": car.car.id, "state": "again", "external_id": "x-1"}
    assert car("POST", "commands/security/lock").status_code == 200
    assert (len(store.grants()), len(store.state().codes)) == (grants, codes)


def test_reauthentication_with_another_account_fails(connect_v3, reauthenticate):
    email = "smartcar@voa-000.vehicle-owner-action-required.com"
    car = connect_v3(email)
    connect_v3("other@example.com")
    url = car("POST", "commands/security/lock").json()["errors"][0]["resolution"]["url"]
    for stranger in ("other@example.com", "nobody@example.com"):
        callback = reauthenticate(url).sign_in(stranger).callback
        assert (callback["error"], callback["state"]) == ("no_vehicles", "again")
    assert car("POST", "commands/security/lock").status_code == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("response_type", "code"),
        ("client_id", store.M2M_CLIENT_ID),
        ("vehicle_id", "nonsense"),
        ("redirect_uri", "javascript:alert(1)"),
    ],
)
def test_reauthentication_with_an_invalid_parameter_is_rejected(connect_v3, reauthenticate, name, value):
    query = {"response_type": "vehicle_id", "client_id": store.CLIENT_ID, "vehicle_id": connect_v3().car.id}
    url = f"http://testserver{PREFIX}/connect/oauth/reauthenticate"
    assert reauthenticate(url, **query).status == 200
    session = reauthenticate(url, **(query | {name: value}))
    assert (session.status, name in session.text) == (400, True)
