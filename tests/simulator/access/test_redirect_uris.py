from urllib.parse import urlencode

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.access import redirect_uris
from tests.simulator.conftest import REDIRECT_URI

CALLBACK = "https://app.example.com/cars/callback/"


@pytest.fixture(autouse=True)
def checked(settings):
    settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = False


def test_connect_refuses_a_redirect_uri_that_is_not_registered_and_says_how_to_register_it(visit):
    session = visit()
    assert session.status == 400
    assert "400: Invalid parameter redirect_uri" in session.text
    assert f'<code id="unregistered-uri">{REDIRECT_URI}</code>' in session.text
    assert "--redirect-uri" in session.text
    assert "SMARTCAR_SIMULATOR_REDIRECT_URIS" in session.text
    assert session.follow("register-link").status == 200
    assert store.connect_sessions == {}


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/de/cars/callback/",
        "https://app.example.com/cars/callback",
        "https://app.example.com/cars/callback/?x=1",
        "http://app.example.com/cars/callback/",
        "https://app.example.com.evil.example/cars/callback/",
    ],
)
def test_a_redirect_uri_must_be_exactly_a_registered_one(visit, settings, uri):
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = [CALLBACK]
    assert visit(redirect_uri=CALLBACK).connect().landed.startswith(f"{CALLBACK}?code=")
    assert visit(redirect_uri=uri).status == 400


def test_a_redirect_uri_may_be_left_out_if_one_is_registered(visit, settings):
    assert visit(redirect_uri=None).status == 400
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = [CALLBACK, REDIRECT_URI]
    assert visit(redirect_uri=None).connect().landed.startswith(f"{CALLBACK}?code=")


def test_redirect_uris_of_the_settings_and_of_the_garage_are_registered(visit, settings):
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = [CALLBACK]
    redirect_uris.register(REDIRECT_URI)
    redirect_uris.register(REDIRECT_URI)
    redirect_uris.register(CALLBACK)
    assert redirect_uris.registered() == [CALLBACK, REDIRECT_URI]
    assert visit().connect().landed.startswith(REDIRECT_URI)
    redirect_uris.unregister(REDIRECT_URI)
    redirect_uris.unregister(CALLBACK)
    assert redirect_uris.registered() == [CALLBACK]
    assert visit().status == 400


@pytest.mark.parametrize("uri", ["", "/cars/callback/", "javascript://x/%0aalert(1)", "http://[", "a b"])
def test_only_a_full_url_can_be_registered(uri):
    with pytest.raises(ValueError, match="must be a full URL"):
        redirect_uris.register(uri)
    assert redirect_uris.registered() == []


def test_registered_redirect_uris_survive_a_restart(settings, tmp_path):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    redirect_uris.register("sc5c3a9f1e://exchange")
    store.restart()
    assert redirect_uris.registered() == ["sc5c3a9f1e://exchange"]


def test_a_test_can_accept_any_redirect_uri_but_no_unsafe_one(visit, settings):
    assert redirect_uris.is_checked()
    settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = True
    assert not redirect_uris.is_checked()
    assert visit().connect().landed.startswith(REDIRECT_URI)
    session = visit(redirect_uri="javascript://x/%0aalert(1)")
    assert session.status == 400
    assert "unregistered-uri" not in session.text


def test_a_re_authentication_needs_a_registered_redirect_uri(visit, settings):
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = [REDIRECT_URI]
    session = visit().connect()
    (car,) = store.cars()
    url = f"{session.home}connect/oauth/reauthenticate?" + urlencode(
        {"response_type": "vehicle_id", "client_id": store.CLIENT_ID, "vehicle_id": car.id}
    )
    assert session.open(f"{url}&redirect_uri={CALLBACK}").status == 400
    assert session.open(f"{url}&redirect_uri={REDIRECT_URI}").status == 200
