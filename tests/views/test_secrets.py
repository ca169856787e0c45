"""No local variable of the views shows a secret or a position to an error tracker."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from django_smartcar.services import commands, connect, readings, webhooks
from django_smartcar.views.connect import callback
from django_smartcar.views.presenters import VehiclePresenter

pytestmark = pytest.mark.django_db

CALLBACK = "/cars/callback/"


def fail(*args, **kwargs):
    raise RuntimeError("a bug in the middle")


def local_variables(error):
    """Return the repr and str of every local variable of the views' frames."""
    texts, traceback = [], error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if "django_smartcar/views" in frame.f_code.co_filename:
            texts += [f"{name}: {value!r} {value}" for name, value in frame.f_locals.items()]
        traceback = traceback.tb_next
    assert texts
    return "\n".join(texts)


@pytest.fixture
def annas(client, anna):
    """Log in as Anna; return her browser."""
    client.force_login(anna)
    return client


@pytest.mark.parametrize("broken", ["consume", "complete"])
def test_the_callback_shows_no_code_state_or_external_id(annas, monkeypatch, broken):
    monkeypatch.setattr(connect, broken, fail)
    if broken == "complete":
        monkeypatch.setattr(connect, "consume", lambda *args, **kwargs: Attempt())
    query = {"code": "secret-code", "state": "secret-state", "external_id": "secret-id", "x": "secret-x"}
    with pytest.raises(RuntimeError) as caught:
        annas.get(CALLBACK, query)
    assert "secret-" not in local_variables(caught.value)


class Attempt:
    vehicle_id = None
    api_version = "3"


def test_the_page_that_repeats_the_callback_shows_no_code_or_state(client, monkeypatch):
    monkeypatch.setattr("django_smartcar.views.connect.render", fail)
    with pytest.raises(RuntimeError) as caught:
        client.get(CALLBACK, {"code": "secret-code", "state": "secret-state"})
    assert "secret-" not in local_variables(caught.value)


def test_the_button_shows_no_state(annas, monkeypatch):
    monkeypatch.setattr(connect, "begin", lambda *args, **kwargs: "https://example.com/?state=secret-state")
    monkeypatch.setattr("django_smartcar.views.connect.ConnectRedirect", fail)
    with pytest.raises(RuntimeError) as caught:
        annas.post(reverse("smartcar:connect"))
    assert "secret-" not in local_variables(caught.value)


def test_the_redirect_to_connect_shows_neither_state_nor_external_id(annas, smartcar):
    """A middleware that fails afterwards has the response among its variables."""
    response = annas.post(reverse("smartcar:connect"))
    assert "&state=" in response.url
    assert repr(response) == f"{response}" == "<ConnectRedirect status_code=302>"


def test_the_callback_clears_its_query_under_asgi(async_rf, anna, monkeypatch):
    request = async_rf.get(
        CALLBACK, {"code": "secret-code"}, headers={"Referer": "https://x/?secret-referer"}
    )
    request.user = anna
    monkeypatch.setattr(connect, "consume", fail)
    assert "secret-code" in f"{request.scope}"
    assert "secret-referer" in f"{request.scope}"
    with pytest.raises(AttributeError, match="session"):
        callback(request)
    assert "secret-" not in f"{request.scope} {request.META}"
    assert request.headers["Host"] == "testserver"


def test_the_page_of_vehicles_shows_its_positions_to_the_browser_only(
    annas, make_vehicle, account, monkeypatch
):
    vehicle = make_vehicle(account, permissions=["read_location"])
    readings.save(vehicle, "location", {"latitude": 48.1371, "longitude": 11.5764}, "", timezone.now())
    page = annas.get(f"/cars/{vehicle.pk}/")
    assert "48.1371, 11.5764" in page.text
    (row,) = page.context["vehicle"].display_rows
    assert row.text == "48.1371, 11.5764"
    assert "48.1371" not in f"{row} {row!r}"
    monkeypatch.setattr(VehiclePresenter, "_at", fail)
    with pytest.raises(RuntimeError) as caught:
        annas.get(f"/cars/{vehicle.pk}/")
    assert "48.1371" not in local_variables(caught.value)


def test_the_webhook_shows_no_body_and_no_signature(client, monkeypatch):
    monkeypatch.setattr(webhooks, "receive", fail)
    body = json.dumps({"vin": "secret-vin", "data": {"latitude": 52.5}})
    with pytest.raises(RuntimeError) as caught:
        client.post(
            "/cars/webhook/",
            body,
            content_type="application/json",
            headers={"SC-Signature": "secret-signature"},
        )
    shown = local_variables(caught.value)
    assert "secret-" not in shown
    assert "52.5" not in shown


def test_a_destination_is_not_shown(annas, make_vehicle, account, monkeypatch):
    vehicle = make_vehicle(account, permissions=["control_navigation"])
    monkeypatch.setattr(commands, "enqueue", fail)
    with pytest.raises(RuntimeError) as caught:
        annas.post(
            f"/cars/{vehicle.pk}/command/send_destination/", {"latitude": "48.125", "longitude": "11.5"}
        )
    assert not {"48.125", "11.5"} & set(local_variables(caught.value).replace(",", " ").split())
