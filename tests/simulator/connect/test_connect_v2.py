import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.vehicles.catalog import MAKES
from tests.simulator.conftest import PREFIX, REDIRECT_URI


def test_connect_redirects_to_the_application_with_a_code_after_all_pages(visit):
    session = visit(external_id="x-1")
    assert "continue-button" in session.page.ids
    session.press("continue-button")
    assert set(MAKES) <= session.page.ids
    assert 'id="CHEVROLET" class="brand-list-item"' in session.text
    session.press("CHEVROLET")
    assert {"username", "password", "sign-in-button"} <= session.page.ids
    session.press("sign-in-button", username="Driver@Example.com", password="x")
    assert {"approval-button", "deny-button", "scope-read_vin"} <= session.page.ids
    assert 'class="page-content"' in session.text
    session.press("approval-button")
    assert session.landed.startswith(f"{REDIRECT_URI}?")
    assert list(session.callback) == ["code", "state", "user_id", "external_id"]
    assert session.callback["state"] == "the-state"
    assert session.callback["user_id"] == store.owner("driver@example.com").id
    assert session.callback["external_id"] == "x-1"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("kia", {"KIA"}),
        ("ROVER", {"LAND_ROVER"}),
        ("citroen", {"CITROEN"}),
        ("citroën", {"CITROEN"}),
        ("mercedes b", {"MERCEDES_BENZ"}),
        ("batmobile", set()),
        ("", set(MAKES)),
    ],
)
def test_brands_can_be_searched(visit, search, found):
    session = visit().press("continue-button")
    assert 'type="search" id="brand-search"' in session.text
    assert 'for="brand-search"' in session.text
    session.press("brand-search-button", search=search)
    assert set(MAKES) & session.page.ids == found
    if search:
        assert set(MAKES) <= session.follow("all-brands").page.ids


def test_a_searched_brand_can_be_chosen(visit):
    session = visit().press("continue-button").press("brand-search-button", search="kia").press("KIA")
    session.press("sign-in-button", username="driver@example.com", password="x").press("approval-button")
    assert session.callback["code"]
    assert [car.make for car in store.cars()] == ["KIA"]


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"client_id": "another-client"}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"application_id": "another-client"}, "application_id"),
        ({"response_type": "token"}, "response_type"),
        ({"response_type": None}, "response_type"),
        ({"redirect_uri": "not an address"}, "redirect_uri"),
        ({"redirect_uri": "javascript://x/%0aalert(1)"}, "redirect_uri"),
        ({"redirect_uri": "https://app.example.com/\r\nSet-Cookie: a=b"}, "redirect_uri"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"scope": "read_minds"}, "scope"),
        ({"scope": "read_vin required:read_vin"}, "scope"),
        ({"mode": "dream"}, "mode"),
        ({"approval_prompt": "never"}, "approval_prompt"),
        ({"single_select": "perhaps"}, "single_select"),
        ({"make": "BATMOBILE"}, "make"),
    ],
)
def test_an_invalid_parameter_is_named_on_an_error_page(visit, wrong, parameter):
    session = visit(**wrong)
    assert session.status == 400
    assert f"400: Invalid parameter {parameter}" in session.text
    assert session.landed is None


def test_a_redirect_uri_can_have_the_custom_scheme_of_a_mobile_application(visit):
    session = visit(redirect_uri="sc5c3a9f1e://exchange").connect()
    assert session.landed.startswith("sc5c3a9f1e://exchange?code=")


def test_the_query_string_of_the_redirect_uri_is_preserved(visit):
    callback = visit(redirect_uri=f"{REDIRECT_URI}?tenant=7").connect().callback
    assert callback["tenant"] == "7"
    assert callback["state"] == "the-state"


def test_the_brand_list_is_skipped_when_the_url_has_a_make(visit):
    session = visit(make="land rover").press("continue-button")
    assert "Sign in to Land Rover" in session.text
    session.press("sign-in-button", username="a@example.com", password="x").press("approval-button")
    assert store.cars()[0].make == "LAND_ROVER"


def test_application_id_is_accepted_in_place_of_client_id(visit):
    assert visit(client_id=None, application_id=store.CLIENT_ID).connect().callback["code"]


@pytest.mark.parametrize(("email", "password"), [("", "x"), ("no-at-sign", "x"), ("a@example.com", "")])
def test_sign_in_with_a_missing_field_shows_an_error(visit, email, password):
    session = visit().press("continue-button").press("TESLA")
    session.press("sign-in-button", username=email, password=password)
    assert session.status == 400
    assert 'role="alert"' in session.text
    assert store.cars() == []


@pytest.mark.parametrize("buttons", [[], ["continue-button"], ["continue-button", "FORD"]])
def test_the_driver_can_exit_from_every_page(visit, buttons):
    session = visit()
    for button in buttons:
        session.press(button)
    session.follow("exit-link")
    assert session.callback["error"] == "user_manually_returned_to_application"
    assert session.callback["state"] == "the-state"


def test_the_external_id_null_removes_the_external_id(visit):
    visit(external_id="x-1").connect()
    callback = visit(external_id="null").connect().callback
    assert "external_id" not in callback
    assert store.owners()[0].external_id is None


def test_clicking_the_last_button_twice_redirects_to_the_same_url(visit):
    session = visit().sign_in()
    first = session.press("approval-button").landed
    assert session.press("approval-button").landed == first
    assert len(store.grants()) == 1


def test_a_page_of_a_finished_session_says_that_the_session_has_ended(visit):
    session = visit().sign_in()
    address = session.url
    session.press("approval-button")
    assert session.open(address).status == 410
    assert "Go back to the application" in session.text


@pytest.mark.parametrize("page", ["", "brands/", "sign-in/", "approval/", "exit/"])
def test_an_unknown_session_has_ended(client, page):
    assert client.get(f"{PREFIX}/connect/no-such-session/{page}").status_code == 410


def test_approval_before_signing_in_redirects_to_the_start(visit):
    session = visit()
    session.open(f"{session.url}approval/")
    assert "continue-button" in session.page.ids


def test_a_cross_site_post_is_rejected(visit):
    session = visit().sign_in()
    session.press("approval-button", csrfmiddlewaretoken="forged")
    assert session.status == 403
    assert store.grants() == []


@pytest.mark.parametrize("buttons", [[], ["continue-button"], ["continue-button", "FORD"]])
def test_no_page_has_scripts_or_inline_styles(visit, buttons):
    session = visit()
    for button in buttons:
        session.press(button)
    assert "<script" not in session.text
    assert "style=" not in session.text
    assert "<style" not in session.text
    assert "//cdn" not in session.text
    assert '<html lang="en"' in session.text
