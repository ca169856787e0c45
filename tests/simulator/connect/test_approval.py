import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants
from django_smartcar.simulator.access.scopes import VEHICLE_ACCESS
from django_smartcar.simulator.connect import views as connect_views
from tests.simulator.conftest import REDIRECT_URI


def test_required_scopes_are_granted_when_every_box_is_cleared(visit):
    session = visit().sign_in()
    assert 'value="read_vehicle_info" checked disabled' in session.text
    session.press("approval-button", scope=[])
    assert store.grants()[0].scopes == ["read_vehicle_info"]


def test_only_checked_scopes_are_granted(visit):
    visit().sign_in().press("approval-button", untick={"read_location"})
    assert "read_location" not in store.grants()[0].scopes
    assert "control_security" in store.grants()[0].scopes


def test_a_forged_form_cannot_grant_scopes_that_were_not_requested(visit):
    visit(scope="read_vin").sign_in().press("approval-button", scope=["read_vin", "control_trunk"])
    assert store.grants()[0].scopes == ["read_vin"]


def test_the_scopes_of_the_dashboard_are_requested_when_the_url_has_none(visit):
    visit(scope=None).connect()
    assert store.grants()[0].scopes == list(VEHICLE_ACCESS)


def test_the_driver_can_deny_access(visit):
    session = visit().sign_in().press("deny-button")
    assert session.callback == {
        "error": "access_denied",
        "error_description": "User denied access to application.",
        "state": "the-state",
    }
    assert store.grants() == []


@pytest.mark.parametrize("number", [1, 3, 51, 999])
def test_all_cars_of_an_account_are_connected(visit, number):
    visit().connect(f"{number}-vehicles@smartcar.com")
    assert len(store.grants()[0].vehicle_ids) == number == len(set(store.grants()[0].vehicle_ids))


def test_only_checked_cars_are_connected(visit):
    session = visit().sign_in("3-vehicles@smartcar.com")
    first, second, third = [car.id for car in store.cars()]
    session.press("approval-button", vehicle=[])
    assert session.status == 400
    session.press("approval-button", untick={second})
    assert store.grants()[0].vehicle_ids == [first, third]


def test_single_select_connects_one_car(visit):
    session = visit(single_select="true").sign_in("3-vehicles@smartcar.com")
    second = store.cars()[1].id
    assert session.text.count('type="radio"') == 3
    session.press("approval-button", vehicle=second)
    assert store.grants()[0].vehicle_ids == [second]


def test_a_forged_form_cannot_connect_more_than_one_car_with_single_select(visit):
    session = visit(single_select="true").sign_in("3-vehicles@smartcar.com")
    session.press("approval-button", vehicle=[car.id for car in store.cars()])
    assert len(store.grants()[0].vehicle_ids) == 1


def test_single_select_with_a_vin_connects_the_car_with_that_vin(visit):
    visit().sign_in("3-vehicles@smartcar.com")
    vin = store.cars()[2].vin
    session = visit(single_select="true", single_select_vin=vin, make="TESLA").connect(
        "3-vehicles@smartcar.com"
    )
    assert session.callback["code"]
    assert [store.car(vehicle_id).vin for vehicle_id in store.grants()[0].vehicle_ids] == [vin]


def test_no_vehicles_are_found_when_the_account_has_no_car_with_the_vin(visit):
    session = visit(single_select="true", single_select_vin="5YJ3E1EA7JF000001").connect(
        "3-vehicles@smartcar.com"
    )
    assert session.callback["error"] == "no_vehicles"


def test_an_ordinary_account_has_a_car_with_any_vin(visit):
    visit(single_select="true", single_select_vin="5YJ3E1EA7JF000001").connect()
    assert [(car.vin, car.make) for car in store.cars()] == [("5YJ3E1EA7JF000001", "TESLA")]


def test_approval_is_skipped_when_the_same_scopes_were_granted_before(visit, connect):
    connect()
    session = visit().sign_in()
    assert session.callback["code"]
    assert store.grants()[0].vehicle_ids == store.grants()[1].vehicle_ids


@pytest.mark.parametrize(
    "parameters",
    [
        {"approval_prompt": "force"},
        {"scope": "read_odometer control_charge"},
        {"make": "TESLA"},
        {"mode": "simulated"},
    ],
)
def test_approval_is_shown_when_it_was_not_given_before_or_is_forced(visit, connect, parameters):
    connect()
    assert "approval-button" in visit(**parameters).sign_in().page.ids


def test_approval_is_shown_when_the_code_was_never_exchanged(visit):
    visit().connect()
    assert "approval-button" in visit().sign_in().page.ids


def test_approval_is_shown_when_only_some_of_the_cars_were_approved(visit, token):
    session = visit().sign_in("3-vehicles@smartcar.com")
    session.press("approval-button", untick={store.cars()[1].id})
    fields = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    assert token(code=session.callback["code"], **fields).status_code == 200
    assert "approval-button" in visit().sign_in("3-vehicles@smartcar.com").page.ids


def test_approval_is_shown_when_the_car_was_disconnected(visit, connect):
    connect()
    grants.disconnect(vehicle_id=store.cars()[0].id)
    assert "approval-button" in visit().sign_in().page.ids


def test_the_first_car_stays_connected_when_a_second_is_single_selected(visit):
    for number in (0, 1):
        session = visit(single_select="true", approval_prompt="force").sign_in("3-vehicles@smartcar.com")
        session.press("approval-button", vehicle=store.cars()[number].id)
    assert [grant.vehicle_ids for grant in store.grants()] == [[car.id] for car in store.cars()[:2]]


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_two_clicks_at_once_issue_one_code(visit, monkeypatch, decision):
    path = visit().sign_in().url.removeprefix("http://testserver")
    session = next(iter(store.connect_sessions.values()))
    barrier = threading.Barrier(2, timeout=10)
    now, choose = store.now, connect_views._chosen_vehicles

    def wait_for_both(*args):
        barrier.wait()
        return choose(*args)

    def slow_now():
        time.sleep(0.05)
        return now()

    monkeypatch.setattr(connect_views, "_session", lambda session_id: session)
    monkeypatch.setattr(connect_views, "_chosen_vehicles", wait_for_both)
    monkeypatch.setattr(store, "now", slow_now)
    with ThreadPoolExecutor(2) as threads:
        clicks = [threads.submit(Client().post, path, {"decision": "allow"}) for _ in range(2)]
        locations = {click.result()["Location"] for click in clicks}
    if decision == "deny":  # a request that was accepted before the code was issued
        locations.add(Client().post(path, {"decision": "deny"})["Location"])
    assert len(locations) == 1
    assert "code=" in locations.pop()
    assert len(store.grants()) == len(store.state().codes) == 1
