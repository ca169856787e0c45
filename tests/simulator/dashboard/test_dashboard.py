import re
import textwrap

import pytest
from django import forms
from django.test import Client

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion
from django_smartcar.simulator.dashboard.fault_forms import FAULT_FORMS, path_choices
from django_smartcar.simulator.dashboard.history_forms import ArchiveForm, HistoryForm
from django_smartcar.simulator.dashboard.settings_forms import SETTINGS_FORMS
from django_smartcar.simulator.dashboard.vehicle_forms import CAR_FORMS
from django_smartcar.simulator.dashboard.webhook_forms import WEBHOOK_FORMS
from django_smartcar.simulator.errors.table import ERRORS
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.vehicles import charging
from django_smartcar.simulator.webhooks import notify, queue, registry
from tests.simulator.conftest import PREFIX, assert_error
from tests.simulator.dashboard.conftest import GARAGE, post_form
from tests.simulator.program import ROOT

ALL_FORMS = [
    *(form for forms_ in (SETTINGS_FORMS, CAR_FORMS, FAULT_FORMS, WEBHOOK_FORMS) for form in forms_.values()),
    HistoryForm,
    ArchiveForm,
]


@pytest.fixture
def page(garage, volt):
    """Open the page of the vehicle in the garage."""
    return garage(f"cars/{volt.id}/")


def test_connected_cars_are_listed(garage, connect):
    assert "No cars yet" in garage().text
    connect("3-vehicles@smartcar.com")
    text = garage().text
    for car in store.cars():
        assert f'href="{GARAGE}cars/{car.id}/"' in text
        assert car.vin in text
    assert text.count("Parked") == 3


def test_a_car_can_be_connected_without_an_application(garage, visit):
    text = garage().text
    assert f"{PREFIX}/connect/oauth/authorize?response_type=none&amp;client_id={store.CLIENT_ID}" in text
    visit(response_type="none", redirect_uri=None, state=None, scope=None).connect()
    assert "Volt" in garage().text


def test_the_about_page_has_the_tabs_of_the_garage(garage):
    home = garage()
    home.open(f"http://testserver{PREFIX}/")
    for path in ("", "webhooks/", "application/", "rules/"):
        assert f'href="{GARAGE}{path}"' in home.text
    assert f'href="{PREFIX}/" aria-current="page"' in home.text


def test_the_about_page_configures_each_kind_of_client(garage):
    home = garage()
    home.open(f"http://testserver{PREFIX}/")
    site, sdk = (
        dict(re.findall(r"export (\w+)=(\S+)\n", block))
        for block in re.findall(r'<code id="(?:sdk-)?environment">(.*?)</code>', home.text, re.S)
    )
    origin = f"http://testserver{PREFIX}"
    assert site == store.site_environment(origin)
    client = {"SMARTCAR_CLIENT_ID": store.CLIENT_ID, "SMARTCAR_CLIENT_SECRET": store.CLIENT_SECRET}
    assert sdk == client | store.sdk_environment(origin)


@pytest.mark.parametrize("path", ["", "webhooks/", "rules/", "cars/{id}/", "cars/{id}/errors/"])
def test_no_page_has_scripts_or_inline_styles(garage, volt, path):
    visit = garage(path.format(id=volt.id))
    assert visit.status == 200
    assert "<script" not in visit.text
    assert "style=" not in visit.text
    assert "onclick" not in visit.text


@pytest.mark.parametrize("path", ["cars/nonsense/", "cars/nonsense/errors/", "webhooks/nonsense/"])
def test_the_page_of_an_unknown_vehicle_or_webhook_is_not_found(garage, path):
    assert garage(path).status == 404


@pytest.mark.parametrize("path", ["", "webhooks/", "rules/", "cars/{id}/", "cars/{id}/errors/"])
def test_a_cross_site_post_is_rejected(volt, path):
    client = Client(enforce_csrf_checks=True)
    response = client.post(GARAGE + path.format(id=volt.id), {"do": "state", "state": "driving"})
    assert response.status_code == 403
    assert volt.car.state == "parked"


@pytest.mark.parametrize("path", ["webhooks/", "rules/", "cars/{id}/"])
def test_a_cross_site_post_is_rejected_when_the_site_has_no_csrf_middleware(volt, settings, path):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]
    response = Client(enforce_csrf_checks=True).post(GARAGE + path.format(id=volt.id), {"do": "state"})
    assert response.status_code == 403


