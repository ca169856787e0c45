"""What operators may see and do: each rule from the side of somebody who may not, and of one who may."""

import pytest
from django.contrib.admin.models import LogEntry

from django_smartcar.models import ConnectedVehicle, VehicleReading, VehicleSignal
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db

CARS = "/admin/smartcar/connectedvehicle/"
READINGS = "/admin/smartcar/vehiclereading/"
STATES = "/admin/smartcar/vehiclesignal/"

#: How a driver ends what operators may see.
ENDINGS = {
    "permission taken back": {"permissions": ["read_vehicle_info"]},
    "disconnected": {"disconnected_at": "2026-11-20T12:00Z"},
}


@pytest.fixture
def car(vehicle):
    """Return a vehicle of which a position and an odometer are stored."""
    readings.save(vehicle, "location", {"latitude": 37.4292, "longitude": 122.1381})
    readings.save(vehicle, "odometer", 777.25, "km")
    return vehicle


def locate(client, *cars):
    form = {"action": "locate", "_selected_action": [str(car.pk) for car in cars]}
    return client.post(CARS, form, follow=True).text


def pages(client, car):
    """Return the text of every page of the admin about a vehicle and its signals."""
    rows = [(READINGS, row) for row in VehicleReading.objects.all()]
    rows += [(STATES, row) for row in VehicleSignal.objects.all()]
    urls = [CARS, f"{CARS}{car.pk}/change/", f"{CARS}{car.pk}/history/"]
    urls += [f"{url}?q={word}" for url in (READINGS, STATES) for word in ("location", "odometer", "car-1")]
    urls += [READINGS, STATES, *(f"{url}{row.pk}/change/" for url, row in rows)]
    return "".join(client.get(url, follow=True).text for url in urls)


def test_an_operator_sees_what_the_driver_shares(admin_client, car):
    assert "37.4292, 122.1381" in locate(admin_client, car)
    assert pages(admin_client, car).count("777.25") >= 6
    assert "37.42" not in pages(admin_client, car)


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_an_operator_sees_nothing_that_the_driver_shares_no_more(admin_client, car, ending):
    ConnectedVehicle.objects.update(**ending)
    page = locate(admin_client, car)
    assert "Chevrolet Bolt · not shared" in page
    for text in (page, pages(admin_client, car)):
        for value in ("37.42", "122.13", "777.25"):
            assert value not in text
    assert LogEntry.objects.count() == 1, "that somebody asked is recorded, too"


def test_each_position_is_shown_as_its_own_driver_shares_it(
    admin_client, car, make_account, make_vehicle, bert
):
    other = make_vehicle(make_account(bert, "driver-b"), "car-b", make="TESLA")
    readings.save(other, "location", {"latitude": 48.1372, "longitude": 11.5761})
    ConnectedVehicle.objects.filter(pk=other.pk).update(permissions=["read_odometer"])
    page = locate(admin_client, car, other)
    assert "37.4292, 122.1381" in page
    assert "Tesla Bolt · not shared" in page
    assert "48.13" not in page


def test_a_position_that_smartcar_refused_to_tell_again_is_not_shown(admin_client, car):
    VehicleSignal.objects.filter(signal="location").update(status="error", error_type="PERMISSION")
    page = locate(admin_client, car)
    assert "Chevrolet Bolt · not read yet" in page
    assert "37.42" not in page
