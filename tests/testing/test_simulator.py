"""The simulator for a site's tests, in this process and on a port."""

import socket

import pytest
import requests
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.test.utils import override_script_prefix
from django.urls import get_urlconf, reverse

from django_smartcar import sdk, testing
from django_smartcar.conf import conf
from django_smartcar.exceptions import (
    OwnedByAnotherUser,
    PermissionMissing,
    ServerException,
    StateException,
)
from django_smartcar.models import ConnectedVehicle, SmartcarAccount
from django_smartcar.sdk.readings import PERMISSIONS
from django_smartcar.services import commands, tokens, vehicles
from django_smartcar.simulator import store
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.webhooks import queue, registry
from tests.people.models import Person

from ..simulator.browser import RequestsBrowser, Visit
from ..site_processes import wait_until

READ_AT = {
    "odometer": "odometer",
    "location": "location",
    "fuel": "fuel",
    "battery": "battery",
    "battery/capacity": "battery_capacity",
    "battery/nominal_capacity": "nominal_capacity",
    "charge": "charge",
    "charge/limit": "get_charge_limit",
    "engine/oil": "engine_oil",
    "tires/pressure": "tire_pressure",
    "security": "lock_status",
    "diagnostics/system_status": "diagnostic_system_status",
    "diagnostics/dtcs": "diagnostic_trouble_codes",
    "service/history": "service_history",
}


@pytest.fixture
def vehicle(db, simulator, anna):
    (vehicle,) = simulator.connect(anna).vehicles
    return vehicle


def test_a_connected_vehicle_can_be_read_and_controlled(simulator, vehicle):
    car = simulator.car(vehicle)
    car.odometer_km = 1234.5
    assert vehicles.odometer(vehicle)["data"] == {"distance": 1234.5}
    assert commands.send(vehicle, "lock").status == "succeeded"
    assert car.is_locked
    assert vehicle.account.api_version == simulator.api_version
    car.fault = "VEHICLE_STATE:ASLEEP"
    with pytest.raises(StateException):
        commands.send(vehicle, "unlock")
    assert car.is_locked


def test_a_fault_can_be_set_for_one_reading_in_both_api_versions(simulator, vehicle):
    injection.set_fault("UPSTREAM:NO_RESPONSE", "odometer", simulator.car(vehicle))
    with pytest.raises(ServerException):
        vehicles.odometer(vehicle)
    found = vehicles.read(vehicle, ["odometer", "location"])
    assert isinstance(found["odometer"], ServerException)
    assert found["location"]["data"]["latitude"]
    injection.set_fault(None, "odometer", simulator.car(vehicle))
    assert vehicles.odometer(vehicle)["data"]["distance"] > 0


def test_a_fault_of_the_request_fails_its_readings_in_both_api_versions(simulator, vehicle):
    injection.set_fault("SERVER:INTERNAL", "odometer", simulator.car(vehicle))
    with pytest.raises(ServerException):
        vehicles.odometer(vehicle)
    if simulator.api_version == "3":  # all signals come with one request
        with pytest.raises(ServerException):
            vehicles.read(vehicle, ["odometer", "location"])
    else:
        assert isinstance(vehicles.read(vehicle, ["odometer", "location"])["odometer"], ServerException)


@pytest.mark.parametrize(("path", "name"), READ_AT.items())
def test_a_fault_can_be_set_for_every_reading_in_both_api_versions(simulator, anna, settings, path, name):
    settings.SMARTCAR_SCOPE = sorted(set(PERMISSIONS.values()))
    (vehicle,) = simulator.connect(anna).vehicles
    assert isinstance(vehicles.read(vehicle, [name])[name], dict)
    injection.set_fault("VEHICLE_STATE:UNREACHABLE", path, simulator.car(vehicle))
    assert isinstance(vehicles.read(vehicle, [name])[name], StateException)


def test_every_reading_is_tested():
    assert set(READ_AT.values()) == set(PERMISSIONS)


def test_a_fault_can_be_set_for_one_command_in_both_api_versions(simulator, vehicle):
    injection.set_fault("VEHICLE_STATE:DOOR_OPEN", "security", simulator.car(vehicle), method="POST")
    with pytest.raises(StateException):
        commands.send(vehicle, "lock")


def test_another_user_does_not_see_the_vehicle(vehicle, anna, bert, client):
    assert list(ConnectedVehicle.objects.for_user(anna)) == [vehicle]
    assert not ConnectedVehicle.objects.for_user(bert).exists()
    client.force_login(bert)
    assert client.post(reverse("smartcar:lock", args=[vehicle.pk])).status_code == 404
    client.force_login(anna)
    assert client.post(reverse("smartcar:lock", args=[vehicle.pk])).status_code == 302


