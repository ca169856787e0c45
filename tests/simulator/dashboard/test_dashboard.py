import re
import textwrap

import pytest
from django.test import Client

from django_smartcar.simulator import store
from django_smartcar.simulator.dashboard.vehicle_forms import path_choices
from django_smartcar.simulator.errors.table import ERRORS
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.webhooks import notify, queue, registry
from tests.simulator.browser import ClientBrowser, Visit
from tests.simulator.conftest import PREFIX, error_of
from tests.simulator.program import ROOT

GARAGE = f"{PREFIX}/garage/"


@pytest.fixture
def garage():
    """Opens a page of the garage, as a browser of its own; CSRF is checked as in real life."""

    def open_(path=""):
        browser = ClientBrowser(Client(enforce_csrf_checks=True))
        home = f"{browser.origin}{PREFIX}/"
        return Visit(browser, home, f"{browser.origin}{GARAGE}{path}")

    return open_


@pytest.fixture
def page(garage, volt):
    """The page of the car."""
    return garage(f"cars/{volt.id}/")


def test_the_cars_are_listed_when_somebody_has_connected_them(garage, connect):
    assert "No car is here yet" in garage().text
    connect("3-vehicles@smartcar.com")
    text = garage().text
    for car in store.cars():
        assert f'href="{GARAGE}cars/{car.id}/"' in text
        assert car.vin in text
    assert text.count("Parked") == 3


def test_a_car_can_be_connected_without_an_application_when_there_is_none(garage, visit):
    text = garage().text
    assert f"{PREFIX}/connect/oauth/authorize?response_type=none&amp;client_id={store.CLIENT_ID}" in text
    visit(response_type="none", redirect_uri=None, state=None, scope=None).connect()
    assert "Volt" in garage().text


def test_the_garage_is_found_when_somebody_reads_what_this_is(garage):
    home = garage()
    home.open(f"http://testserver{PREFIX}/")
    assert f'href="{GARAGE}"' in home.text


@pytest.mark.parametrize("path", ["", "webhooks/", "rules/", "cars/{id}/", "cars/{id}/errors/"])
def test_no_page_runs_or_fetches_anything_when_it_is_read(garage, volt, path):
    visit = garage(path.format(id=volt.id))
    assert visit.status == 200
    assert "<script" not in visit.text
    assert "style=" not in visit.text
    assert "onclick" not in visit.text


@pytest.mark.parametrize("path", ["cars/nonsense/", "cars/nonsense/errors/", "webhooks/nonsense/"])
def test_a_page_is_missing_when_there_is_no_such_thing(garage, path):
    assert garage(path).status == 404


@pytest.mark.parametrize("path", ["", "webhooks/", "rules/", "cars/{id}/", "cars/{id}/errors/"])
def test_another_sites_form_is_refused_when_it_is_posted(volt, path):
    client = Client(enforce_csrf_checks=True)
    response = client.post(GARAGE + path.format(id=volt.id), {"do": "state", "state": "driving"})
    assert response.status_code == 403
    assert volt.car.state == "parked"


@pytest.mark.parametrize("path", ["webhooks/", "rules/", "cars/{id}/"])
def test_another_sites_form_is_refused_when_the_site_itself_checks_none(volt, settings, path):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]
    response = Client(enforce_csrf_checks=True).post(GARAGE + path.format(id=volt.id), {"do": "state"})
    assert response.status_code == 403


def test_the_applications_see_it_when_a_car_changes_its_state(page, volt):
    page.press("state-driving")
    assert (page.status, volt.car.state) == (200, "driving")
    assert 'role="status"' in page.text
    error_of(volt("POST", "security", {"action": "LOCK"}), 409, "VEHICLE_STATE", "IN_MOTION")
    page.press("state-asleep")
    error_of(volt("GET", "odometer"), 409, "VEHICLE_STATE", "ASLEEP")


def test_a_car_without_a_plug_cannot_charge_when_somebody_asks_for_it(garage, connect):
    connect(make="HONDA")
    page = garage(f"cars/{store.cars()[0].id}/")
    assert "state-charging" not in page.page.ids
    page.press("state-parked", state="charging")
    assert page.status in (200, 400)
    assert store.cars()[0].state == "parked"


