"""Vehicles are subscribed to SMARTCAR_WEBHOOKS when they connect or later; a failure fails no connection."""

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

from ...mock_api import API

pytestmark = [pytest.mark.django_db(transaction=True)]

BOTH = pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hook(smartcar, settings):
    """Create a webhook that is in the setting."""
    made = registry.add("Mine", "https://site.example.com/cars/webhook/")
    settings.SMARTCAR_WEBHOOKS = [made.id]
    return made.id


def subscribed():
    """Return the pairs of vehicle and webhook that are subscribed at Smartcar."""
    return [(one.connection.car.id, one.webhook_id) for one in registry.subscriptions()]


def run(*arguments):
    out = StringIO()
    call_command("subscribe_smartcar_vehicles", *arguments, stdout=out)
    return out.getvalue()


def reloaded(vehicle):
    return ConnectedVehicle.objects.get(pk=vehicle.pk)


def make_unreachable(settings):
    """Make Smartcar unreachable; return a function that restores the connection."""
    names = ("SMARTCAR_API_URL", "SMARTCAR_MANAGEMENT_API_URL", "SMARTCAR_VEHICLE_API_URL")
    before = {name: getattr(settings, name) for name in names}
    for name in names:
        setattr(settings, name, NOWHERE)
    return lambda: [setattr(settings, name, value) for name, value in before.items()]


@BOTH
def test_a_car_is_subscribed_when_it_connects_and_unsubscribed_when_it_disconnects(
    connect_driver, hook, smartcar
):
    (vehicle,) = connect_driver().vehicles
    assert subscribed() == [(vehicle.smartcar_vehicle_id, hook)]
    assert reloaded(vehicle).webhooks == hook
    smartcar.requests.clear()
    vehicles.disconnect(reloaded(vehicle))
    deleted = [path for method, path in smartcar.requests if method == "DELETE"]
    assert len(deleted) == 2  # in this order, because the end of a connection deletes its subscriptions
    assert "/subscriptions/" in deleted[0] or f"/webhooks/{hook}" in deleted[0]
    assert subscribed() == []
    assert (reloaded(vehicle).webhooks, reloaded(vehicle).is_connected) == ("", False)
    assert not subscriptions.due()


@BOTH
def test_no_request_is_sent_without_the_setting(connect_driver, smartcar):
    smartcar.requests.clear()
    (vehicle,) = connect_driver().vehicles
    vehicles.disconnect(vehicle)
    assert not [path for _, path in smartcar.requests if "subscriptions" in path or "webhooks" in path]


@BOTH
def test_a_second_connection_of_the_same_vehicle_is_subscribed(connect_driver, hook):
    connect_driver()
    (vehicle,) = connect_driver().vehicles
    assert len(subscribed()) == 1
    assert (reloaded(vehicle).webhooks, reloaded(vehicle).webhooks_error) == (hook, "")


@BOTH
def test_a_vehicle_that_is_already_subscribed_is_no_failure(connect_driver, hook):
    store.state().webhooks[hook].auto_subscribe = True
    (vehicle,) = connect_driver().vehicles
    assert (reloaded(vehicle).webhooks, reloaded(vehicle).webhooks_error) == (hook, "")


@BOTH
def test_a_vehicle_that_is_reconnected_is_subscribed_again(connect_driver, hook):
    (vehicle,) = connect_driver().vehicles
    grants.disconnect(vehicle_id=vehicle.smartcar_vehicle_id)
    assert subscribed() == []
    connect_driver()
    assert len(subscribed()) == 1


@BOTH
def test_a_car_that_a_sync_finds_again_is_subscribed_again(connect_driver, hook):
    (vehicle,) = connect_driver().vehicles
    ConnectedVehicle.objects.update(disconnected_at=vehicle.created_at)
    registry.unsubscribe(registry.subscriptions()[0])
    vehicles.sync(vehicle.account)
    assert reloaded(vehicle).is_connected
    assert run() == "1 updated\n"
    assert len(subscribed()) == 1


@BOTH
def test_a_failure_is_stored_does_not_fail_the_connection_and_is_retried(connect_driver, hook, settings):
    settings.SMARTCAR_WEBHOOKS = ["nonsense", hook]
    (vehicle,) = connect_driver().vehicles
    row = reloaded(vehicle)
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
    assert reloaded(vehicle).webhooks_error == ""