def test_a_changed_state_shows_in_the_api(page, volt):
    page.press("state-driving")
    assert (page.status, volt.car.state) == (200, "driving")
    assert 'role="status"' in page.text
    assert_error(volt("POST", "security", {"action": "LOCK"}), 409, "VEHICLE_STATE", "IN_MOTION")
    page.press("state-asleep")
    assert_error(volt("GET", "odometer"), 409, "VEHICLE_STATE", "ASLEEP")


@pytest.mark.parametrize(
    ("charge_state", "words"),
    [
        ("CHARGING", "Charging"),
        ("NOT_CHARGING", "Not charging"),
        ("FULLY_CHARGED", "Fully charged"),
        ("PAUSED_BY_GRID", "PAUSED_BY_GRID"),
    ],
)
def test_what_a_car_does_is_told_in_words(garage, volt, charge_state, words):
    volt.car.charge_state = charge_state
    text = garage(f"cars/{volt.id}/").text
    assert f"<dt>Charging</dt><dd>{words}</dd>" in text
    assert "Plug-in hybrid" in text
    assert "live mode" in text


def facts(page):
    """Return the lines of the panel "Now"."""
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.text))


def test_a_charging_car_tells_its_power_energy_and_time(garage, volt):
    page = garage(f"cars/{volt.id}/")
    assert "Power" not in facts(page)
    page.press("facts-button", battery="50", charge_limit="90")
    page.press("state-charging")
    car = volt.car
    shown = facts(page)
    assert (shown["Charging"], shown["Charger"]) == ("Charging", "Socket")
    assert shown["Power"] == f"{charging.kilowatts(car):.1f} kW"
    assert shown["Energy added"] == "0.0 kWh"
    minutes = charging.minutes_left(car)
    assert shown["Time left"] == f"{minutes // 60} h {minutes % 60} min"
    motion.pass_time(1800)
    shown = facts(page.open(page.url))
    assert shown["Energy added"] == f"{charging.kilowatts(car) / 2:.1f} kWh"
    assert charging.minutes_left(car) == minutes - 30


def test_a_driving_car_tells_its_speed_gear_and_heading(garage, volt):
    page = garage(f"cars/{volt.id}/")
    assert "Speed" not in facts(page)
    volt.car.heading = 271.4
    page.press("state-driving")
    assert facts(page)["Speed"] == "60 km/h"
    assert facts(page)["Gear"] == "Drive"
    assert facts(page)["Heading"] == "W (271°)"
    assert "Charging" not in facts(page)


def test_an_electric_car_can_charge_at_a_fast_charger(garage, connect):
    connect(make="TESLA")
    car = store.cars()[-1]
    page = garage(f"cars/{car.id}/")
    page.press("facts-button", battery="20")
    page.press("state-fast_charging")
    assert (car.state, car.is_fast_charger) == ("charging", True)
    assert facts(page)["Charger"] == "Fast charger"
    assert re.search(r'id="state-fast_charging"[^>]*aria-pressed="true"', page.text)
    assert re.search(r'id="state-charging"[^>]*aria-pressed="false"', page.text)


def test_a_plug_in_hybrid_cannot_charge_at_a_fast_charger(garage, page, volt):
    assert "state-fast_charging" not in page.page.ids
    page = post_form(garage, f"cars/{volt.id}/", do="state", state="fast_charging")
    assert page.status == 400
    assert "This car cannot charge this way." in page.text
    assert volt.car.state == "parked"


def test_a_car_without_a_plug_cannot_be_set_to_charging(garage, connect):
    connect(make="HONDA")
    page = garage(f"cars/{store.cars()[0].id}/")
    assert "state-charging" not in page.page.ids
    assert post_form(garage, f"cars/{store.cars()[0].id}/", do="state", state="charging").status == 400
    assert store.cars()[0].state == "parked"


def test_changed_values_show_in_the_api(page, volt):
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


def test_an_outdated_page_changes_only_the_fields_that_were_edited(page, volt):
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
def test_an_invalid_value_changes_nothing(page, volt, wrong):
    before = dict(vars(volt.car))
    page.press("facts-button", **wrong)
    assert page.status == 400
    assert 'class="errorlist"' in page.text
    assert f'Nothing was changed. Correct the field <a href="#facts-{next(iter(wrong))}">' in page.text
    assert f'value="{next(iter(wrong.values()))}"' in page.text or wrong == {"longitude": ""}
    assert vars(volt.car) == before


