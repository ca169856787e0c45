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
def told(vehicle, make_vehicle, account):
    readings.save(vehicle, "odometer", 4711, "km")
    readings.save(make_vehicle(account, "car-2"), "odometer", 1234, "km")
    return vehicle


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_owner_takes_the_readings_away(client, anna, told, address):
    client.force_login(anna)
    ConnectedVehicle.objects.update(disconnected_at="2026-01-01T00:00Z")
    answer = client.get(address.format(pk=told.pk))
    text = b"".join(answer.streaming_content).decode()
    assert "4711" in text
    assert ("1234" in text) is ("{pk}" not in address)
    assert answer["Content-Disposition"].startswith('attachment; filename="readings')
    assert "no-store" in answer["Cache-Control"]
    if address.endswith("json"):
        assert all(row["kind"] == "odometer" for row in json.loads(text))


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_else_gets_any(client, bert, told, address):
    assert client.get(address.format(pk=told.pk)).status_code == 302
    berts = Client()
    berts.force_login(bert)
    answer = berts.get(address.format(pk=told.pk))
    if "{pk}" in address:
        assert answer.status_code == 404
    else:
        assert b"4711" not in b"".join(answer.streaming_content)


def test_the_page_leads_there(client, anna, told):
    client.force_login(anna)
    page = client.get("/cars/").text
    for form in ("csv", "json"):
        assert f'href="/cars/{told.pk}/readings.{form}"' in page