@BOTH
def test_subscriptions_are_retried_after_an_outage(connect_driver, hook, settings):
    settings.SMARTCAR_WEBHOOKS = []
    (vehicle,) = connect_driver().vehicles
    settings.SMARTCAR_WEBHOOKS = [hook]
    restore = make_unreachable(settings)
    with pytest.raises(CommandError, match="1 failed"):
        run()
    assert reloaded(vehicle).webhooks_error == "NoResponseException"
    restore()
    assert run() == "1 updated\n"
    assert run() == "nothing to do\n"
    assert subscribed() == [(vehicle.smartcar_vehicle_id, hook)]


@BOTH
def test_a_failed_unsubscription_is_retried(connect_driver, hook, settings):
    (vehicle,) = connect_driver().vehicles
    ConnectedVehicle.objects.update(
        disconnected_at=vehicle.created_at
    )  # as a sync does if Smartcar no longer lists it
    restore = make_unreachable(settings)
    with pytest.raises(CommandError, match="1 failed"):
        run()
    restore()
    assert run() == "1 updated\n"
    assert (subscribed(), reloaded(vehicle).webhooks) == ([], "")
    registry.subscribe(hook, vehicle.account.smartcar_user_id, vehicle.smartcar_vehicle_id)
    grants.disconnect()
    ConnectedVehicle.objects.update(webhooks=hook)
    assert run() == "1 updated\n"  # Smartcar has no such subscription
    assert reloaded(vehicle).webhooks == ""


@BOTH
def test_subscriptions_follow_the_setting(connect_driver, hook, settings):
    (vehicle,) = connect_driver().vehicles
    other = registry.add("Another", "https://site.example.com/another/").id
    settings.SMARTCAR_WEBHOOKS = [other]
    assert run() == "1 updated\n"
    assert subscribed() == [(vehicle.smartcar_vehicle_id, other)]
    settings.SMARTCAR_WEBHOOKS = []
    assert run() == "1 updated\n"
    assert subscribed() == []


@BOTH
def test_all_restores_a_subscription_that_was_deleted_at_smartcar(connect_driver, hook):
    connect_driver()
    registry.unsubscribe(registry.subscriptions()[0])
    assert run() == "nothing to do\n"
    assert run("--all") == "1 updated\n"
    assert len(subscribed()) == 1


@BOTH
def test_a_string_instead_of_a_list_subscribes_nothing(connect_driver, hook, settings):
    settings.SMARTCAR_WEBHOOKS = hook
    (vehicle,) = connect_driver().vehicles
    assert (subscribed(), reloaded(vehicle).webhooks_error) == ([], "")


# Connections that are refused, and vehicles of two users.


def test_a_refused_connection_subscribes_no_vehicle(connect_driver, hook, settings, bert, smartcar):
    settings.SMARTCAR_WEBHOOKS = []
    (vehicle,) = connect_driver().vehicles
    settings.SMARTCAR_WEBHOOKS = [hook]
    connect.begin(bert, session_key="s", redirect_uri="https://testserver/cars/callback/")
    attempt = ConnectAttempt.objects.get(user=bert)
    smartcar.requests.clear()
    with pytest.raises(OwnershipNotVerified):
        connect.complete(attempt, Callback("made-up", vehicle.account.smartcar_user_id))
    assert smartcar.requests
    assert not [path for _, path in smartcar.requests if "subscriptions" in path or "webhooks" in path]
    assert subscribed() == []


@BOTH
def test_a_second_user_with_the_same_login_subscribes_nothing(connect_driver, hook, settings, bert, smartcar):
    settings.SMARTCAR_WEBHOOKS = []
    connect_driver()
    settings.SMARTCAR_WEBHOOKS = [hook]
    with pytest.raises(OwnedByAnotherUser):
        connect_driver(user=bert)
    assert subscribed() == []


def test_a_subscription_that_another_account_needs_stays_in_v2(
    make_account, make_vehicle, anna, bert, settings, mock_api
):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["token"]
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    vehicle = make_vehicle(make_account(anna), webhooks="hook")
    other = make_vehicle(make_account(bert, "driver-b"), webhooks="hook")
    mock_api.disconnects("car-1")
    vehicles.disconnect(vehicle)
    assert reloaded(vehicle).webhooks == ""
    assert not mock_api.sent("DELETE", "/webhooks/hook")
    assert not subscriptions.due()
    mock_api.mock.add("DELETE", f"{API}/vehicles/car-1/webhooks/hook", json={"status": "success"})
    vehicles.disconnect(other)
    (request,) = mock_api.sent("DELETE", "/webhooks/hook")
    assert request.headers["Authorization"] == "Bearer token"