def test_unplugging_ends_and_records_a_charging_session(page, volt):
    motion.enter(volt.car, "charging")
    motion.pass_time(600)
    page.open(page.url)
    before = len(volt.car.charge_records)
    page.press("facts-button", untick=("on",))
    assert (volt.car.is_plugged_in, volt.car.charge_state, volt.car.charging_since) == (
        False,
        "NOT_CHARGING",
        None,
    )
    (new,) = volt.car.charge_records[before:]
    assert new["energyAdded"] > 0


def test_a_driving_car_cannot_be_plugged_in(page, volt):
    page.press("state-driving")
    page.press("facts-button", is_plugged_in="on")
    assert page.status == 400
    assert not volt.car.is_plugged_in


def test_the_profile_of_a_car_can_be_chosen(page, volt):
    assert f'<option value="documented" selected>{PROFILES["documented"].title}</option>' in page.text
    page.press("profile-button", profile="tesla")
    assert (page.status, volt.car.profile) == (200, "tesla")
    assert "The car uses this profile now." in page.text
    page.press("profile-button", profile="nonsense")
    assert (page.status, volt.car.profile) == (400, "tesla")


@pytest.mark.parametrize("do", ["", "nonsense", "__init__"])
def test_an_unknown_form_is_not_found(page, volt, do):
    page.press("state-driving", do=do)
    assert page.status == 404
    assert volt.car.state == "parked"


def test_the_error_table_has_every_error(garage, volt):
    text = garage(f"cars/{volt.id}/errors/").text
    for pair in ERRORS:
        assert f'value="{injection.fault_name(*pair)}"' in text
    assert 'value="GATEWAY_TIMEOUT"' in text


def test_a_fault_can_be_set_and_removed(garage, volt):
    path = f"cars/{volt.id}/errors/"
    post_form(garage, path, do="fault", path="", fault="VEHICLE_STATE:DOOR_OPEN")
    assert_error(volt("GET", "odometer"), 409, "VEHICLE_STATE", "DOOR_OPEN")
    assert "VEHICLE_STATE:DOOR_OPEN" in garage(f"cars/{volt.id}/").text
    assert "The error is removed." in post_form(garage, path, do="remove_fault", path="").text
    assert volt("GET", "odometer").status_code == 200
    page = post_form(garage, path, do="fault", path="GET odometer", fault="UPSTREAM:NO_RESPONSE")
    assert "The error is set." in page.text
    assert_error(volt("GET", "odometer"), 502, "UPSTREAM", "NO_RESPONSE")
    assert volt("GET", "location").status_code == 200
    assert "1 error" in garage().text
    post_form(garage, path, do="remove_fault", path="GET odometer")
    assert volt("GET", "odometer").status_code == 200
    for wrong in (
        {"do": "fault", "fault": "NON:SENSE"},
        {"do": "fault"},
        {"do": "remove_fault", "path": "fuel"},
    ):
        assert post_form(garage, path, **wrong).status == 400


def test_an_error_that_was_set_from_code_can_be_removed(garage, volt):
    injection.set_fault("UPSTREAM:NO_RESPONSE", "odometer", volt.car, "GET")
    injection.set_fault("SERVER:INTERNAL", "fuel", volt.car)
    path = f"cars/{volt.id}/errors/"
    for name in list(volt.car.faults):
        assert post_form(garage, path, do="remove_fault", path=name).status == 200
    assert volt.car.faults == {}


def groups(page):
    """Return the codes of the errors on the page by type, and the types that are unfolded."""
    shown, unfolded = {}, set()
    for is_open, type_, rest in re.findall(
        r"<details( open)?>\s*<summary>.*?<strong>(\w+)(.*?)</details>", page.text, re.S
    ):
        shown[type_] = re.findall(r'name="fault" value="([\w:]+)"', rest)
        unfolded |= {type_} if is_open else set()
    return shown, unfolded