def test_the_applications_see_it_when_a_cars_facts_are_changed(page, volt):
    page.press(
        "facts-button",
        odometer_km="12345.6",
        battery="50",
        fuel="25",
        charge_limit="70",
        latitude="48.1",
        longitude="11.5",
        is_locked="on",
    )
    assert page.status == 200
    assert volt("GET", "odometer").json() == {"distance": 12345.6}
    assert volt("GET", "location").json() == {"latitude": 48.1, "longitude": 11.5}
    assert volt("GET", "battery").json()["percentRemaining"] == 0.5
    assert volt("GET", "fuel").json()["percentRemaining"] == 0.25
    assert volt("GET", "charge/limit").json() == {"limit": 0.7}
    assert volt("GET", "security").json()["isLocked"] is True
    assert volt("GET", "charge").json()["isPluggedIn"] is True
    page.press("facts-button", untick=("on",))
    assert volt("GET", "security").json()["isLocked"] is False
    assert volt("GET", "charge").json() == {"isPluggedIn": False, "state": "NOT_CHARGING"}


def test_only_what_was_changed_is_changed_when_the_page_is_an_old_one(page, volt):
    volt("POST", "security", {"action": "LOCK"})
    volt("POST", "charge/limit", {"limit": 0.6})
    battery_range = volt("GET", "battery").json()
    page.press("facts-button", odometer_km="99")
    assert volt.car.is_locked
    assert volt.car.charge_limit == 0.6
    assert volt.car.odometer_km == 99
    assert volt("GET", "battery").json() == battery_range


@pytest.mark.parametrize(
    "wrong",
    [
        {"odometer_km": "-1"},
        {"odometer_km": "nan"},
        {"odometer_km": "1e400"},
        {"battery": "101"},
        {"latitude": "91"},
        {"longitude": ""},
        {"charge_limit": "49"},
    ],
)
def test_a_car_stays_as_it_is_when_a_fact_is_wrong(page, volt, wrong):
    before = dict(vars(volt.car))
    page.press("facts-button", **wrong)
    assert page.status == 400
    assert 'class="errorlist"' in page.text
    assert f'value="{next(iter(wrong.values()))}"' in page.text or wrong == {"longitude": ""}
    assert vars(volt.car) == before


def test_a_driving_car_is_not_plugged_in_when_somebody_asks_for_it(page, volt):
    page.press("state-driving")
    page.press("facts-button", is_plugged_in="on")
    assert page.status == 400
    assert not volt.car.is_plugged_in


@pytest.mark.parametrize("do", ["", "nonsense", "__init__"])
def test_nothing_is_done_when_the_form_is_none_of_the_pages(page, volt, do):
    page.press("state-driving", do=do)
    assert page.status == 404
    assert volt.car.state == "parked"


def test_every_pair_stands_in_the_table_when_errors_are_provoked(garage, volt):
    text = garage(f"cars/{volt.id}/errors/").text
    for pair in ERRORS:
        assert f'value="{injection.fault_name(*pair)}"' in text
    assert 'value="GATEWAY_TIMEOUT"' in text


def post(garage, path, /, **fields):
    """Post what a page's form would, with its token."""
    visit = garage(path)
    token = next(value for name, value in visit.page.forms[0].fields if name == "csrfmiddlewaretoken")
    return visit.open(visit.url, "POST", [("csrfmiddlewaretoken", token), *fields.items()])


def test_an_error_is_provoked_and_taken_back_when_the_table_is_used(garage, volt):
    path = f"cars/{volt.id}/errors/"
    post(garage, path, do="fault", path="", fault="VEHICLE_STATE:DOOR_OPEN")
    error_of(volt("GET", "odometer"), 409, "VEHICLE_STATE", "DOOR_OPEN")
    assert "VEHICLE_STATE:DOOR_OPEN" in garage(f"cars/{volt.id}/").text
    post(garage, path, do="fault", path="", fault="")
    assert volt("GET", "odometer").status_code == 200
    post(garage, path, do="fault", path="GET odometer", fault="UPSTREAM:NO_RESPONSE")
    error_of(volt("GET", "odometer"), 502, "UPSTREAM", "NO_RESPONSE")
    assert volt("GET", "location").status_code == 200
    assert "1 error" in garage().text
    post(garage, path, do="fault", path="GET odometer")
    assert volt("GET", "odometer").status_code == 200
    answer = post(garage, path, do="fault", path="", fault="NON:SENSE")
    assert answer.status == 400


def test_every_path_that_is_offered_is_one_when_it_fails(garage, volt):
    offered = [value for _, group in path_choices()[1:] for value, _ in group]
    assert len(offered) == len(set(offered))
    for value in offered:
        post_status = post(
            garage, f"cars/{volt.id}/errors/", do="fault", path=value, fault="PERMISSION"
        ).status
        assert post_status == 200
    assert list(volt.car.faults) == [value.strip() for value in offered]
    assert volt("GET", "").status_code == volt("POST", "batch", {}).status_code == 403


