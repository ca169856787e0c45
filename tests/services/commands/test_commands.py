import json
import re
import time
from datetime import timedelta

import pytest
import requests

from django_smartcar import signals
from django_smartcar.exceptions import (
    NoResponseException,
    ReconnectRequired,
    SmartcarException,
    StateException,
    VehicleDisconnected,
)
from django_smartcar.models import ConnectedVehicle, VehicleCommand
from django_smartcar.services import commands
from django_smartcar.simulator import store

from ...mock_api import API, IN_MOTION, TOKEN

pytestmark = pytest.mark.django_db

SECURITY = f"{API}/vehicles/car-1/security"


@pytest.mark.parametrize(("action", "sent_action"), [("lock", "LOCK"), ("unlock", "UNLOCK")])
def test_a_command_is_sent_and_recorded(vehicle, anna, mock_api, action, sent_action):
    mock_api.commands("car-1")
    command = commands.send(vehicle, action, actor=anna)
    assert [json.loads(request.body) for request in mock_api.sent("POST", "/security")] == [
        {"action": sent_action}
    ]
    row = VehicleCommand.objects.get()
    assert row == command
    assert (row.vehicle, row.actor, row.action, row.status) == (vehicle, anna, action, "succeeded")
    assert row.finished_at is not None


def test_the_record_exists_before_the_request(vehicle, mock_api):
    seen = []

    def respond(request):
        seen.extend(VehicleCommand.objects.values_list("status", flat=True))
        return 200, {}, '{"status": "success"}'

    mock_api.mock.add_callback("POST", SECURITY, respond, content_type="application/json")
    commands.send(vehicle, "lock")
    assert seen == ["pending"]


def test_an_error_response_is_recorded_and_raised(vehicle, mock_api):
    mock_api.commands("car-1", IN_MOTION, status=409)
    with pytest.raises(StateException):
        commands.send(vehicle, "unlock")
    row = VehicleCommand.objects.get()
    assert (row.status, row.error_type, row.error_code) == ("failed", "VEHICLE_STATE", "IN_MOTION")
    assert row.request_id == IN_MOTION["requestId"]


@pytest.mark.parametrize(
    ("response", "status"),
    [
        ({"body": requests.ReadTimeout()}, "unknown"),
        ({"status": 504, "body": "gateway timeout"}, "unknown"),
        ({"status": 200, "body": "<html>?"}, "unknown"),
        ({"body": requests.ConnectTimeout()}, "failed"),
        ({"status": 500, "json": {"type": "SERVER", "code": "INTERNAL"}}, "unknown"),
        ({"status": 502, "json": {"type": "UPSTREAM", "code": "NO_RESPONSE"}}, "unknown"),
        ({"status": 524, "body": "<html>"}, "unknown"),
        ({"status": 200, "json": {"status": "pending"}}, "unknown"),
        ({"status": 501, "json": {"type": "COMPATIBILITY"}}, "failed"),
        ({"status": 429, "json": {"type": "RATE_LIMIT"}}, "failed"),
    ],
)
def test_the_outcome_is_unknown_only_if_the_vehicle_may_have_executed_the_command(
    vehicle, mock_api, response, status
):
    mock_api.mock.add("POST", SECURITY, **response)
    with pytest.raises(SmartcarException):
        commands.send(vehicle, "lock")
    assert VehicleCommand.objects.get().status == status
    assert len(mock_api.sent("POST", "/security")) == 1, "a command is never sent twice"


def test_a_failed_token_refresh_makes_the_command_failed_not_unknown(
    make_account, make_vehicle, anna, mock_api
):
    vehicle = make_vehicle(make_account(anna, access_for=timedelta(0)))
    mock_api.mock.add("POST", TOKEN, body=requests.ReadTimeout())
    with pytest.raises(NoResponseException):
        commands.send(vehicle, "lock")
    assert VehicleCommand.objects.get().status == "failed"
    assert not mock_api.sent("POST", "/security")


def test_an_account_that_needs_reconnecting_sends_nothing(make_account, make_vehicle, anna, mock_api):
    vehicle = make_vehicle(make_account(anna, refresh_token=""))
    with pytest.raises(ReconnectRequired):
        commands.send(vehicle, "lock")
    assert VehicleCommand.objects.get().error_type == "ReconnectRequired"
    assert not mock_api.mock.calls


