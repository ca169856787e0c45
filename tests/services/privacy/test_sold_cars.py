"""A car that is sold: neither owner's data holds anything of the other's.

Anna connects a car, uses it, disconnects it and sells it to Bert, who connects and uses it. The car keeps its
id at Smartcar, or gets another one; webhook events name the user (API v3), or only the car (API v2).
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, VehicleReading, WebhookEvent
from django_smartcar.secret_types import Vin
from django_smartcar.services import commands, privacy, readings, vehicles
from django_smartcar.services.privacy import export
from django_smartcar.services.vehicles import VehicleDetails
from django_smartcar.services.webhooks import _queue, _waiting

from ...webhooks import TOKEN, event, location, odometer, post

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
VIN = "0SCAUDI037A5ADB1C"
READ, WEBHOOK, EVENT = 100_000, 200_000, 300_000
GRANTED = ["read_odometer", "read_location", "read_vin", "control_security"]


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(params=["the same id", "another id"])
def berts_car_id(request):
    return "car-1" if request.param == "the same id" else "car-of-bert"


@pytest.fixture(params=["events name the user", "events name the car only"])
def named(request):
    return request.param == "events name the user"


@pytest.fixture
def story(clock, client, settings, monkeypatch, make_account, mock_api, berts_car_id, named):
    """Return what happens, step by step; each step is an hour later."""
    settings.SMARTCAR_API_VERSION = "2.0"
    monkeypatch.setattr("django_smartcar.services.client.delete_v2_connections", lambda user_id: None)
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    for car_id in {"car-1", berts_car_id}:
        mock_api.commands(car_id)
        mock_api.disconnects(car_id)
    return Story(clock, client, make_account, named)


class Story:
    """What two drivers do; whatever one drives has numbers that tell whose it is."""

    def __init__(self, clock, client, make_account, named):
        self.clock, self.client, self.make_account, self.named = clock, client, make_account, named
        self.accounts = {}

    def connect(self, user, car_id):
        if user not in self.accounts:
            self.accounts[user] = self.make_account(user, f"driver-{user}")
        tokens = {"access_token": "access-0", "refresh_token": "refresh-0"}
        SmartcarAccount.objects.update(**tokens, access_expires_at=NOON + timedelta(days=9))
        began_at = datetime.now(UTC)
        self.clock.shift(30)  # the driver is at Smartcar's pages
        details = VehicleDetails(car_id, {"make": "AUDI"}, GRANTED, Vin(VIN))
        account = SmartcarAccount.objects.get(pk=self.accounts[user].pk)
        (vehicle,) = vehicles.store(account, [details], began_at)
        self.clock.shift(3600)
        return vehicle

    def use(self, vehicle, number):
        """Read, command and receive an event; READ, WEBHOOK or EVENT + number tells whose each is."""
        readings.save(vehicle, "odometer", READ + number, "km")
        commands.send(vehicle, "lock", actor=vehicle.user, reason=f"reason-{READ + number}")
        self.receive(vehicle.smartcar_vehicle_id, f"driver-{vehicle.user}", number)
        _queue.process_due()
        self.clock.shift(3600)

    def receive(self, car_id, driver, number):
        now = datetime.now(UTC).timestamp()
        payload = event(
            odometer(WEBHOOK + number, now), location(number, 1, now),
            car=car_id, driver=driver if self.named else "", event_id=f"event-{EVENT + number}",
        )  # fmt: skip
        assert post(self.client, payload).status_code == 200

    def disconnect(self, vehicle):
        vehicles.disconnect(vehicle)
        self.clock.shift(3600)


def exported(user):
    return "".join(export.person(user))


def numbers_of(user):
    """Return whose numbers are in a user's export and downloads: 10 and 20 of Anna, 50 and 60 of Bert."""
    own = ConnectedVehicle.objects.for_user(user)
    text = exported(user) + "".join(export.readings_csv(own)) + "".join(export.readings_json(own))
    kinds = {READ: "read", WEBHOOK: "webhook", EVENT: "event"}
    return {
        number: {kind for base, kind in kinds.items() if str(base + number) in text}
        for number in (10, 20, 50, 60, 70)
        if any(str(base + number) in text for base in kinds)
    }


ALL = {"read", "webhook", "event"}


@pytest.fixture
def sold(story, anna, bert, berts_car_id):
    """Return both cars, after Anna has sold hers and Bert has used it."""
    annas = story.connect(anna, "car-1")
    story.use(annas, 10)
    story.use(annas, 20)
    story.disconnect(annas)
    berts = story.connect(bert, berts_car_id)
    story.use(berts, 50)
    story.use(berts, 60)
    return annas, berts


