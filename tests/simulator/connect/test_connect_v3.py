from urllib.parse import urlencode

import pytest
from django.test import Client

from django_smartcar.simulator import store
from tests.simulator.browser import ClientBrowser, Visit
from tests.simulator.conftest import PREFIX, REDIRECT_URI, v3_error_of

NEWER = {"client_id": None, "application_id": store.CLIENT_ID}


def test_the_application_id_opens_connect_when_it_has_its_newer_name(visit):
    answer = visit(**NEWER, external_id="x-1").connect().answer
    assert sorted(answer) == ["code", "external_id", "state", "user_id"]
    assert answer["external_id"] == "x-1"
    assert answer["user_id"] == store.owners()[0].id


@pytest.mark.parametrize("name", ["client_id", "application_id"])
def test_the_id_of_the_token_endpoint_is_refused_by_connect(visit, name):
    run = visit(**({"client_id": None} | {name: store.M2M_CLIENT_ID}))
    assert (run.status, run.landed) == (400, None)
    assert name in run.text


def test_no_code_is_sent_when_the_setting_says_so(visit, settings):
    settings.SMARTCAR_SIMULATOR_CODES = False
    answer = visit().connect().answer
    assert answer == {"user_id": store.owners()[0].id, "state": "the-state"}
    assert store.state().codes == {}
    assert len(store.grants()) == 1


def test_no_code_is_sent_when_none_is_asked_for(visit, v3):
    answer = visit(response_type="none").connect().answer
    assert answer == {"user_id": store.owners()[0].id, "state": "the-state"}
    assert v3("GET", "connections", answer["user_id"]).json()["meta"]["totalCount"] == 1


def test_the_visit_ends_at_connect_when_there_is_nowhere_to_go(visit):
    run = visit(response_type="none", redirect_uri=None).connect()
    assert run.landed is None
    assert (run.status, "Your car is connected" in run.text) == (200, True)
    assert len(store.grants()) == 1
    run = visit(response_type="none", redirect_uri=None).sign_in("smartcar@server-error.com")
    assert "Your car was not connected" in run.text
    assert len(store.grants()) == 1


@pytest.mark.parametrize("response_type", ["vehicle_id", "token", "", None])
def test_connect_refuses_when_the_response_type_is_unknown(visit, response_type):
    run = visit(response_type=response_type)
    assert (run.status, "response_type" in run.text) == (400, True)


def test_a_redirect_is_needed_when_a_code_is_asked_for(visit):
    assert visit(redirect_uri=None).status == 400


@pytest.fixture
def again():
    """Opens the re-authentication of a car, as an application that was given its address does."""

    def open_(url, **parameters):
        query = {"redirect_uri": REDIRECT_URI, "state": "again"} | parameters
        browser = ClientBrowser(Client(enforce_csrf_checks=True))
        glue = "&" if "?" in url else "?"
        return Visit(browser, f"{browser.origin}{PREFIX}/", f"{url}{glue}{urlencode(query)}")

    return open_


def test_a_car_obeys_again_when_its_owner_has_signed_in_again(driven, again):
    email = "smartcar@voa-000.vehicle-owner-action-required.com"
    car = driven(email, external_id="x-1")
    error = v3_error_of(
        car("POST", "commands/security/lock"), 400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"
    )
    grants, codes = len(store.grants()), len(store.state().codes)
    answer = again(error["resolution"]["url"], external_id="x-1").sign_in(email).answer
    assert answer == {"vehicle_id": car.car.id, "state": "again", "external_id": "x-1"}
    assert car("POST", "commands/security/lock").status_code == 200
    assert (len(store.grants()), len(store.state().codes)) == (grants, codes)


def test_the_application_is_told_when_somebody_else_signs_in(driven, again):
    email = "smartcar@voa-000.vehicle-owner-action-required.com"
    car = driven(email)
    driven("other@example.com")
    url = car("POST", "commands/security/lock").json()["errors"][0]["resolution"]["url"]
    for stranger in ("other@example.com", "nobody@example.com"):
        answer = again(url).sign_in(stranger).answer
        assert (answer["error"], answer["state"]) == ("no_vehicles", "again")
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
def test_signing_in_again_is_refused_when_the_address_is_wrong(driven, again, name, value):
    query = {"response_type": "vehicle_id", "client_id": store.CLIENT_ID, "vehicle_id": driven().car.id}
    url = f"http://testserver{PREFIX}/connect/oauth/reauthenticate"
    assert again(url, **query).status == 200
    run = again(url, **(query | {name: value}))
    assert (run.status, name in run.text) == (400, True)
