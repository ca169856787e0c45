"""Every command of both API versions, sent to the simulator."""

import logging
import sys

import pytest
from django.views.debug import ExceptionReporter

from django_smartcar import sdk
from django_smartcar.exceptions import CommandInvalid, NotCapableException, PermissionMissing, user_message
from django_smartcar.models import ConnectedVehicle, VehicleCommand
from django_smartcar.services import command_specs, commands
from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion

pytestmark = pytest.mark.django_db

SCOPE = ["required:read_vehicle_info", "control_security", "control_charge", "control_navigation"]
NIGHT = {"start": "22:00", "stop": "06:00"}
# Made of parts: an error report quotes the source code.
LATITUDE, LONGITUDE = 48 + 0.137154, 11 + 0.576124
PLACE = {"latitude": LATITUDE, "longitude": LONGITUDE}

BOTH_VERSIONS = [
    ("lock", {}, lambda car: car.is_locked),
    ("unlock", {}, lambda car: not car.is_locked),
    ("start_charge", {}, lambda car: car.state == "charging"),
    ("stop_charge", {}, lambda car: car.state != "charging"),
    ("set_charge_limit", {"limit": 0.65}, lambda car: car.charge_limit == pytest.approx(0.65)),
    ("send_destination", PLACE, lambda car: car.destination is not None),
]
V3_ONLY = [
    ("open_charge_port", {}, lambda car: car.is_charge_port_open),
    ("close_charge_port", {}, lambda car: not car.is_charge_port_open),
    ("set_daily_charge_schedule", {**PLACE, "window": NIGHT}, lambda car: len(car.charge_schedules) == 1),
    ("set_weekly_charge_schedule", {**PLACE, "days": {"monday": NIGHT}}, lambda car: car.charge_schedules),
    (
        "set_workweek_charge_schedule",
        {**PLACE, "weekdays": NIGHT, "weekends": NIGHT},
        lambda car: car.charge_schedules,
    ),
]


@pytest.fixture
def vehicle(smartcar, connect_driver, settings):
    settings.SMARTCAR_SCOPE = SCOPE
    vehicle = connect_driver(make="TESLA").vehicles[0]
    car = smartcar.car()
    car.is_plugged_in = True
    motion.enter(car, "parked")
    return vehicle


def test_every_action_of_the_model_is_registered_and_a_method_of_the_sdk():
    assert set(VehicleCommand.Action.values) == {*command_specs.COMMANDS, *command_specs.OPERATIONS}
    assert all(hasattr(sdk.v3.Vehicle, action) for action in command_specs.COMMANDS)


@pytest.mark.parametrize(
    ("smartcar", "action", "parameters", "confirms_success"),
    [("2.0", *row) for row in BOTH_VERSIONS] + [("3", *row) for row in (*BOTH_VERSIONS, *V3_ONLY)],
    indirect=["smartcar"],
)
def test_a_command_is_executed_and_recorded(vehicle, smartcar, anna, action, parameters, confirms_success):
    if action == "stop_charge":
        commands.send(vehicle, "start_charge")
    command = commands.send(vehicle, action, actor=anna, reason="the car asked for it", **parameters)
    row = VehicleCommand.objects.get(pk=command.pk)
    assert (row.action, row.status, row.actor) == (action, "succeeded", anna)
    assert row.reason == "the car asked for it"
    assert set(row.parameters) == set(parameters) - {"latitude", "longitude"}
    assert confirms_success(smartcar.car())


def test_a_schedule_is_removed_by_its_id(vehicle, smartcar):
    commands.send(vehicle, "set_daily_charge_schedule", window=NIGHT, **PLACE)
    (schedule_id,) = smartcar.car().charge_schedules
    commands.send(vehicle, "delete_charge_schedule", schedule_id=schedule_id)
    assert not smartcar.car().charge_schedules


@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
@pytest.mark.parametrize(("action", "parameters"), [row[:2] for row in V3_ONLY])
def test_commands_that_only_v3_has_are_refused_in_v2(vehicle, action, parameters):
    with pytest.raises(NotCapableException, match="API v3 only"):
        commands.send(vehicle, action, **parameters)
    assert not VehicleCommand.objects.exists()


