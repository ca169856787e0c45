"""The page says why a car has no value, or why its value is old."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.contrib.staticfiles import finders
from django.utils import timezone

from django_smartcar.models import LABELS, ConnectedVehicle, VehicleSignal
from django_smartcar.services import readings
from django_smartcar.services.signals import icon_of
from django_smartcar.views import presenters

pytestmark = pytest.mark.django_db


@pytest.fixture
def explanations(client, anna, make_vehicle, account):
    """Return what the page says below the readings of a car, whose signals have these statuses."""
    permissions = ["read_odometer", "read_fuel", "read_tires", "read_security", "read_engine_oil"]
    vehicle = make_vehicle(account, permissions=permissions)
    readings.save(vehicle, "odometer", 104.32, "km")

    def explanations(*rows):
        for signal, status, *error in rows:
            error_type, error_code = (*error, "", "")[:2]
            VehicleSignal.objects.update_or_create(
                vehicle=vehicle,
                signal=signal,
                defaults={
                    "status": status,
                    "status_at": timezone.now(),
                    "error_type": error_type,
                    "error_code": error_code,
                },
            )
        client.force_login(anna)
        return re.findall(
            r'<p class="smartcar-explanation">(.*?)</p>',
            client.get(f"/cars/{ConnectedVehicle.objects.get().pk}/").text,
        )

    return explanations


def test_nothing_is_explained_while_all_is_well(explanations):
    assert explanations(("odometer", "ok"), ("nickname", "error")) == []


@pytest.mark.parametrize("status", ["not_granted", "not_in_plan", "not_collected"])
def test_a_missing_value_is_explained(explanations, status):
    assert explanations(("fuel_level", status)) == [
        f"Fuel: {presenters.REASONS[status]}".replace("'", "&#x27;")
    ]


def test_what_the_car_cannot_tell_is_not_mentioned(explanations):
    assert explanations(("fuel_level", "not_capable"), ("oil_life", "not_requested")) == []


def test_rows_with_the_same_reason_share_a_sentence(explanations):
    assert explanations(
        ("tires", "error", "VEHICLE_STATE", "ASLEEP"),
        ("fuel_level", "error", "VEHICLE_STATE", "ASLEEP"),
        ("oil_life", "not_collected"),
    ) == [
        "Fuel, Tires: The car is asleep. Open a door or start it, or try again later.",
        "Engine oil: Smartcar has not collected this from the car yet. It may take a day after connecting.",
    ]


def test_an_old_value_stays_with_the_reason_that_there_is_no_newer_one(explanations, client):
    assert explanations(("odometer", "error", "UPSTREAM", "RATE_LIMIT")) == [
        "Odometer: The car&#x27;s brand was asked too often. Please wait an hour or so."
    ]
    assert "104.3\xa0km" in client.get(f"/cars/{ConnectedVehicle.objects.get().pk}/").text


def test_an_unknown_error_has_a_sentence_too(explanations):
    assert explanations(("tires", "error", "NEW_TYPE", "NEW_CODE")) == [
        "Tires: The car did not tell this when it was last asked."
    ]


def test_a_missing_part_of_a_value_is_not_mentioned(explanations, client):
    assert explanations(("odometer", "ok"), ("fuel_level", "not_collected"), ("fuel_range", "ok")) != []
    vehicle = VehicleSignal.objects.first().vehicle
    readings.save(vehicle, "fuel_level", 0.5, "fraction")
    assert explanations(("fuel_range", "not_collected")) == []


def test_what_the_driver_has_not_granted_is_listed_once(explanations, client):
    assert explanations(("battery_level", "error", "UPSTREAM")) == []


def test_a_login_at_the_brand_is_asked_for_while_the_car_still_answers(client, anna, vehicle):
    """The sentence is true in both cases: it never says that the car cannot be reached."""
    vehicle.reauthentication_required_at = timezone.now() - timedelta(hours=1)
    vehicle.save()
    readings.save(vehicle, "odometer", 104.32, "km")
    client.force_login(anna)
    page = client.get(f"/cars/{ConnectedVehicle.objects.get().pk}/").text
    assert "Until then its values may be old, and commands may fail." in page
    assert "104.3\xa0km" in page
    assert "cannot reach" not in page


class TestIcons:
    def test_each_signal_has_a_symbol(self):
        root = ElementTree.parse(finders.find("smartcar/icons.svg")).getroot()  # noqa: S314 (our own file)
        symbols = {symbol.get("id") for symbol in root}
        assert {icon_of(name) for name in LABELS} | {"lock-open"} == symbols
        assert (icon_of("is_locked"), icon_of("doors"), icon_of("unknown_signal")) == ("lock", "door", "car")

    def test_the_page_shows_it_beside_the_label(self, explanations, client):
        explanations()
        assert (
            '<use href="/static/smartcar/icons.svg#gauge"></use></svg> Odometer'
            in client.get(f"/cars/{ConnectedVehicle.objects.get().pk}/").text
        )
