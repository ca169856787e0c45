"""Cars are subscribed to the webhooks of the setting when they connect, or later, and cost no connection."""

from io import StringIO

import pytest
import responses
from django.core.management import CommandError, call_command

from django_smartcar.exceptions import MissingCredentials, OwnedByAnotherUser, OwnershipNotVerified
from django_smartcar.models import ConnectAttempt, ConnectedVehicle, SmartcarAccount
from django_smartcar.services import connect, vehicles
from django_smartcar.services.connect._ownership import Callback
from django_smartcar.services.webhooks import subscriptions
from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants
from django_smartcar.simulator.webhooks import registry

from ...wire import API

pytestmark = [pytest.mark.django_db(transaction=True)]

BOTH = pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hook(smartcar, settings):
    """A webhook that the setting names."""
    made = registry.add("Mine", "https://site.example.com/cars/webhook/")
    settings.SMARTCAR_WEBHOOKS = [made.id]
    return made.id


def subscribed():
    """What Smartcar has: pairs of car and webhook."""
    return [(one.connection.car.id, one.webhook_id) for one in registry.subscriptions()]


def run(*arguments):
    out = StringIO()
    call_command("subscribe_smartcar_vehicles", *arguments, stdout=out)
    return out.getvalue()


def fresh(vehicle):
    return ConnectedVehicle.objects.get(pk=vehicle.pk)


def cut_off(settings):
    """Smartcar cannot be reached; returns what mends that."""
    names = ("SMARTCAR_API_URL", "SMARTCAR_MANAGEMENT_API_URL", "SMARTCAR_VEHICLE_API_URL")
    before = {name: getattr(settings, name) for name in names}
    for name in names:
        setattr(settings, name, NOWHERE)
    return lambda: [setattr(settings, name, value) for name, value in before.items()]


@BOTH
def test_a_car_is_subscribed_when_it_connects_and_unsubscribed_when_it_disconnects(drives, hook, smartcar):
    (vehicle,) = drives().vehicles
    assert subscribed() == [(vehicle.smartcar_vehicle_id, hook)]
    assert fresh(vehicle).webhooks == hook
    smartcar.asked.clear()
    vehicles.disconnect(fresh(vehicle))
    told = [path for method, path in smartcar.asked if method == "DELETE"]
    assert len(told) == 2  # in this order, since Smartcar itself ends it with the connection
    assert "/subscriptions/" in told[0] or f"/webhooks/{hook}" in told[0]
    assert subscribed() == []
    assert (fresh(vehicle).webhooks, fresh(vehicle).is_connected) == ("", False)
    assert not subscriptions.due()


@BOTH
def test_nothing_is_asked_without_the_setting(drives, smartcar):
    smartcar.asked.clear()
    (vehicle,) = drives().vehicles
    vehicles.disconnect(vehicle)
    assert not [path for _, path in smartcar.asked if "subscriptions" in path or "webhooks" in path]


@BOTH
def test_a_second_connection_of_the_same_car_is_as_good_as_the_first(drives, hook):
    drives()
    (vehicle,) = drives().vehicles
    assert len(subscribed()) == 1
    assert (fresh(vehicle).webhooks, fresh(vehicle).webhooks_error) == (hook, "")


@BOTH
def test_a_car_that_smartcar_has_subscribed_by_itself_is_no_failure(drives, hook):
    store.state().webhooks[hook].auto_subscribe = True
    (vehicle,) = drives().vehicles
    assert (fresh(vehicle).webhooks, fresh(vehicle).webhooks_error) == (hook, "")


@BOTH
def test_a_car_that_came_back_after_an_end_elsewhere_is_subscribed_again(drives, hook):
    (vehicle,) = drives().vehicles
    grants.disconnect(vehicle_id=vehicle.smartcar_vehicle_id)
    assert subscribed() == []
    drives()
    assert len(subscribed()) == 1


@BOTH
def test_a_car_that_a_sync_finds_again_is_subscribed_again(drives, hook):
    (vehicle,) = drives().vehicles
    ConnectedVehicle.objects.update(disconnected_at=vehicle.created_at)
    registry.unsubscribe(registry.subscriptions()[0])
    vehicles.sync(vehicle.account)
    assert fresh(vehicle).is_connected
    assert run() == "1 updated\n"
    assert len(subscribed()) == 1


