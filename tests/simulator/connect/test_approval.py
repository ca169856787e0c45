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


def test_required_scopes_stay_when_everything_is_unticked(visit):
    run = visit().sign_in()
    assert 'value="read_vehicle_info" checked disabled' in run.text
    run.press("approval-button", scope=[])
    assert store.grants()[0].scopes == ["read_vehicle_info"]


def test_only_ticked_scopes_are_granted_when_one_is_unticked(visit):
    visit().sign_in().press("approval-button", untick={"read_location"})
    assert "read_location" not in store.grants()[0].scopes
    assert "control_security" in store.grants()[0].scopes


def test_no_scope_is_granted_beyond_what_was_asked_when_the_form_is_forged(visit):
    visit(scope="read_vin").sign_in().press("approval-button", scope=["read_vin", "control_trunk"])
    assert store.grants()[0].scopes == ["read_vin"]


def test_the_dashboards_scopes_are_asked_for_when_the_address_names_none(visit):
    visit(scope=None).connect()
    assert store.grants()[0].scopes == list(VEHICLE_ACCESS)


def test_access_is_denied_when_the_driver_says_so(visit):
    run = visit().sign_in().press("deny-button")
    assert run.answer == {
        "error": "access_denied",
        "error_description": "User denied access to application.",
        "state": "the-state",
    }
    assert store.grants() == []


@pytest.mark.parametrize("number", [1, 3, 51, 999])
def test_all_cars_are_connected_when_the_account_has_that_many(visit, number):
    visit().connect(f"{number}-vehicles@smartcar.com")
    assert len(store.grants()[0].vehicle_ids) == number == len(set(store.grants()[0].vehicle_ids))


def test_only_ticked_cars_are_connected_when_one_is_unticked(visit):
    run = visit().sign_in("3-vehicles@smartcar.com")
    first, second, third = [car.id for car in store.cars()]
    run.press("approval-button", vehicle=[])
    assert run.status == 400
    run.press("approval-button", untick={second})
    assert store.grants()[0].vehicle_ids == [first, third]


def test_one_car_is_connected_when_single_select_is_on(visit):
    run = visit(single_select="true").sign_in("3-vehicles@smartcar.com")
    second = store.cars()[1].id
    assert run.text.count('type="radio"') == 3
    run.press("approval-button", vehicle=second)
    assert store.grants()[0].vehicle_ids == [second]


def test_one_car_is_connected_when_single_select_is_forged(visit):
    run = visit(single_select="true").sign_in("3-vehicles@smartcar.com")
    run.press("approval-button", vehicle=[car.id for car in store.cars()])
    assert len(store.grants()[0].vehicle_ids) == 1


def test_only_the_car_of_the_vin_is_offered_when_single_select_names_one(visit):
    visit().sign_in("3-vehicles@smartcar.com")
    wanted = store.cars()[2].vin
    run = visit(single_select="true", single_select_vin=wanted, make="TESLA").connect(
        "3-vehicles@smartcar.com"
    )
    assert run.answer["code"]
    assert [store.car(vehicle_id).vin for vehicle_id in store.grants()[0].vehicle_ids] == [wanted]


def test_no_vehicles_are_found_when_the_account_lacks_the_vin(visit):
    run = visit(single_select="true", single_select_vin="5YJ3E1EA7JF000001").connect(
        "3-vehicles@smartcar.com"
    )
    assert run.answer["error"] == "no_vehicles"


def test_any_driver_has_the_car_of_the_vin_when_the_address_is_an_ordinary_one(visit):
    visit(single_select="true", single_select_vin="5YJ3E1EA7JF000001").connect()
    assert [(car.vin, car.make) for car in store.cars()] == [("5YJ3E1EA7JF000001", "TESLA")]


def test_approval_is_skipped_when_the_same_scope_was_granted_before(visit, connect):
    connect()
    run = visit().sign_in()
    assert run.answer["code"]
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
def test_approval_is_asked_for_when_it_was_not_given_before_or_is_forced(visit, connect, parameters):
    connect()
    assert "approval-button" in visit(**parameters).sign_in().page.ids


def test_approval_is_asked_for_when_the_code_was_never_exchanged(visit):
    visit().connect()
    assert "approval-button" in visit().sign_in().page.ids


def test_approval_is_asked_for_when_only_some_of_the_cars_were_allowed(visit, token):
    run = visit().sign_in("3-vehicles@smartcar.com")
    run.press("approval-button", untick={store.cars()[1].id})
    fields = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    assert token(code=run.answer["code"], **fields).status_code == 200
    assert "approval-button" in visit().sign_in("3-vehicles@smartcar.com").page.ids


def test_approval_is_asked_for_when_the_car_was_disconnected(visit, connect):
    connect()
    grants.disconnect(vehicle_id=store.cars()[0].id)
    assert "approval-button" in visit().sign_in().page.ids


def test_the_first_car_stays_connected_when_a_second_is_single_selected(visit):
    for number in (0, 1):
        run = visit(single_select="true", approval_prompt="force").sign_in("3-vehicles@smartcar.com")
        run.press("approval-button", vehicle=store.cars()[number].id)
    assert [grant.vehicle_ids for grant in store.grants()] == [[car.id] for car in store.cars()[:2]]


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_code_is_given_once_when_two_presses_come_at_once(visit, monkeypatch, decision):
    path = visit().sign_in().url.removeprefix("http://testserver")
    run = next(iter(store.runs.values()))
    both_are_in = threading.Barrier(2, timeout=10)
    now, choose = store.now, connect_views._chosen_vehicles

    def meet(*args):
        both_are_in.wait()
        return choose(*args)

    def slow_now():
        time.sleep(0.05)
        return now()

    monkeypatch.setattr(connect_views, "_run", lambda run_id: run)
    monkeypatch.setattr(connect_views, "_chosen_vehicles", meet)
    monkeypatch.setattr(store, "now", slow_now)
    with ThreadPoolExecutor(2) as threads:
        presses = [threads.submit(Client().post, path, {"decision": "allow"}) for _ in range(2)]
        landed = {press.result()["Location"] for press in presses}
    if decision == "deny":  # one that was let in before the code was given
        landed.add(Client().post(path, {"decision": "deny"})["Location"])
    assert len(landed) == 1
    assert "code=" in landed.pop()
    assert len(store.grants()) == len(store.state().codes) == 1