def test_answers_are_delayed_when_the_page_says_so(garage, volt):
    path = f"cars/{volt.id}/errors/"
    post(garage, path, do="latency", path="", seconds="2.5")
    post(garage, path, do="latency", path="GET fuel", seconds="9")
    assert volt.car.latencies == {"*": 2.5, "GET fuel": 9}
    post(garage, path, do="latency", path="")
    assert volt.car.latencies == {"GET fuel": 9}
    assert post(garage, path, do="latency", path="", seconds="1e9").status == 400


# Webhooks


@pytest.fixture
def registered(garage, receiver, settings):
    """The page of a webhook that was registered over the garage."""
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False

    def register(**fields):
        page = garage("webhooks/")
        fields = {"name": "Everything", "callback_uri": receiver.url, **fields}
        page.press("register-button", **fields)
        queue.run()
        return page

    return register


def test_a_webhook_is_registered_and_verified_when_its_receiver_knows_the_token(registered, receiver):
    page = registered()
    assert page.status == 200
    assert "Not verified" in page.text  # it has not been asked yet
    assert "Not verified" not in page.open(page.url).text
    assert [one.kind for one in receiver.received] == ["VERIFY"]
    receiver.token = "another token"
    page.press("verify-button")
    queue.run()
    assert "Not verified" in page.open(page.url).text


@pytest.mark.parametrize(
    "address", ["", "nonsense", "ftp://x/", "javascript:alert(1)", "https://", "http://[x/"]
)
def test_a_webhook_is_refused_when_its_address_is_none(registered, address):
    page = registered(callback_uri=address)
    assert page.status == 400
    assert store.state().webhooks == {}


def test_a_page_looks_again_by_itself_when_something_is_under_way(garage, volt, registered):
    page = garage("webhooks/")
    assert 'http-equiv="refresh"' not in page.text
    page.press("register-button", name="x", callback_uri="http://127.0.0.1:9/")
    assert 'http-equiv="refresh"' in page.text
    queue.run()
    assert 'http-equiv="refresh"' not in page.open(page.url).text


def test_cars_are_told_of_when_they_are_subscribed(registered, garage, volt, receiver):
    page = registered()
    assert volt.car.vin in page.text
    path = f"webhooks/{next(iter(store.state().webhooks))}/"
    post(garage, path, do="subscribe", vehicle=volt.id, is_subscribed="on")
    post(garage, path, do="subscribe", vehicle=volt.id, is_subscribed="on")
    queue.run()
    assert [one.kind for one in receiver.events] == ["VEHICLE_STATE"]
    garage(f"cars/{volt.id}/").press("state-driving")
    queue.run()
    assert receiver.events[-1].body["data"]["triggers"]
    assert "VEHICLE_STATE" in garage(f"cars/{volt.id}/").text
    post(garage, path, do="subscribe", vehicle=volt.id)
    garage(f"cars/{volt.id}/").press("state-parked")
    assert queue.run() == 0
    assert post(garage, path, do="subscribe", vehicle="nonsense", is_subscribed="on").status == 200
    assert store.state().subscriptions[volt.id] == []


def test_an_error_is_told_when_it_is_provoked_and_taken_back(registered, garage, volt, receiver):
    registered(auto_subscribe="on")
    path = f"cars/{volt.id}/errors/"
    post(garage, path, do="fault", path="", fault="VEHICLE_STATE:DOOR_OPEN")
    post(garage, path, do="fault", path="", fault="")
    queue.run()
    states = [one.body["data"]["errors"][0]["state"] for one in receiver.events if "ERROR" in one.kind]
    assert states == ["ERROR", "RESOLVED"]


def test_every_car_is_subscribed_when_the_webhook_wants_every_car(registered, volt, connect):
    registered(auto_subscribe="on")
    connect("other@example.com")
    assert [len(ids) for ids in store.state().subscriptions.values()] == [1, 1]


@pytest.mark.parametrize(
    ("version", "fields", "kind"),
    [
        ("4.0", {"kind": "VEHICLE_STATE", "trigger": "closure-islocked"}, "VEHICLE_STATE"),
        ("4.0", {"kind": "VEHICLE_STATE", "is_test": "on"}, "VEHICLE_STATE"),
        ("4.0", {"kind": "VEHICLE_ERROR", "fault": "VEHICLE_STATE:ASLEEP"}, "VEHICLE_ERROR"),
        ("4.0", {"kind": "RESOLVED", "fault": "PERMISSION"}, "VEHICLE_ERROR"),
        ("2.0", {"kind": "schedule"}, "schedule"),
        ("2.0", {"kind": "CHARGING_STARTED"}, "eventBased"),
        ("2.0", {"kind": "CHARGING_STOPPED"}, "eventBased"),
        ("2.0", {"kind": "CHARGING_COMPLETED"}, "eventBased"),
    ],
)
def test_any_event_is_sent_when_the_page_says_so(registered, volt, receiver, version, fields, kind):
    page = registered(version=version)
    page.press("send-button", **fields)
    queue.run()
    (event,) = receiver.events
    assert (event.kind, event.is_signed) == (kind, True)
    if "is_test" in fields:
        assert event.body["meta"]["mode"] == "TEST"
    if fields["kind"] == "RESOLVED":
        assert event.body["data"]["errors"][0]["state"] == "RESOLVED"