@BOTH
def test_a_failure_is_on_the_row_and_fails_no_connection_and_is_tried_again(drives, hook, settings):
    settings.SMARTCAR_WEBHOOKS = ["nonsense", hook]
    (vehicle,) = drives().vehicles
    row = fresh(vehicle)
    assert row.is_connected
    assert (row.webhooks, bool(row.webhooks_error)) == (hook, True)
    assert list(subscriptions.due()) == [vehicle]
    with pytest.raises(CommandError, match="0 updated, 1 failed"):
        run()
    settings.SMARTCAR_WEBHOOKS = [hook]
    assert list(subscriptions.due()) == []
    other = registry.add("Another", "https://site.example.com/another/").id
    settings.SMARTCAR_WEBHOOKS = [hook, other]
    assert run() == "1 updated\n"
    assert {webhook_id for _, webhook_id in subscribed()} == {hook, other}
    assert fresh(vehicle).webhooks_error == ""


@BOTH
def test_what_an_outage_has_kept_from_being_said_is_said_later(drives, hook, settings):
    settings.SMARTCAR_WEBHOOKS = []
    (vehicle,) = drives().vehicles
    settings.SMARTCAR_WEBHOOKS = [hook]
    mend = cut_off(settings)
    with pytest.raises(CommandError, match="1 failed"):
        run()
    assert fresh(vehicle).webhooks_error == "NoResponseException"
    mend()
    assert run() == "1 updated\n"
    assert run() == "nothing to do\n"
    assert subscribed() == [(vehicle.smartcar_vehicle_id, hook)]


@BOTH
def test_a_car_that_was_not_unsubscribed_is_so_later(drives, hook, settings):
    (vehicle,) = drives().vehicles
    ConnectedVehicle.objects.update(disconnected_at=vehicle.created_at)  # as a sync does whose list lacks it
    mend = cut_off(settings)
    with pytest.raises(CommandError, match="1 failed"):
        run()
    mend()
    assert run() == "1 updated\n"
    assert (subscribed(), fresh(vehicle).webhooks) == ([], "")
    registry.subscribe(hook, vehicle.account.smartcar_user_id, vehicle.smartcar_vehicle_id)
    grants.disconnect()
    ConnectedVehicle.objects.update(webhooks=hook)
    assert run() == "1 updated\n"  # Smartcar knows no such subscription
    assert fresh(vehicle).webhooks == ""


@BOTH
def test_the_setting_is_followed(drives, hook, settings):
    (vehicle,) = drives().vehicles
    other = registry.add("Another", "https://site.example.com/another/").id
    settings.SMARTCAR_WEBHOOKS = [other]
    assert run() == "1 updated\n"
    assert subscribed() == [(vehicle.smartcar_vehicle_id, other)]
    settings.SMARTCAR_WEBHOOKS = []
    assert run() == "1 updated\n"
    assert subscribed() == []


@BOTH
def test_all_asks_again_for_what_somebody_has_ended_elsewhere(drives, hook):
    drives()
    registry.unsubscribe(registry.subscriptions()[0])
    assert run() == "nothing to do\n"
    assert run("--all") == "1 updated\n"
    assert len(subscribed()) == 1


@BOTH
def test_a_text_in_place_of_the_list_subscribes_nothing(drives, hook, settings):
    settings.SMARTCAR_WEBHOOKS = hook
    (vehicle,) = drives().vehicles
    assert (subscribed(), fresh(vehicle).webhooks_error) == ([], "")


# From the wrong side.


def test_a_connection_that_is_refused_subscribes_nobodys_car(drives, hook, settings, bert, smartcar):
    settings.SMARTCAR_WEBHOOKS = []
    (vehicle,) = drives().vehicles
    settings.SMARTCAR_WEBHOOKS = [hook]
    connect.begin(bert, session_key="s", redirect_uri="https://testserver/cars/callback/")
    attempt = ConnectAttempt.objects.get(user=bert)
    smartcar.asked.clear()
    with pytest.raises(OwnershipNotVerified):
        connect.complete(attempt, Callback(user_id=vehicle.account.smartcar_user_id))
    assert smartcar.asked
    assert not [path for _, path in smartcar.asked if "subscriptions" in path or "webhooks" in path]
    assert subscribed() == []


@BOTH
def test_a_second_person_with_the_same_login_subscribes_nothing(drives, hook, settings, bert, smartcar):
    settings.SMARTCAR_WEBHOOKS = []
    drives()
    settings.SMARTCAR_WEBHOOKS = [hook]
    with pytest.raises(OwnedByAnotherUser):
        drives(user=bert)
    assert subscribed() == []