def test_errors_are_folded_by_type_but_for_the_active_ones(garage, volt):
    path = f"cars/{volt.id}/errors/"
    shown, unfolded = groups(garage(path))
    assert sorted(sum(shown.values(), [])) == sorted([*injection.FAULTS, *injection.V3_FAULTS])
    assert all(injection.type_of(fault) == type_ for type_, faults in shown.items() for fault in faults)
    assert unfolded == set()
    volt.car.fault = "VEHICLE_STATE:ASLEEP"
    injection.set_fault("UPSTREAM:NO_RESPONSE", "odometer", volt.car)
    assert groups(garage(path))[1] == {"VEHICLE_STATE", "UPSTREAM"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search=DOOR_OPEN", {"VEHICLE_STATE": ["VEHICLE_STATE:DOOR_OPEN"]}),
        ("search=door+open", {"VEHICLE_STATE": ["VEHICLE_STATE:DOOR_OPEN"]}),
        ("search=gateway", {"GATEWAY_TIMEOUT": ["GATEWAY_TIMEOUT"]}),
        ("status=504", {"GATEWAY_TIMEOUT": ["GATEWAY_TIMEOUT"]}),
        ("search=rate&status=502", {"UPSTREAM": ["UPSTREAM:RATE_LIMIT"]}),
        ("search=no+such+error", {}),
    ],
)
def test_errors_can_be_searched(garage, volt, query, expected):
    page = garage(f"cars/{volt.id}/errors/?{query}")
    assert groups(page) == (expected, set(expected))
    assert ("No error matches." in page.text) is (expected == {})


def test_a_search_is_kept_when_an_error_is_set(garage, volt):
    page = garage(f"cars/{volt.id}/errors/")
    page.press("filter-button", search="door open")
    page = post_form(
        garage,
        f"cars/{volt.id}/errors/?search=door+open",
        do="fault",
        path="",
        fault="VEHICLE_STATE:DOOR_OPEN",
    )
    assert volt.car.fault == "VEHICLE_STATE:DOOR_OPEN"
    assert list(groups(page)[0]) == ["VEHICLE_STATE"]
    assert "The error is set." in page.text


def test_an_invalid_search_shows_all_errors(garage, volt):
    page = garage(f"cars/{volt.id}/errors/?status=999&search=%00")
    assert page.status == 200
    assert "VEHICLE_STATE" in groups(page)[0]


def test_every_path_of_the_fault_form_exists(garage, volt):
    offered = [value for _, group in path_choices()[1:] for value, _ in group]
    assert len(offered) == len(set(offered))
    for value in offered:
        status = post_form(
            garage, f"cars/{volt.id}/errors/", do="fault", path=value, fault="PERMISSION"
        ).status
        assert status == 200
    assert list(volt.car.faults) == [value.strip() for value in offered]
    assert volt("GET", "").status_code == volt("POST", "batch", {}).status_code == 403


def test_latencies_can_be_set_and_removed(garage, volt):
    path = f"cars/{volt.id}/errors/"
    post_form(garage, path, do="latency", path="", seconds="2.5")
    post_form(garage, path, do="latency", path="GET fuel", seconds="9")
    assert volt.car.latencies == {"*": 2.5, "GET fuel": 9}
    assert "9.0 seconds" in garage(path).text
    assert "2 delays" in garage().text
    assert "The delay is removed." in post_form(garage, path, do="remove_latency", path="*").text
    assert volt.car.latencies == {"GET fuel": 9}
    for wrong in (
        {"seconds": "1e9"},
        {"seconds": ""},
        {"seconds": "0"},
        {"do": "remove_latency", "path": "*"},
    ):
        assert post_form(garage, path, **{"do": "latency", "path": "", **wrong}).status == 400
    assert volt.car.latencies == {"GET fuel": 9}


# Webhooks


@pytest.fixture
def registered(garage, receiver, settings):
    """Register a webhook in the garage and return its page."""
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False

    def register(**fields):
        page = garage("webhooks/")
        fields = {"name": "Everything", "callback_uri": receiver.url, **fields}
        page.press("register-button", **fields)
        queue.run()
        return page

    return register


def test_a_webhook_can_be_registered_and_verified(registered, receiver):
    page = registered()
    assert page.status == 200
    assert "Not verified" in page.text  # the page was loaded before the challenge was answered
    assert "The webhook is registered." in page.text
    assert "Not verified" not in page.open(page.url).text
    assert [one.kind for one in receiver.received] == ["VERIFY"]
    receiver.token = "another token"
    page.press("verify-button")
    queue.run()
    assert "Not verified" in page.open(page.url).text


@pytest.mark.parametrize(
    "address", ["", "nonsense", "ftp://x/", "javascript:alert(1)", "https://", "http://[x/"]
)
def test_a_webhook_with_an_invalid_url_is_rejected(registered, address):
    page = registered(callback_uri=address)
    assert page.status == 400
    assert store.state().webhooks == {}


