"""No page offers a command that the driver has not granted, or that the car cannot do."""

import pytest
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone

from django_smartcar.models import SmartcarAccount, VehicleCommand, VehicleSignal
from django_smartcar.services import commands, readings
from django_smartcar.services.command_specs import COMMANDS

pytestmark = pytest.mark.django_db

GRANTED = ["read_odometer", "control_security", "control_charge", "control_navigation"]
CHARGING = {action for action, spec in COMMANDS.items() if spec.scope == "control_charge"}
WITHHELD = "Locking is not shared with this site."


@pytest.fixture
def car(make_vehicle, account):
    """Anna's car, of API v3, with all permissions for commands."""
    SmartcarAccount.objects.update(api_version="3")
    return make_vehicle(account, permissions=GRANTED)


@pytest.fixture(params=["list", "page", "state", "tag"])
def shown(request, client, anna):
    """Return a function that returns what Anna sees of her car, in each place that shows it."""
    client.force_login(anna)

    def show(car):
        if request.param == "tag":
            tag = engines["django"].from_string("{% load smartcar %}{% smartcar_vehicle_card car %}")
            site_request = RequestFactory().get("/")
            site_request.user = anna
            return tag.render({"car": car}, site_request)
        return client.get(
            {"list": "/cars/", "page": "/cars/{}/", "state": "/cars/{}/state/"}[request.param].format(car.pk)
        ).text

    return show


def lacks(car, *signals):
    for signal in signals:
        VehicleSignal.objects.create(
            vehicle=car, signal=signal, status="not_capable", status_at=timezone.now()
        )


def refuses(car, *actions):
    for action in actions:
        VehicleCommand.objects.create(
            vehicle=car,
            action=action,
            status="failed",
            error_type="COMPATIBILITY",
            error_code="VEHICLE_NOT_CAPABLE",
            finished_at=timezone.now(),
        )


def locks(page):
    return {action for action in ("lock", "unlock") if f"/{action}/" in page}


def test_a_car_that_can_is_offered_to_be_locked(shown, car):
    assert "lock" in locks(shown(car))
    assert WITHHELD not in shown(car)


def test_a_car_that_does_not_tell_its_lock_is_offered_to_be_locked(shown, car):
    lacks(car, "is_locked")
    assert "lock" in locks(shown(car))


def test_a_car_that_is_not_capable_is_not_offered_to_be_locked(shown, car):
    refuses(car, "lock", "unlock")
    page = shown(car)
    assert not locks(page)
    assert WITHHELD not in page


def test_a_car_that_cannot_be_unlocked_only(shown, car):
    refuses(car, "unlock")
    car.permissions = [*GRANTED, "read_security"]
    car.save()
    readings.save(car, "is_locked", True)
    assert "unlock" not in locks(shown(car))


def test_a_car_whose_driver_has_not_granted_it_says_so(shown, car, settings):
    car.permissions = ["read_odometer"]
    car.save()
    page = shown(car)
    assert not locks(page)
    assert f'{WITHHELD} <a href="/cars/{car.pk}/#smartcar-sharing">Share more</a>' in page
    settings.SMARTCAR_SCOPE = ["read_odometer"]
    assert WITHHELD not in shown(car), "the site does not ask for it"
    settings.SMARTCAR_SCOPE = ["control_security"]
    car.permissions = []
    car.save()
    assert WITHHELD not in shown(car), "nothing is known yet"


def test_a_petrol_car_is_not_offered_to_be_charged(client, anna, car):
    client.force_login(anna)
    assert 'id="smartcar-charging"' in client.get(f"/cars/{car.pk}/").text
    lacks(car, "charge_state", "charge_limit", "is_charge_port_open")
    page = client.get(f"/cars/{car.pk}/").text
    assert 'id="smartcar-charging"' not in page
    assert commands.offered(car) == {"lock", "unlock", "send_destination"}


def test_a_car_that_tells_otherwise_that_it_charges_is_offered_to_be_charged(car):
    lacks(car, "charge_state")
    readings.save(car, "is_charging", True)
    assert commands.offered(car) >= {"start_charge", "stop_charge"}


@pytest.mark.parametrize(
    ("prevent", "missing"),
    [
        (lambda car: refuses(car, "stop_charge"), {"stop_charge"}),
        (lambda car: lacks(car, "charge_limit"), {"set_charge_limit"}),
        (lambda car: lacks(car, "is_charge_port_open"), {"open_charge_port", "close_charge_port"}),
        (
            lambda car: SmartcarAccount.objects.update(api_version="2.0"),
            CHARGING - {"start_charge", "stop_charge", "set_charge_limit"},
        ),
    ],
)
def test_one_that_is_not_possible_does_not_hide_the_others(car, prevent, missing):
    prevent(car)
    car.account.refresh_from_db()
    assert commands.offered(car) == set(COMMANDS) - missing
