import pytest

from django_smartcar import signals
from django_smartcar.exceptions import NoResponseException, ReconnectRequired, SmartcarException
from django_smartcar.models import (
    ConnectAttempt,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
    VehicleCommand,
    VehicleReading,
    WebhookEvent,
)
from django_smartcar.services import commands, privacy, vehicles
from django_smartcar.simulator import store

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)]

MODELS = (
    SmartcarUser,
    SmartcarAccount,
    ConnectedVehicle,
    VehicleCommand,
    VehicleReading,
    ConnectAttempt,
    ExternalId,
)


@pytest.fixture
def disconnected():
    received = []

    def receive(sender, vehicle, **kwargs):
        received.append(vehicle)

    signals.vehicle_disconnected.connect(receive)
    yield received
    signals.vehicle_disconnected.disconnect(receive)


def connections():
    return [vehicle_id for grant in store.grants() for vehicle_id in grant.vehicle_ids]


def test_a_user_is_erased_at_smartcar_and_here(connect_driver, smartcar, settings, anna, bert, disconnected):
    vehicle = connect_driver("2-vehicles@smartcar.com").vehicles[0]
    commands.send(vehicle, "lock")
    vehicles.odometer(vehicle)
    connect_driver("bert@example.com", user=bert)
    privacy.erase(anna)
    assert len(disconnected) == 2
    assert {vehicle.user for vehicle in ConnectedVehicle.objects.all()} == {bert}
    assert not ExternalId.objects.filter(user=anna).exists()
    assert not VehicleCommand.objects.exists()
    assert not VehicleReading.objects.exists()
    assert len(connections()) == 1
    if settings.SMARTCAR_API_VERSION == "3":
        assert [owner.email for owner in store.owners()] == ["bert@example.com"]


def test_webhook_events_of_the_user_are_deleted_and_those_of_others_are_not(
    connect_driver, smartcar, anna, bert
):
    own, other = connect_driver().vehicles[0], connect_driver("bert@example.com", user=bert).vehicles[0]
    for number, vehicle in enumerate((own, other)):
        for user_id in (vehicle.account.smartcar_user_id, ""):
            WebhookEvent.objects.create(
                event_id=f"{number}{user_id}",
                smartcar_vehicle_id=vehicle.smartcar_vehicle_id,
                smartcar_user_id=user_id,
                size=2,
                key_position=1,
                payload="{}",
            )
    privacy.erase(anna)
    assert {row.smartcar_vehicle_id for row in WebhookEvent.objects.all()} == {other.smartcar_vehicle_id}
    assert WebhookEvent.objects.count() == 2


def test_data_is_kept_for_a_retry_if_smartcar_fails(connect_driver, smartcar, settings, anna):
    connect_driver()
    before = {model: model.objects.count() for model in MODELS}
    urls = settings.SMARTCAR_MANAGEMENT_URL, settings.SMARTCAR_VEHICLE_API_URL
    settings.SMARTCAR_MANAGEMENT_URL = settings.SMARTCAR_VEHICLE_API_URL = "http://127.0.0.1:9"
    with pytest.raises(NoResponseException):
        privacy.erase(anna)
    after = {model: model.objects.count() for model in MODELS}
    assert after == before | {ConnectAttempt: 0}
    settings.SMARTCAR_MANAGEMENT_URL, settings.SMARTCAR_VEHICLE_API_URL = urls
    privacy.erase(anna)
    assert not any(model.objects.exists() for model in MODELS)
    assert connections() == []


def test_a_user_already_deleted_at_smartcar_is_erased_here(connect_driver, smartcar, anna):
    connect_driver()
    with store.changes() as state:
        state.owners.clear()
        for grant in state.grants.values():
            grant.vehicle_ids.clear()
    privacy.erase(anna)
    assert not any(model.objects.exists() for model in MODELS)


def test_a_user_without_vehicles_is_erased_without_a_request(smartcar, anna):
    privacy.erase(anna)
    assert not store.counters


def test_a_connection_made_in_the_meantime_is_ended(connect_driver, smartcar, anna, disconnected):
    """The driver connects in another tab during the request to Smartcar."""
    connect_driver()

    def connects_again(sender, **kwargs):
        signals.vehicle_disconnected.disconnect(connects_again)
        connect_driver()

    signals.vehicle_disconnected.connect(connects_again)
    privacy.erase_smartcar_user(SmartcarUser.objects.get())
    assert connections() == []
    assert not SmartcarUser.objects.exists()


def test_a_connection_with_dead_tokens_is_ended(connect_driver, smartcar, settings, anna):
    connect_driver()
    SmartcarAccount.objects.update(reconnect_required_at="2026-01-01T00:00Z")
    privacy.erase(anna)
    assert connections() == []
    assert not SmartcarUser.objects.exists()


def test_dead_v2_tokens_raise_without_a_management_token(connect_driver, smartcar, settings, anna):
    connect_driver()
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    SmartcarAccount.objects.update(reconnect_required_at="2026-01-01T00:00Z")
    if settings.SMARTCAR_API_VERSION == "3":
        privacy.erase(anna)
        assert connections() == []
        return
    with pytest.raises(ReconnectRequired):
        privacy.erase(anna)
    assert SmartcarUser.objects.exists()


def test_a_wrong_url_is_not_mistaken_for_a_deleted_user(connect_driver, smartcar, settings, anna):
    connect_driver()
    settings.SMARTCAR_VEHICLE_API_URL += "/v3"  # a warning of the checks, no more
    settings.SMARTCAR_MANAGEMENT_URL += "/v2.0"
    with pytest.raises(SmartcarException):
        privacy.erase(anna)
    assert SmartcarUser.objects.exists()
