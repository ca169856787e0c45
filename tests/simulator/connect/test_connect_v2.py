import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.vehicles.catalog import MAKES
from tests.simulator.conftest import PREFIX, REDIRECT_URI


def test_the_driver_comes_back_with_a_code_when_every_page_is_walked(visit):
    run = visit(external_id="x-1")
    assert "continue-button" in run.page.ids
    run.press("continue-button")
    assert set(MAKES) <= run.page.ids
    assert 'id="CHEVROLET" class="brand-list-item"' in run.text
    run.press("CHEVROLET")
    assert {"username", "password", "sign-in-button"} <= run.page.ids
    run.press("sign-in-button", username="Driver@Example.com", password="x")
    assert {"approval-button", "deny-button", "scope-read_vin"} <= run.page.ids
    run.press("approval-button")
    assert run.landed.startswith(f"{REDIRECT_URI}?")
    assert list(run.answer) == ["code", "state", "user_id", "external_id"]
    assert run.answer["state"] == "the-state"
    assert run.answer["user_id"] == store.owner("driver@example.com").id
    assert run.answer["external_id"] == "x-1"


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"client_id": "somebody-else"}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"application_id": "somebody-else"}, "application_id"),
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
def test_a_page_says_what_is_wrong_when_the_address_is(visit, wrong, parameter):
    run = visit(**wrong)
    assert run.status == 400
    assert f"400: Invalid parameter {parameter}" in run.text
    assert run.landed is None


def test_only_registered_redirect_uris_are_taken_when_there_are_any(visit, settings):
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = ["https://other.example.com/", REDIRECT_URI]
    assert visit().connect().landed.startswith(REDIRECT_URI)
    assert visit(redirect_uri="https://evil.example.com/").status == 400
    assert visit(redirect_uri=None).connect("b@example.com").landed.startswith("https://other.example.com/")


def test_an_application_on_a_phone_is_reached_when_its_scheme_is_its_own(visit):
    run = visit(redirect_uri="sc5c3a9f1e://exchange").connect()
    assert run.landed.startswith("sc5c3a9f1e://exchange?code=")


def test_the_redirect_uri_keeps_its_own_query_when_it_has_one(visit):
    answer = visit(redirect_uri=f"{REDIRECT_URI}?tenant=7").connect().answer
    assert answer["tenant"] == "7"
    assert answer["state"] == "the-state"


def test_the_brand_list_is_skipped_when_a_make_is_given(visit):
    run = visit(make="land rover").press("continue-button")
    assert "Sign in to Land Rover" in run.text
    run.press("sign-in-button", username="a@example.com", password="x").press("approval-button")
    assert store.cars()[0].make == "LAND_ROVER"


def test_the_application_id_is_taken_when_a_newer_sdk_sends_it(visit):
    assert visit(client_id=None, application_id=store.CLIENT_ID).connect().answer["code"]


@pytest.mark.parametrize(("email", "password"), [("", "x"), ("no-at-sign", "x"), ("a@example.com", "")])
def test_the_sign_in_page_says_so_when_something_is_missing(visit, email, password):
    run = visit().press("continue-button").press("TESLA")
    run.press("sign-in-button", username=email, password=password)
    assert run.status == 400
    assert 'role="alert"' in run.text
    assert store.cars() == []


@pytest.mark.parametrize("presses", [[], ["continue-button"], ["continue-button", "FORD"]])
def test_the_driver_can_leave_when_on_any_page(visit, presses):
    run = visit()
    for button in presses:
        run.press(button)
    run.follow("exit-link")
    assert run.answer["error"] == "user_manually_returned_to_application"
    assert run.answer["state"] == "the-state"


def test_the_external_id_is_forgotten_when_it_is_null(visit):
    visit(external_id="x-1").connect()
    answer = visit(external_id="null").connect().answer
    assert "external_id" not in answer
    assert store.owners()[0].external_id is None


def test_the_same_answer_comes_when_the_last_button_is_pressed_twice(visit):
    run = visit().sign_in()
    first = run.press("approval-button").landed
    assert run.press("approval-button").landed == first
    assert len(store.grants()) == 1


def test_the_visit_has_ended_when_the_driver_goes_back_afterwards(visit):
    run = visit().sign_in()
    address = run.url
    run.press("approval-button")
    assert run.open(address).status == 410
    assert "Go back to the application" in run.text


@pytest.mark.parametrize("page", ["", "brands/", "sign-in/", "approval/", "exit/"])
def test_the_visit_has_ended_when_its_id_is_unknown(client, page):
    assert client.get(f"{PREFIX}/connect/no-such-visit/{page}").status_code == 410


def test_approval_cannot_be_reached_when_nobody_has_signed_in(visit):
    run = visit()
    run.open(f"{run.url}approval/")
    assert "continue-button" in run.page.ids


def test_a_post_is_refused_when_it_comes_from_another_site(visit):
    run = visit().sign_in()
    run.press("approval-button", csrfmiddlewaretoken="forged")
    assert run.status == 403
    assert store.grants() == []


@pytest.mark.parametrize("presses", [[], ["continue-button"], ["continue-button", "FORD"]])
def test_a_page_needs_no_script_and_no_inline_style_when_the_policy_is_strict(visit, presses):
    run = visit()
    for button in presses:
        run.press(button)
    assert "<script" not in run.text
    assert "style=" not in run.text
    assert "<style" not in run.text
    assert "//cdn" not in run.text
    assert '<html lang="en"' in run.text