def test_no_command_is_sent_to_a_disconnected_vehicle(vehicle, mock_api):
    ConnectedVehicle.objects.update(disconnected_at="2026-01-01T00:00Z")
    vehicle.refresh_from_db()
    with pytest.raises(VehicleDisconnected):
        commands.send(vehicle, "lock")
    assert not mock_api.mock.calls


def test_an_unknown_action_is_a_value_error(vehicle, mock_api):
    with pytest.raises(ValueError, match="lock, unlock"):
        commands.send(vehicle, "explode")
    assert not VehicleCommand.objects.exists()


def test_command_finished_is_sent(vehicle, mock_api):
    ended = []

    def receive(sender, command, **kwargs):
        ended.append(command.status)

    signals.command_finished.connect(receive)
    try:
        mock_api.commands("car-1")
        commands.send(vehicle, "lock")
    finally:
        signals.command_finished.disconnect(receive)
    assert ended == ["succeeded"]


def test_an_unexpected_error_does_not_leave_the_record_pending(make_vehicle, account, mock_api):
    vehicle = make_vehicle(account, unit_system="")
    with pytest.raises(ValueError, match="unit"):
        commands.send(vehicle, "lock")
    assert VehicleCommand.objects.get().status == "failed"


def test_deleting_the_vehicle_during_the_request_is_no_error(vehicle, mock_api):
    def respond(request):
        ConnectedVehicle.objects.all().delete()
        return 200, {}, '{"status": "success"}'

    mock_api.mock.add_callback("POST", SECURITY, respond, content_type="application/json")
    assert commands.send(vehicle, "lock").status == "succeeded"


def test_a_command_waits_as_long_as_the_settings_say(vehicle, mock_api, settings):
    settings.SMARTCAR_COMMAND_TIMEOUT = 299
    mock_api.commands("car-1")
    commands.send(vehicle, "lock")
    assert mock_api.sent("POST", "/security")[0].req_kwargs["timeout"][1] == 299


class TestV3:
    """Over HTTP to the simulator, which first responds to long commands with 202."""

    @pytest.fixture
    def car(self, smartcar, connect_driver, settings):
        vehicle = connect_driver().vehicles[0]
        settings.SMARTCAR_SIMULATOR_COMMAND_SECONDS = 175
        settings.SMARTCAR_SIMULATOR_SPEED = 500
        return vehicle

    def test_a_command_that_fails_after_175_seconds_is_recorded_as_failed(self, car, smartcar, caplog):
        smartcar.car().fault = "VEHICLE_STATE:IN_MOTION"
        began = store.now()
        with pytest.raises(StateException):
            commands.send(car, "lock")
        assert (store.now() - began).total_seconds() >= 175
        row = VehicleCommand.objects.get()
        assert (row.status, row.error_type, row.error_code) == ("failed", "VEHICLE_STATE", "IN_MOTION")
        assert store.counters["commands"] == 1

    def test_a_command_that_succeeds_after_175_seconds_is_recorded_as_succeeded(self, car, smartcar):
        assert commands.send(car, "lock").status == "succeeded"
        assert smartcar.car().is_locked

    def test_a_202_without_a_result_is_unknown(self, car, settings):
        settings.SMARTCAR_COMMAND_TIMEOUT = 0.1
        with pytest.raises(NoResponseException):
            commands.send(car, "lock")
        assert VehicleCommand.objects.get().status == "unknown"
        while not store.counters[
            "commands"
        ]:  # the vehicle still executes it; wait, so that the next test is not affected
            time.sleep(0.05)

    @pytest.mark.parametrize(
        "body", [{"errors": [{"detail": "?"}]}, {"error": "?"}, {"errors": [{"type": "NEW", "code": "NEW"}]}]
    )
    def test_a_result_with_an_unknown_error_is_unknown(self, car, mock_api, smartcar, settings, body):
        mock_api.mock.add_passthru(smartcar.url)
        settings.SMARTCAR_VEHICLE_API_URL = "https://vehicle.api.smartcar.com"
        mock_api.mock.add("POST", re.compile("https://vehicle.api.smartcar.com/.*"), status=202, json=body)
        with pytest.raises(SmartcarException):
            commands.send(car, "unlock")
        assert VehicleCommand.objects.get().status == "unknown"