@pytest.mark.parametrize(
    ("smartcar", "limit", "sentence"),
    [
        ("2.0", 0.49, "from 50 to 100 %"),
        ("3", 0.49, "from 50 to 100 %"),
        ("3", 1.01, "from 50 to 100 %"),
        ("3", float("nan"), "from 50 to 100 %"),
        ("3", "0.8", "from 50 to 100 %"),
        ("3", 0.555, "a whole percentage"),
    ],
    indirect=["smartcar"],
)
def test_an_invalid_charge_limit_is_explained(vehicle, limit, sentence):
    with pytest.raises(CommandInvalid, match=sentence) as raised:
        commands.send(vehicle, "set_charge_limit", limit=limit)
    assert sentence in user_message(raised.value)
    assert isinstance(raised.value, ValueError)
    assert not VehicleCommand.objects.exists()


@pytest.mark.parametrize("limit", [0.5, 0.57, 0.58, 0.69, 1, 1.0])
def test_a_whole_percentage_is_accepted_however_it_is_stored(vehicle, smartcar, limit):
    commands.send(vehicle, "set_charge_limit", limit=limit)
    assert smartcar.car().charge_limit == pytest.approx(limit)


def test_parameters_of_other_actions_are_refused(vehicle):
    with pytest.raises(CommandInvalid, match="set_charge_limit takes limit"):
        commands.send(vehicle, "set_charge_limit")
    with pytest.raises(CommandInvalid, match="lock takes nothing"):
        commands.send(vehicle, "lock", **PLACE)


@pytest.mark.parametrize(
    ("action", "scope", "parameters"),
    [
        ("unlock", "control_security", {}),
        ("start_charge", "control_charge", {}),
        ("send_destination", "control_navigation", PLACE),
    ],
)
def test_a_command_without_permission_is_refused_before_the_request(vehicle, action, scope, parameters):
    others = [granted for granted in vehicle.permissions if granted != scope]
    ConnectedVehicle.objects.update(permissions=others)
    vehicle.refresh_from_db()
    with pytest.raises(PermissionMissing) as raised:
        commands.send(vehicle, action, **parameters)
    assert raised.value.scope == scope
    assert store.counters["commands"] == 0


def test_a_command_is_sent_if_the_permissions_are_unknown(vehicle):
    ConnectedVehicle.objects.update(permissions=[])
    vehicle.refresh_from_db()
    assert commands.send(vehicle, "lock").status == "succeeded"


def test_a_command_that_the_vehicle_is_not_capable_of_is_not_sent_again(vehicle, smartcar):
    smartcar.car().fault = "COMPATIBILITY:VEHICLE_NOT_CAPABLE"
    for _ in range(3):
        with pytest.raises(NotCapableException):
            commands.send(vehicle, "open_charge_port")
    smartcar.car().fault = None
    assert VehicleCommand.objects.count() == 1
    assert commands.send(vehicle, "lock").status == "succeeded"
    VehicleCommand.objects.update(created_at="2026-01-01T00:00Z")
    assert commands.send(vehicle, "open_charge_port").status == "succeeded"


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
@pytest.mark.parametrize("fault", [None, "UPSTREAM:NO_RESPONSE", "VALIDATION:PARAMETER"])
def test_a_destination_is_in_no_record_log_or_error_report(vehicle, smartcar, caplog, fault, rf):
    caplog.set_level(logging.DEBUG)
    smartcar.car().fault = fault
    shown = ""
    try:
        commands.send(vehicle, "send_destination", **PLACE)
    except Exception as error:
        reporter = ExceptionReporter(rf.get("/"), type(error), error, sys.exc_info()[2].tb_next)
        shown += f"{error!r} {error} {reporter.get_traceback_html()} {reporter.get_traceback_text()}"
        assert fault
    row = VehicleCommand.objects.get()
    shown += f"{row} {row!r} {vars(row)} {caplog.text}"
    for number in (LATITUDE, LONGITUDE):
        assert str(number)[:7] not in shown


def test_an_invalid_destination_is_not_in_the_error(vehicle):
    with pytest.raises(CommandInvalid, match="no such place") as raised:
        commands.send(vehicle, "send_destination", latitude=LATITUDE + 90, longitude=LONGITUDE)
    assert str(LATITUDE + 90)[:7] not in str(raised.value)