def test_a_page_says_that_events_are_on_their_way(garage, volt, registered):
    page = garage("webhooks/")
    assert "Reload this page" not in page.text
    page.press("register-button", name="x", callback_uri="http://127.0.0.1:9/")
    assert "Reload this page" in page.text
    queue.run()
    assert "Reload this page" not in page.open(page.url).text


def test_events_are_sent_for_subscribed_cars_only(registered, garage, volt, receiver):
    page = registered()
    assert volt.car.vin in page.text
    path = f"webhooks/{next(iter(store.state().webhooks))}/"
    assert "The car is subscribed." in post_form(garage, path, do="subscribe", vehicle=volt.id).text
    post_form(garage, path, do="subscribe", vehicle=volt.id)
    queue.run()
    assert [one.kind for one in receiver.events] == ["VEHICLE_STATE"]
    garage(f"cars/{volt.id}/").press("state-driving")
    queue.run()
    assert receiver.events[-1].body["data"]["triggers"]
    assert "VEHICLE_STATE" in garage(f"cars/{volt.id}/").text
    assert "The car is unsubscribed." in post_form(garage, path, do="unsubscribe", vehicle=volt.id).text
    post_form(garage, path, do="unsubscribe", vehicle=volt.id)
    garage(f"cars/{volt.id}/").press("state-parked")
    assert queue.run() == 0
    page = post_form(garage, path, do="subscribe", vehicle="nonsense")
    assert page.status == 400
    assert "no longer connected" in page.text
    assert store.state().subscriptions[volt.id] == []


def test_setting_and_removing_a_fault_sends_error_events(registered, garage, volt, receiver):
    registered(auto_subscribe="on")
    path = f"cars/{volt.id}/errors/"
    post_form(garage, path, do="fault", path="", fault="VEHICLE_STATE:DOOR_OPEN")
    post_form(garage, path, do="remove_fault", path="")
    queue.run()
    states = [one.body["data"]["errors"][0]["state"] for one in receiver.events if "ERROR" in one.kind]
    assert states == ["ERROR", "RESOLVED"]


def test_auto_subscribe_subscribes_present_and_new_cars(registered, volt, connect):
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
def test_each_event_can_be_sent_from_the_page(registered, volt, receiver, version, fields, kind):
    page = registered(version=version)
    page.press("send-button", **fields)
    queue.run()
    (event,) = receiver.events
    assert (event.kind, event.is_signed) == (kind, True)
    if "is_test" in fields:
        assert event.body["meta"]["mode"] == "TEST"
    if fields["kind"] == "RESOLVED":
        assert event.body["data"]["errors"][0]["state"] == "RESOLVED"


def test_the_test_event_of_the_dashboard_can_be_sent(registered, receiver):
    page = registered()
    page.press("send-test-button")
    assert "The test event is on its way." in page.text
    queue.run()
    (event,) = receiver.events
    assert (event.kind, event.is_signed) == ("VEHICLE_STATE", True)
    assert event.body["meta"]["mode"] == "TEST"


def test_there_is_no_test_event_of_version_2(registered, garage, receiver):
    page = registered(version="2.0")
    assert "send-test-button" not in page.page.ids
    page = post_form(garage, f"webhooks/{next(iter(store.state().webhooks))}/", do="send_test")
    assert page.status == 400
    assert "only for webhooks of version 4.0" in page.text
    assert queue.run() == 0


def test_the_errors_of_a_profile_can_be_sent(registered, volt, receiver):
    page = registered()
    page.press("send-button", kind="COMPLAINTS")
    assert page.status == 400
    assert "reports no errors of its own" in page.text
    volt.car.profile = next(key for key, profile in PROFILES.items() if profile.complaints)
    page.press("send-button", kind="COMPLAINTS")
    assert page.status == 200
    queue.run()
    assert [one.kind for one in receiver.events] == ["VEHICLE_ERROR"]


def test_sending_an_event_without_a_car_shows_an_error(registered):
    page = registered()
    page.press("send-button")
    assert page.status == 400
    assert "Connect a car first" in page.text


def test_delivery_faults_can_be_set(registered, volt, receiver):
    page = registered()
    page.press("delivery-faults-button", copies="2", delay="30", corruption="signature", is_reordered="on")
    assert page.status == 200
    page.press("send-button")
    assert queue.run() == 0
    store.advance(31)
    assert queue.run() == 2
    assert not any(one.is_signed for one in receiver.events)
    page.press("delivery-faults-button", copies="0")
    assert page.status == 400


