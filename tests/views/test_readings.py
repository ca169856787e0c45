import json

import pytest
from django.test import Client

from django_smartcar.models import ConnectedVehicle
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db

ADDRESSES = [
    "/cars/readings.csv",
    "/cars/readings.json",
    "/cars/{pk}/readings.csv",
    "/cars/{pk}/readings.json",
]


@pytest.fixture
def vehicle_with_readings(vehicle, make_vehicle, account):
    readings.save(vehicle, "odometer", 4711, "km")
    readings.save(make_vehicle(account, "car-2"), "odometer", 1234, "km")
    return vehicle


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_owner_downloads_the_readings(client, anna, vehicle_with_readings, address):
    client.force_login(anna)
    ConnectedVehicle.objects.update(disconnected_at="2026-01-01T00:00Z")
    response = client.get(address.format(pk=vehicle_with_readings.pk))
    text = b"".join(response.streaming_content).decode()
    assert "4711" in text
    assert ("1234" in text) is ("{pk}" not in address)
    assert response["Content-Disposition"].startswith('attachment; filename="readings')
    assert "no-store" in response["Cache-Control"]
    if address.endswith("json"):
        assert all(row["signal"] == "odometer" for row in json.loads(text))


@pytest.mark.parametrize(("language", "line"), [("en", "odometer,4711.5,km"), ("de", "odometer;4711,5;km")])
def test_a_spreadsheet_in_the_users_language_reads_the_numbers(client, anna, vehicle, language, line):
    readings.save(vehicle, "odometer", 4711.5, "km")
    client.force_login(anna)
    response = client.get("/cars/readings.csv", headers={"Accept-Language": language})
    text = b"".join(response.streaming_content)
    assert text.startswith("\ufeffvehicle".encode())
    assert line.encode() in text


@pytest.mark.parametrize("address", ADDRESSES)
def test_another_user_gets_no_readings(client, bert, vehicle_with_readings, address):
    assert client.get(address.format(pk=vehicle_with_readings.pk)).status_code == 302
    berts = Client()
    berts.force_login(bert)
    response = berts.get(address.format(pk=vehicle_with_readings.pk))
    if "{pk}" in address:
        assert response.status_code == 404
    else:
        assert b"4711" not in b"".join(response.streaming_content)


def test_the_page_links_to_the_downloads(client, anna, vehicle_with_readings):
    client.force_login(anna)
    page = client.get(f"/cars/{vehicle_with_readings.pk}/").text
    for form in ("csv", "json"):
        assert f'href="/cars/{vehicle_with_readings.pk}/readings.{form}"' in page