def test_two_users_have_different_vehicles_and_accounts(simulator, vehicle, bert):
    (other,) = simulator.connect(bert).vehicles
    assert other.smartcar_vehicle_id != vehicle.smartcar_vehicle_id
    with pytest.raises(OwnedByAnotherUser):
        simulator.connect(bert, email=f"user-{vehicle.account.user.pk}@example.com")


def test_the_email_decides_which_vehicles_are_connected(db, simulator, anna):
    assert len(simulator.connect(anna, email="3-vehicles@smartcar.com", make="FORD").vehicles) == 3
    with pytest.raises(ValueError, match="vehicle_incompatible"):
        simulator.connect(anna, email="smartcar@vehicle-incompatible.com")
    with pytest.raises(ValueError, match="no brand TRABANT. Choose one of: ACURA"):
        simulator.connect(anna, make="TRABANT")


def test_an_unticked_permission_is_not_granted(db, simulator, anna):
    (vehicle,) = simulator.connect(anna, untick=["read_location"]).vehicles
    assert "read_location" not in vehicle.permissions
    assert "read_odometer" in vehicle.permissions
    with pytest.raises(PermissionMissing):
        vehicles.location(vehicle)


def test_the_connect_button_leads_through_consent_to_the_callback(db, simulator, anna, client):
    client.force_login(anna)
    response = client.post(reverse("smartcar:connect"))
    back = simulator.consent(response.url, make="BMW")
    assert client.get(back).url == reverse("smartcar:vehicles")
    assert ConnectedVehicle.objects.for_user(anna).get().make == "BMW"


def test_denying_consent_connects_nothing(db, simulator, anna, client):
    client.force_login(anna)
    back = simulator.consent(client.post(reverse("smartcar:connect")).url, deny=True)
    assert client.get(back).status_code == 200
    assert not SmartcarAccount.objects.exists()


def test_consent_rejects_an_unknown_url(simulator):
    with pytest.raises(ValueError, match="https://connect.smartcar.com/oauth is not at the simulator"):
        simulator.consent("https://connect.smartcar.com/oauth?state=secret")
    with pytest.raises(ValueError, match="an error of status 400"):
        simulator.consent(f"{simulator.url}/connect/oauth/authorize")


def test_requests_to_smartcars_own_hosts_reach_the_simulator(vehicle, simulator):
    if simulator.api_version == "3":
        auth = sdk.ApplicationAuth(conf.SMARTCAR_CLIENT_ID, conf.SMARTCAR_CLIENT_SECRET)
        token = auth.request_token()["access_token"]
        car = sdk.v3.Vehicle(vehicle.smartcar_vehicle_id, token, vehicle.account.smartcar_user_id)
        (connection,) = sdk.v3.iter_connections(token)
        assert connection["vehicle_id"] == vehicle.smartcar_vehicle_id
    else:
        token = tokens.access_token(vehicle.account)
        own = sdk.Requester(session=requests.Session())
        car = sdk.Vehicle(vehicle.smartcar_vehicle_id, token, requester=own)
        assert list(sdk.iter_vehicle_ids(token)) == [vehicle.smartcar_vehicle_id]
    assert car.odometer()["data"]["distance"] == pytest.approx(simulator.car(vehicle).odometer_km, abs=0.01)


def test_the_sites_urlconf_and_settings_are_unchanged(vehicle):
    assert get_urlconf() is None
    assert django_settings.ROOT_URLCONF == "tests.urls"
    assert reverse("home") == "/"
    assert reverse("smartcar_simulator:about") == "/smartcar-simulator/"


def test_the_simulator_needs_no_app_and_no_template_settings(db, anna):
    apps = [name for name in django_settings.INSTALLED_APPS if name != "django_smartcar.simulator"]
    nothing = {"TEMPLATES": [], "MIDDLEWARE": [], "ALLOWED_HOSTS": [], "ROOT_URLCONF": "django_smartcar.urls"}
    with (
        override_settings(INSTALLED_APPS=apps, **nothing),
        testing.simulator("3") as smartcar,
        smartcar.on_a_port() as url,
    ):
        (vehicle,) = smartcar.connect(anna).vehicles
        assert vehicles.odometer(vehicle)["data"]["distance"] > 0
        assert requests.get(f"{url}/garage/", timeout=10).status_code == 200


@override_settings(FORCE_SCRIPT_NAME="/below")
def test_the_simulator_ignores_the_script_name_of_the_site(db, anna):
    with override_script_prefix("/below/"), testing.simulator("3") as smartcar:
        (vehicle,) = smartcar.connect(anna).vehicles
        assert reverse("smartcar:vehicles") == "/below/cars/"
        smartcar.car(vehicle).fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
        with pytest.raises(Exception, match="AUTHENTICATION_FAILED") as caught:
            commands.send(vehicle, "lock")
    assert caught.value.resolution["url"].startswith(f"{smartcar.url}/connect/oauth/reauthenticate?")


