import json

import pytest

from django_smartcar.simulator import store
from tests.simulator.conftest import assert_v3_error

PLACE = {"latitude": 37.4, "longitude": -122.1}
HOURS = {"startTime": "08:00", "stopTime": "10:00"}


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("daily", HOURS),
        ("weekly", {"days": {"monday": HOURS, "friday": HOURS}}),
        ("workweek", {"weekdays": HOURS, "weekends": HOURS}),
    ],
)
def test_a_schedule_is_among_the_timers_until_it_is_deleted(connect_v3, kind, attributes):
    tesla = connect_v3(make="TESLA")
    data = tesla("POST", f"charge-schedules/{kind}", attributes | {"location": PLACE}).json()["data"]
    assert data["type"] == "charge-schedule-execution"
    schedule_id = data["attributes"]["scheduleId"]
    assert data["attributes"]["scheduleType"] == kind.upper()
    assert data["links"]["schedule"].endswith(f"/charge-schedules/{schedule_id}")

    def timers():
        return tesla("GET", "signals/charge-chargetimers").json()["data"]["attributes"]["body"]["values"]

    (timer,) = timers()
    assert (timer["type"], timer["scheduleId"]) == ("LOCATION", schedule_id)
    assert timer["condition"] == PLACE
    hours = timer["schedules"][0]
    assert (hours["start"], hours["end"]) == ("08:00:00", "10:00:00")
    assert tesla("DELETE", f"charge-schedules/{schedule_id}").status_code == 200
    assert timers() == []
    gone = tesla("DELETE", f"charge-schedules/{schedule_id}")
    assert_v3_error(gone, 404, "RESOURCE_NOT_FOUND", "PATH")


def test_a_schedule_is_rejected_when_the_car_or_the_request_does_not_support_it(connect_v3):
    daily = HOURS | {"location": PLACE}
    volvo = connect_v3(make="VOLVO")
    assert volvo("POST", "charge-schedules/daily", daily).status_code == 200
    workweek = {"location": PLACE, "weekdays": HOURS, "weekends": HOURS}
    incapable = (501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
    assert_v3_error(volvo("POST", "charge-schedules/workweek", workweek), *incapable)
    volt = connect_v3("b@example.com")
    assert_v3_error(volt("POST", "charge-schedules/daily", daily), *incapable)
    assert_v3_error(volvo("POST", "charge-schedules/hourly", daily), 404, "RESOURCE_NOT_FOUND", "PATH")
    for wrong in (
        {"startTime": "8"},
        {"stopTime": "24:00"},
        {"location": None},
        {"location": {"latitude": 1}},
    ):
        response = volvo("POST", "charge-schedules/daily", daily | wrong)
        assert_v3_error(response, 400, "VALIDATION", "INVALID_INPUT_FORMAT")
    limited = connect_v3("c@example.com", make="TESLA", scope="read_odometer")
    assert_v3_error(limited("POST", "charge-schedules/daily", daily), 403, "PERMISSION")


def test_the_effects_of_commands_survive_a_restart(connect_v3, settings, tmp_path):
    settings.SMARTCAR_SIMULATOR_STATE = str(tmp_path / "state.json")
    store.restart()
    tesla = connect_v3(make="TESLA")
    tesla("POST", "commands/charge-port/open")
    tesla("POST", "charge-schedules/daily", HOURS | {"location": PLACE})
    before = store.car(tesla.car.id)
    store.restart()
    assert store.car(tesla.car.id) == before
    signal = tesla("GET", "signals/charge-ischargingportflapopen").json()["data"]
    assert signal["attributes"]["body"] == {"value": True}
    assert "daily" in json.dumps(list(before.charge_schedules.values()))