def test_each_owners_export_holds_their_own_data_only(sold, anna, bert, admin_user):
    assert numbers_of(anna) == {10: ALL, 20: ALL}
    assert numbers_of(bert) == {50: ALL, 60: ALL}
    for user, other in ((anna, bert), (bert, anna)):
        for secret in (f"driver-{other}", str(other.pk), f"reason-{READ + (50 if other == bert else 10)}"):
            assert secret not in exported(user)
        assert [car["vin"] for car in json.loads(exported(user))["vehicles"]] == [VIN]
    assert numbers_of(admin_user) == {}


@pytest.mark.parametrize("first", ["anna", "bert"])
def test_erasing_one_owner_leaves_the_other_everything(sold, anna, bert, first):
    erased, left = (anna, bert) if first == "anna" else (bert, anna)
    before = numbers_of(left)
    count = VehicleReading.objects.for_user(left).count()
    privacy.erase(erased)
    assert numbers_of(left) == before != {}
    assert VehicleReading.objects.count() == count
    assert numbers_of(erased) == {}
    privacy.erase(left)
    assert not WebhookEvent.objects.exists()
    assert not VehicleReading.objects.exists()


@pytest.mark.parametrize("is_late", [False, True], ids=["it waited", "it was not processed in time"])
def test_an_event_from_before_a_connection_is_not_applied_to_it(
    story, anna, bert, berts_car_id, monkeypatch, is_late
):
    """Anna drives on after she has disconnected: whoever connects the car next learns nothing of it."""
    monkeypatch.setattr(_waiting, "SWEEP_INTERVAL", 0)
    annas = story.connect(anna, "car-1")
    story.receive("car-1", "driver-anna", 10)  # not processed before she disconnects
    story.clock.shift(60)
    story.disconnect(annas)
    story.receive("car-1", "driver-anna", 20)
    story.clock.shift(60)
    if not is_late:
        _queue.process_due()
    berts = story.connect(bert, berts_car_id)
    for _ in range(2):
        _queue.process_due()
    assert not berts.signals
    assert not VehicleReading.objects.for_user(bert).exists()
    assert numbers_of(bert) == {}
    story.receive(berts_car_id, "driver-bert", 50)
    _queue.process_due()
    assert numbers_of(bert) == {50: {"webhook", "event"}}


def test_a_car_that_is_sold_and_bought_back(story, sold, anna, bert):
    annas, berts = sold
    story.disconnect(berts)
    again = story.connect(anna, "car-1")
    assert again == annas, "the row of the first time"
    story.use(again, 70)
    assert numbers_of(anna) == {10: ALL, 20: ALL, 70: ALL}
    assert numbers_of(bert) == {50: ALL, 60: ALL}
    privacy.erase(anna)
    assert numbers_of(bert) == {50: ALL, 60: ALL}
    privacy.erase(bert)
    assert not WebhookEvent.objects.exists()


def test_a_car_that_two_drivers_share_at_once(story, anna, bert, named):
    """Without a user id, an event is about both: each has it, and erasing one leaves it to the other."""
    annas, berts = story.connect(anna, "car-1"), story.connect(bert, "car-1")
    story.receive("car-1", "driver-bert", 50)
    _queue.process_due()
    found = {"webhook", "event"}
    assert numbers_of(bert) == {50: found}
    assert numbers_of(anna) == ({} if named else {50: found})
    assert annas.smartcar_vehicle_id == berts.smartcar_vehicle_id
    privacy.erase(anna)
    assert numbers_of(bert) == {50: found}
    privacy.erase(bert)
    assert not WebhookEvent.objects.exists()


def test_an_event_that_arrives_while_the_driver_connects_is_theirs(story, anna, monkeypatch):
    monkeypatch.setattr(_waiting, "SWEEP_INTERVAL", 0)
    began_at = datetime.now(UTC)
    story.clock.shift(20)
    story.receive("car-1", "driver-anna", 10)
    _queue.process_due()
    story.clock.shift(timedelta(seconds=5))
    account = story.make_account(anna, "driver-anna")
    vehicles.store(account, [VehicleDetails("car-1", {}, GRANTED, Vin(VIN))], began_at)
    _queue.process_due()
    assert numbers_of(anna) == {10: {"webhook", "event"}}