def test_a_webhook_that_leaves_the_setting_is_unsubscribed_from_a_vehicle_of_two_users(
    make_account, make_vehicle, anna, bert, settings, mock_api
):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["token"]
    settings.SMARTCAR_WEBHOOKS = []
    make_vehicle(make_account(anna), webhooks="hook")
    make_vehicle(make_account(bert, "driver-b"), webhooks="hook")
    mock_api.mock.add("DELETE", f"{API}/vehicles/car-1/webhooks/hook", json={"status": "success"})
    assert run() == "2 updated\n"
    assert mock_api.sent("DELETE", "/webhooks/hook")


# Error responses.


@pytest.mark.parametrize(("type_", "is_subscribed"), [("VALIDATION", True), ("VEHICLE_STATE", False)])
def test_already_subscribed_is_success_and_an_incapable_vehicle_is_a_failure(
    vehicle, settings, mock_api, type_, is_subscribed
):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    body = {"statusCode": 409, "type": type_, "code": "CONFLICT", "description": "…"}
    mock_api.mock.add(responses.POST, f"{API}/vehicles/car-1/webhooks/hook", json=body, status=409)
    assert (subscriptions.reconcile(vehicle) is None) is is_subscribed
    assert reloaded(vehicle).webhooks == ("hook" if is_subscribed else "")


@pytest.mark.parametrize(
    ("code", "output", "requests"),
    [
        ("SMARTCAR_API", "0 updated, 1 failed; rate limit of the application", 1),
        ("VEHICLE", "0 updated, 3 failed and will be retried", 3),
    ],
)
def test_the_run_ends_at_a_rate_limit_of_the_application(
    make_account, make_vehicle, anna, settings, mock_api, code, output, requests
):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    account = make_account(anna)
    for number in range(3):
        make_vehicle(account, f"car-{number}")
        url = f"{API}/vehicles/car-{number}/webhooks/hook"
        body = {"statusCode": 429, "type": "RATE_LIMIT", "code": code, "description": "…"}
        mock_api.mock.add(responses.POST, url, json=body, status=429)
    with pytest.raises(CommandError, match=output):
        run()
    assert len(mock_api.sent("POST", "/webhooks/hook")) == requests
    assert subscriptions.due().count() == 3


def test_connecting_many_vehicles_stops_subscribing_at_the_first_rate_limit(
    make_account, make_vehicle, anna, settings, mock_api
):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    account = make_account(anna)
    for number in range(2):
        url = f"{API}/vehicles/car-{number}/webhooks/hook"
        body = {"statusCode": 429, "type": "RATE_LIMIT", "code": "SMARTCAR_API", "description": "…"}
        mock_api.mock.add(responses.POST, url, json=body, status=429)
    subscriptions.begin([make_vehicle(account, f"car-{number}") for number in range(2)])
    assert len(mock_api.sent("POST", "/webhooks/hook")) == 1
    assert subscriptions.due().count() == 2


def test_v2_unsubscribes_nothing_without_a_management_token(make_vehicle, account):
    vehicle = make_vehicle(account, webhooks="hook")
    assert isinstance(subscriptions.reconcile(vehicle), MissingCredentials)
    assert reloaded(vehicle).webhooks == "hook"


def test_no_request_is_sent_for_an_account_that_must_reconnect(vehicle, settings):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    assert subscriptions.due().count() == 1
    SmartcarAccount.objects.update(reconnect_required_at=vehicle.created_at)
    assert not subscriptions.due()


def test_a_driver_does_not_wait_long_for_subscriptions(
    make_vehicle, account, settings, monkeypatch, mock_api
):
    settings.SMARTCAR_WEBHOOKS = ["hook"]
    monkeypatch.setattr(subscriptions, "TIME_LIMIT", -1.0)
    subscriptions.begin([make_vehicle(account)])
    assert subscriptions.due().count() == 1
    assert not mock_api.sent("POST")