def test_anothers_subscription_of_the_same_car_stays_in_the_older_generation(
    make_account, make_vehicle, anna, bert, settings, wire
):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["token"]
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    mine = make_vehicle(make_account(anna), webhooks="hook")
    other = make_vehicle(make_account(bert, "driver-b"), webhooks="hook")
    wire.disconnects("car-1")
    vehicles.disconnect(mine)
    assert fresh(mine).webhooks == ""
    assert not wire.sent("DELETE", "/webhooks/hook")
    assert not subscriptions.due()
    wire.mock.add("DELETE", f"{API}/vehicles/car-1/webhooks/hook", json={"status": "success"})
    vehicles.disconnect(other)
    (told,) = wire.sent("DELETE", "/webhooks/hook")
    assert told.headers["Authorization"] == "Bearer token"


def test_what_the_setting_names_no_more_is_ended_for_a_car_of_two_drivers_as_well(
    make_account, make_vehicle, anna, bert, settings, wire
):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["token"]
    settings.SMARTCAR_WEBHOOKS = []
    make_vehicle(make_account(anna), webhooks="hook")
    make_vehicle(make_account(bert, "driver-b"), webhooks="hook")
    wire.mock.add("DELETE", f"{API}/vehicles/car-1/webhooks/hook", json={"status": "success"})
    assert run() == "2 updated\n"
    assert wire.sent("DELETE", "/webhooks/hook")


# What Smartcar answers.


@pytest.mark.parametrize(("type_", "is_subscribed"), [("VALIDATION", True), ("VEHICLE_STATE", False)])
def test_subscribed_already_is_success_and_a_car_that_cannot_is_not(
    vehicle, settings, wire, type_, is_subscribed
):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    body = {"statusCode": 409, "type": type_, "code": "CONFLICT", "description": "…"}
    wire.mock.add(responses.POST, f"{API}/vehicles/car-1/webhooks/hook", json=body, status=409)
    assert (subscriptions.reconcile(vehicle) is None) is is_subscribed
    assert fresh(vehicle).webhooks == ("hook" if is_subscribed else "")


@pytest.mark.parametrize(
    ("code", "said", "asked"),
    [
        ("SMARTCAR_API", "0 updated, 1 failed; rate limit of the application", 1),
        ("VEHICLE", "0 updated, 3 failed and will be retried", 3),
    ],
)
def test_the_run_ends_when_smartcar_wants_fewer_requests_of_all(
    make_account, make_vehicle, anna, settings, wire, code, said, asked
):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    account = make_account(anna)
    for number in range(3):
        make_vehicle(account, f"car-{number}")
        url = f"{API}/vehicles/car-{number}/webhooks/hook"
        body = {"statusCode": 429, "type": "RATE_LIMIT", "code": code, "description": "…"}
        wire.mock.add(responses.POST, url, json=body, status=429)
    with pytest.raises(CommandError, match=said):
        run()
    assert len(wire.sent("POST", "/webhooks/hook")) == asked
    assert subscriptions.due().count() == 3


def test_connecting_many_cars_ends_with_the_first_that_smartcar_finds_too_many(
    make_account, make_vehicle, anna, settings, wire
):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    account = make_account(anna)
    for number in range(2):
        url = f"{API}/vehicles/car-{number}/webhooks/hook"
        body = {"statusCode": 429, "type": "RATE_LIMIT", "code": "SMARTCAR_API", "description": "…"}
        wire.mock.add(responses.POST, url, json=body, status=429)
    subscriptions.begin([make_vehicle(account, f"car-{number}") for number in range(2)])
    assert len(wire.sent("POST", "/webhooks/hook")) == 1
    assert subscriptions.due().count() == 2


def test_without_a_management_token_the_older_generation_unsubscribes_nothing(make_vehicle, account):
    vehicle = make_vehicle(account, webhooks="hook")
    assert isinstance(subscriptions.reconcile(vehicle), MissingCredentials)
    assert fresh(vehicle).webhooks == "hook"


def test_a_driver_who_has_to_connect_again_is_not_asked_about(vehicle, settings):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    assert subscriptions.due().count() == 1
    SmartcarAccount.objects.update(reconnect_required_at=vehicle.created_at)
    assert not subscriptions.due()


def test_a_driver_does_not_wait_long_for_it(make_vehicle, account, settings, monkeypatch, wire):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    monkeypatch.setattr(subscriptions, "SECONDS", -1.0)
    subscriptions.begin([make_vehicle(account)])
    assert subscriptions.due().count() == 1
    assert not wire.sent("POST")