def test_redirect_uris_and_the_origin_of_the_sites_own_simulator_have_no_effect(db, anna, settings):
    settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = False
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = ["http://127.0.0.1:8000/cars/callback/"]
    settings.SMARTCAR_SIMULATOR_ORIGIN = "https://sim.example.com"
    with testing.simulator("3") as smartcar:
        (vehicle,) = smartcar.connect(anna).vehicles
        smartcar.car(vehicle).fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
        with pytest.raises(Exception, match="AUTHENTICATION_FAILED") as caught:
            commands.send(vehicle, "lock")
    assert caught.value.resolution["url"].startswith(f"{smartcar.url}/connect/")


def test_everything_is_restored_after_the_block(db, anna, settings, tmp_path):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "mine.json"

    def now():
        patched = requests.Session.get_adapter, requests.adapters.HTTPAdapter.send, socket.getaddrinfo
        return *patched, settings.SMARTCAR_CLIENT_ID

    before = now()
    with testing.simulator("3") as smartcar:
        smartcar.connect(anna)
        assert not any(one is other for one, other in zip(now(), before, strict=True))
    assert now() == before
    assert not (tmp_path / "mine.json").exists()
    settings.SMARTCAR_SIMULATOR_STATE = None
    assert not store.cars()


def test_the_sites_own_encryption_keys_are_kept(settings):
    settings.SMARTCAR_ENCRYPTION_KEYS = ["bXktb3duLWtleS1teS1vd24ta2V5LW15LW93bi1rZXk="]
    with testing.simulator():
        assert settings.SMARTCAR_ENCRYPTION_KEYS == ["bXktb3duLWtleS1teS1vd24ta2V5LW15LW93bi1rZXk="]


def test_the_api_version_defaults_to_that_of_the_site(settings):
    settings.SMARTCAR_API_VERSION = "2.0"
    with testing.simulator() as smartcar:
        assert smartcar.api_version == "2.0"
    with testing.simulator("3") as smartcar:
        assert settings.SMARTCAR_API_VERSION == "3"


def test_only_one_simulator_can_be_active(simulator):
    with pytest.raises(RuntimeError, match="one at a time"), testing.simulator():
        pass


def test_on_a_port_browsers_and_the_site_use_http(vehicle, simulator, bert, client, caplog):
    inside = simulator.url
    client.force_login(bert)
    caplog.set_level("INFO", "django_smartcar.simulator.server")
    commands.send(vehicle, "unlock")
    assert not caplog.messages
    with simulator.on_a_port() as url:
        assert simulator.url == url != inside
        visit = Visit(RequestsBrowser(), url, client.post(reverse("smartcar:connect")).url)
        client.get(visit.connect("bert@example.com").landed)
        caplog.clear()
        commands.send(vehicle, "lock")  # connected before there was a port
        assert [line.split()[0] for line in caplog.messages if vehicle.smartcar_vehicle_id in line] == [
            "POST"
        ]
    assert ConnectedVehicle.objects.for_user(bert).count() == 1
    assert simulator.car(vehicle).is_locked
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    assert vehicles.odometer(vehicle)["data"]["distance"] > 0


def test_on_a_port_webhooks_are_sent(transactional_db, live_server, simulator, anna):
    with simulator.on_a_port():
        (vehicle,) = simulator.connect(anna).vehicles
        hook = registry.add("Mine", f"{live_server.url}/cars/webhook/")
        registry.subscribe(hook.id, vehicle.account.smartcar_user_id, vehicle.smartcar_vehicle_id)
        registry.verify(hook)
        wait_until(lambda: "delivered" in [one.outcome for one in queue.log() if one.kind != "VERIFY"])
    assert vehicle.signals["odometer"].source == "webhook"


class InATestCase(TestCase):
    """Django's own classes, without a fixture."""

    def setUp(self):
        self.smartcar = self.enterContext(testing.simulator("3"))
        (self.vehicle,) = self.smartcar.connect(Person.objects.create_user("anna")).vehicles

    def test_a_command_is_sent(self):
        with transaction.atomic():
            commands.send(self.vehicle, "lock")
        assert self.smartcar.car(self.vehicle).is_locked

    def test_a_page_sends_a_command(self):
        client = Client()
        client.force_login(self.vehicle.account.user)
        client.post(reverse("smartcar:lock", args=[self.vehicle.pk]))
        assert self.smartcar.car(self.vehicle).is_locked


class InATransactionTestCase(TransactionTestCase):
    def test_a_command_is_sent(self):
        with testing.simulator("2.0") as smartcar:
            (vehicle,) = smartcar.connect(Person.objects.create_user("anna")).vehicles
            commands.send(vehicle, "lock")
            assert smartcar.car(vehicle).is_locked
        assert not connection.in_atomic_block