def test_the_page_says_so_when_there_is_no_car_to_send(registered):
    page = registered()
    page.press("send-button")
    assert page.status == 400
    assert "Connect a car first" in page.text


def test_events_go_wrong_on_the_way_when_the_page_says_so(registered, volt, receiver):
    page = registered()
    page.press("mischief-button", copies="2", delay="30", corruption="signature", is_reordered="on")
    assert page.status == 200
    page.press("send-button")
    assert queue.run() == 0
    store.advance(31)
    assert queue.run() == 2
    assert not any(one.is_signed for one in receiver.events)
    page.press("mischief-button", copies="0")
    assert page.status == 400


def test_a_webhook_is_off_and_gone_when_the_page_says_so(registered, garage, volt, receiver):
    page = registered(auto_subscribe="on")
    page.press("enable-button")
    (webhook,) = store.state().webhooks.values()
    assert not webhook.is_enabled
    page.press("enable-button")
    assert webhook.is_enabled
    receiver.response = (503, {}, b"")
    queue.run()
    page.press("delete-button")
    assert page.status == 200
    assert store.state().webhooks == {}
    store.advance(1000)
    assert queue.run() == 0
    assert {one.outcome for one in queue.log()} <= {"delivered", "dropped"}
    assert volt("GET", "odometer").status_code == 200


def test_what_was_sent_can_be_read_when_it_has_been(registered, garage, volt, receiver):
    page = registered()
    receiver.response = (503, {}, b"")
    page.press("send-button")
    queue.run()
    text = garage("webhooks/").text
    assert "503" in text
    assert "Waiting" in text
    assert "tractionbattery-stateofcharge" in text
    assert store.MANAGEMENT_TOKEN not in text


def test_the_code_of_the_readme_does_the_same_when_it_is_typed(volt, receiver, settings):
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False
    readme = (ROOT / "README.rst").read_text()
    (block,) = re.findall(r"\n\n((?:    .*\n|\n)+)", readme[readme.index("does\nthe same from code:") :])[:1]
    names = {}
    exec(textwrap.dedent(block).replace("http://127.0.0.1:8000/hook/", receiver.url), names)  # noqa: S102
    assert names["webhook"] in store.state().webhooks.values()
    assert queue.run() == 2
    assert [one.kind for one in receiver.received] == ["VERIFY", "VEHICLE_STATE"]
    error_of(volt("GET", "odometer"), 502, "UPSTREAM", "NO_RESPONSE")
    error_of(volt("GET", "location"), 409, "VEHICLE_STATE", "ASLEEP")


# The clock and the limits


def test_time_passes_when_a_button_is_pressed(garage, volt):
    with notify.changing(volt.car):
        volt.car.condition, volt.car.evolved_at = "driving", store.now()
    before, began = volt.car.odometer_km, store.now()
    page = garage("rules/")
    page.press("leap-3600")
    assert page.status == 200
    assert (store.now() - began).total_seconds() >= 3600
    assert volt.car.odometer_km == pytest.approx(before + 60)
    page.press("leap-3600", seconds="-5")
    page.press("leap-3600", seconds="1e300")
    assert (store.now() - began).total_seconds() < 3 * 3600 + 60


def test_limits_hold_when_the_page_says_so(garage, volt):
    page = garage("rules/")
    page.press("limits-button", bucket_size="1")
    assert page.status == 200
    assert volt("GET", "odometer").status_code == 200
    error_of(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    page.press("forget-button")
    assert volt("GET", "odometer").status_code == 200
    page.press("limits-button", bucket_size="", monthly_requests="0")
    error_of(volt("GET", "odometer"), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    page.press("limits-button", bucket_size="nonsense")
    assert page.status == 400


def test_a_host_fails_when_the_page_says_so(garage, api, volt):
    page = garage("rules/")
    page.press("host-fault-button", path="vehicles", fault="SERVER:INTERNAL")
    error_of(api("GET", "vehicles", volt.token), 500, "SERVER", "INTERNAL")
    page.press("host-fault-button", path="vehicles", fault="")
    assert api("GET", "vehicles", volt.token).status_code == 200


def test_a_webhook_made_from_code_stands_there_when_the_page_is_read(garage):
    registry.add("From code", "https://app.example.com/hook")
    assert "From code" in garage("webhooks/").text