def test_a_webhook_can_be_turned_off_and_deleted(registered, garage, volt, receiver):
    page = registered(auto_subscribe="on")
    page.press("enable-button")
    (webhook,) = store.state().webhooks.values()
    assert not webhook.is_enabled
    assert "The webhook is off." in page.text
    page.press("enable-button")
    assert webhook.is_enabled
    assert "The webhook is on." in page.text
    receiver.response = (503, {}, b"")
    queue.run()
    page.press("delete-button")
    assert page.status == 200
    assert "The webhook is deleted." in page.text
    assert store.state().webhooks == {}
    store.advance(1000)
    assert queue.run() == 0
    assert {one.outcome for one in queue.log()} <= {"delivered", "dropped"}
    assert volt("GET", "odometer").status_code == 200


def test_deliveries_are_shown_without_secrets(registered, garage, volt, receiver):
    page = registered()
    receiver.response = (503, {}, b"")
    page.press("send-button")
    queue.run()
    text = garage("webhooks/").text
    assert "503" in text
    assert "Waiting" in text
    assert "tractionbattery-stateofcharge" in text
    assert store.MANAGEMENT_TOKEN not in text


def test_the_code_in_the_documentation_works(volt, receiver, settings):
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False
    page = (ROOT / "docs" / "howto" / "simulator.rst").read_text()
    (block,) = re.findall(r"code-block:: python\n\n((?:    .*\n|\n)+)", page)
    names = {}
    exec(textwrap.dedent(block).replace("http://127.0.0.1:8000/hook/", receiver.url), names)  # noqa: S102
    assert names["webhook"] in store.state().webhooks.values()
    assert queue.run() == 2
    assert [one.kind for one in receiver.received] == ["VERIFY", "VEHICLE_STATE"]
    assert_error(volt("GET", "odometer"), 502, "UPSTREAM", "NO_RESPONSE")
    assert_error(volt("GET", "location"), 409, "VEHICLE_STATE", "ASLEEP")


# The clock and the limits


def test_the_clock_can_be_moved_forward(garage, volt):
    with notify.changing(volt.car):
        volt.car.condition, volt.car.evolved_at = "driving", store.now()
    before, started = volt.car.odometer_km, store.now()
    page = garage("rules/")
    page.press("advance-3600")
    assert page.status == 200
    assert (store.now() - started).total_seconds() >= 3600
    assert volt.car.odometer_km == pytest.approx(before + 60)
    page.press("advance-3600", seconds="-5")
    page.press("advance-3600", seconds="1e300")
    assert (store.now() - started).total_seconds() < 3 * 3600 + 60


@pytest.mark.parametrize("form", ALL_FORMS)
def test_every_number_has_a_maximum(form):
    numbers = [field for field in form.base_fields.values() if isinstance(field, forms.IntegerField)]
    assert None not in [field.max_value for field in numbers]


def test_a_limit_beyond_the_maximum_is_refused(garage):
    page = garage("rules/")
    page.press("limits-button", bucket_size="9" * 400)
    assert "less than or equal to 1000000" in page.text
    assert store.state().limits.bucket_size is None


def test_limits_can_be_set_and_reset(garage, volt):
    page = garage("rules/")
    page.press("limits-button", bucket_size="1")
    assert page.status == 200
    assert volt("GET", "odometer").status_code == 200
    assert_error(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    page.press("reset-limits-button")
    assert volt("GET", "odometer").status_code == 200
    page.press("limits-button", bucket_size="", monthly_requests="0")
    assert_error(volt("GET", "odometer"), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    page.press("limits-button", bucket_size="nonsense")
    assert page.status == 400


def test_a_fault_of_a_host_can_be_set_and_removed(garage, api, volt):
    page = garage("rules/")
    page.press("host-fault-button", path="vehicles", fault="SERVER:INTERNAL")
    assert_error(api("GET", "vehicles", volt.token), 500, "SERVER", "INTERNAL")
    assert "The error is removed." in post_form(garage, "rules/", do="remove_fault", path="vehicles").text
    assert api("GET", "vehicles", volt.token).status_code == 200
    assert post_form(garage, "rules/", do="remove_fault", path="vehicles").status == 400


def test_a_webhook_that_was_added_from_code_is_listed(garage):
    registry.add("From code", "https://app.example.com/hook")
    assert "From code" in garage("webhooks/").text
