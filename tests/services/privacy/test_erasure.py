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
def given_back():
    told = []

    def receive(sender, vehicle, **kwargs):
        told.append(vehicle)

    signals.vehicle_disconnected.connect(receive)
    yield told
    signals.vehicle_disconnected.disconnect(receive)


def connections():
    return [vehicle_id for grant in store.grants() for vehicle_id in grant.vehicle_ids]


def test_a_driver_is_forgotten_at_smartcar_and_here(drives, smartcar, settings, anna, bert, given_back):
    vehicle = drives("2-vehicles@smartcar.com").vehicles[0]
    commands.send(vehicle, "lock")
    vehicles.odometer(vehicle)
    drives("bert@example.com", user=bert)
    privacy.erase(anna)
    assert len(given_back) == 2
    assert {vehicle.user for vehicle in ConnectedVehicle.objects.all()} == {bert}
    assert not ExternalId.objects.filter(user=anna).exists()
    assert not VehicleCommand.objects.exists()
    assert not VehicleReading.objects.exists()
    assert len(connections()) == 1
    if settings.SMARTCAR_API_VERSION == "3":
        assert [owner.email for owner in store.owners()] == ["bert@example.com"]


def test_what_webhooks_told_of_a_driver_is_forgotten_and_of_others_not(drives, smartcar, anna, bert):
    own, other = drives().vehicles[0], drives("bert@example.com", user=bert).vehicles[0]
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


def test_what_smartcar_could_not_be_told_stays_to_be_tried_again(drives, smartcar, settings, anna):
    drives()
    before = {model: model.objects.count() for model in MODELS}
    good = settings.SMARTCAR_MANAGEMENT_URL, settings.SMARTCAR_VEHICLE_API_URL
    settings.SMARTCAR_MANAGEMENT_URL = settings.SMARTCAR_VEHICLE_API_URL = "http://127.0.0.1:9"
    with pytest.raises(NoResponseException):
        privacy.erase(anna)
    after = {model: model.objects.count() for model in MODELS}
    assert after == before | {ConnectAttempt: 0}
    settings.SMARTCAR_MANAGEMENT_URL, settings.SMARTCAR_VEHICLE_API_URL = good
    privacy.erase(anna)
    assert not any(model.objects.exists() for model in MODELS)
    assert connections() == []


def test_a_driver_whom_smartcar_has_forgotten_is_forgotten_here_too(drives, smartcar, anna):
    drives()
    with store.changes() as state:
        state.owners.clear()
        for grant in state.grants.values():
            grant.vehicle_ids.clear()
    privacy.erase(anna)
    assert not any(model.objects.exists() for model in MODELS)


def test_somebody_without_a_car_is_erased_without_asking_anybody(smartcar, anna):
    privacy.erase(anna)
    assert not store.counters


def test_a_connection_that_is_made_meanwhile_is_ended_as_well(drives, smartcar, anna, given_back):
    """The driver presses Connect in another tab, while Smartcar is asked to forget."""
    drives()

    def connects_again(sender, **kwargs):
        signals.vehicle_disconnected.disconnect(connects_again)
        drives()

    signals.vehicle_disconnected.connect(connects_again)
    privacy.erase_smartcar_user(SmartcarUser.objects.get())
    assert connections() == []
    assert not SmartcarUser.objects.exists()


def test_tokens_that_are_dead_are_no_reason_to_leave_the_connection_alive(drives, smartcar, settings, anna):
    drives()
    SmartcarAccount.objects.update(reconnect_required_at="2026-01-01T00:00Z")
    privacy.erase(anna)
    assert connections() == []
    assert not SmartcarUser.objects.exists()


def test_without_a_management_token_dead_tokens_of_2_are_told(drives, smartcar, settings, anna):
    drives()
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    SmartcarAccount.objects.update(reconnect_required_at="2026-01-01T00:00Z")
    if settings.SMARTCAR_API_VERSION == "3":
        privacy.erase(anna)
        assert connections() == []
        return
    with pytest.raises(ReconnectRequired):
        privacy.erase(anna)
    assert SmartcarUser.objects.exists()


def test_a_wrong_address_is_not_taken_for_a_smartcar_that_has_forgotten(drives, smartcar, settings, anna):
    drives()
    settings.SMARTCAR_VEHICLE_API_URL += "/v3"  # a warning of the checks, no more
    settings.SMARTCAR_MANAGEMENT_URL += "/v2.0"
    with pytest.raises(SmartcarException):
        privacy.erase(anna)
    assert SmartcarUser.objects.exists()
