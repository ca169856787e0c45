"""The garage's forms for the past of a vehicle."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import queue
from tests.simulator.dashboard.conftest import GARAGE


def test_webhooks_are_told_the_past_of_a_car(garage, volt, make_webhook, receiver):
    make_webhook(volt.car)
    page = garage(f"cars/{volt.id}/")
    page.press("history-button", days="3")
    assert "The car has a past now." in page.text
    queue.run()
    odometers = [
        signal["body"]["value"]
        for event in receiver.events
        for signal in event.body["data"]["signals"]
        if signal["code"] == "odometer-traveleddistance"
    ]
    assert len(odometers) > 5
    assert odometers == sorted(odometers)


@pytest.mark.parametrize("days", ["", "0", "-1", "367", "1.5", "many"])
def test_an_invalid_number_of_days_is_refused(garage, volt, days):
    page = garage(f"cars/{volt.id}/")
    page.press("history-button", days=days)
    assert page.status == 400
    assert 'Correct the field <a href="#history-days">' in page.text
    assert queue.log() == []
    response = Client().get(f"{GARAGE}cars/{volt.id}/history.jsonl", {"days": days})
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/plain")
    assert response.content.startswith(b"Days to download: ")


def test_the_past_of_a_car_can_be_downloaded(garage, volt):
    page = garage(f"cars/{volt.id}/")
    form = next(form for form in page.page.forms if "archive-button" in form.buttons)
    assert (form.method, form.fields) == ("GET", [("days", "30")])
    response = Client().get(form.action, {"days": "10"})
    assert response.streaming
    assert response["Content-Type"] == "application/jsonl"
    assert response["Content-Disposition"] == f'attachment; filename="{volt.car.vin}-10-days.jsonl"'
    events = [json.loads(line) for line in response.getvalue().decode().splitlines()]
    times = [event["meta"]["deliveredAt"] for event in events]
    assert times == sorted(times)
    started = datetime.fromtimestamp(times[0] / 1000, UTC)
    assert timedelta(days=8) < store.now() - started <= timedelta(days=10)
    assert {event["data"]["vehicle"]["id"] for event in events} == {volt.id}
    assert queue.log() == []


def test_the_past_of_an_unknown_car_is_not_found(client):
    assert client.get(f"{GARAGE}cars/nonsense/history.jsonl", {"days": "10"}).status_code == 404
