import json
import time

import pytest

from django_smartcar import sdk

from ..conftest import Answer

DONE = {
    "data": {
        "id": "exec_1",
        "type": "command-execution",
        "attributes": {
            "commandType": "security-lock",
            "status": {"value": "SUCCESS"},
            "executionMode": "sync",
        },
        "meta": {"durationInSeconds": 2},
    }
}
SCHEDULED = {
    "data": {
        "id": "exec_2",
        "type": "charge-schedule-execution",
        "attributes": {"action": "CREATE", "scheduleType": "daily", "scheduleId": "schedule-1"},
    }
}
IN_MOTION = {"status": "409", "type": "VEHICLE_STATE", "code": "IN_MOTION", "detail": "The car moves."}


def failed(**error):
    return {"errors": [{**IN_MOTION, **error}]}


def in_chunks(body, *, is_cut=False, status=202):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    half = len(content) // 2
    return Answer(status, chunks=[b" ", content[:half], content[half:]], is_cut=is_cut)


@pytest.mark.parametrize(
    ("call", "arguments", "path", "attributes"),
    [
        ("lock", (), "commands/security/lock", None),
        ("unlock", (), "commands/security/unlock", None),
        ("start_charge", (), "commands/charge/start", None),
        ("stop_charge", (), "commands/charge/stop", None),
        ("set_charge_limit", (0.8,), "commands/charge/set-limit", {"percent": 80}),
        ("set_charge_limit", (0.57,), "commands/charge/set-limit", {"percent": 57}),
        ("set_charge_limit", (1,), "commands/charge/set-limit", {"percent": 100}),
        ("open_charge_port", (), "commands/charge-port/open", None),
        ("close_charge_port", (), "commands/charge-port/close", None),
        (
            "send_destination",
            (52.5, 13.4),
            "commands/navigation/set-destination",
            {"latitude": 52.5, "longitude": 13.4},
        ),
    ],
)
def test_a_command_is_sent_once_to_its_path(server, new_car, call, arguments, path, attributes):
    server.play = lambda request: Answer(body=DONE)
    assert getattr(new_car, call)(*arguments) == {"status": "success"}
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"/v3/vehicles/car-1/{path}")
    assert request.header("sc-user-id") == "user-1"
    assert request.header("Authorization") == "Bearer token-of-all"
    body = json.loads(request.body) if request.body else None
    assert body == (None if attributes is None else {"data": {"attributes": attributes}})


NIGHT, DAY = {"start": "22:00", "stop": "06:00"}, {"start": "08:00", "stop": "10:00"}
SENT_NIGHT, SENT_DAY = (
    {"startTime": "22:00", "stopTime": "06:00"},
    {"startTime": "08:00", "stopTime": "10:00"},
)


@pytest.mark.parametrize(
    ("kind", "windows", "attributes"),
    [
        ("daily", (NIGHT,), SENT_NIGHT),
        ("weekly", ({"monday": NIGHT, "friday": DAY},), {"days": {"monday": SENT_NIGHT, "friday": SENT_DAY}}),
        ("workweek", (NIGHT, DAY), {"weekdays": SENT_NIGHT, "weekends": SENT_DAY}),
    ],
)
def test_a_schedule_is_made_and_its_id_returned(server, new_car, kind, windows, attributes):
    server.play = lambda request: Answer(body=SCHEDULED)
    done = getattr(new_car, f"set_{kind}_charge_schedule")(52.5, 13.4, *windows)
    assert done == {"status": "success", "schedule_id": "schedule-1"}
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"/v3/vehicles/car-1/charge-schedules/{kind}")
    location = {"latitude": 52.5, "longitude": 13.4}
    assert json.loads(request.body) == {"data": {"attributes": {"location": location, **attributes}}}


@pytest.mark.parametrize("answer", [Answer(body=SCHEDULED), Answer(204, b""), in_chunks(SCHEDULED)])
def test_a_schedule_is_removed(server, new_car, answer):
    server.play = lambda request: answer
    assert new_car.delete_charge_schedule("schedule/1") == {"status": "success"}
    (request,) = server.requests
    assert (request.method, request.path) == ("DELETE", "/v3/vehicles/car-1/charge-schedules/schedule%2F1")
    assert request.header("sc-user-id") == "user-1"


def test_a_removal_that_fails_at_the_end_of_a_202_fails(server, new_car):
    server.play = lambda request: in_chunks(failed())
    with pytest.raises(sdk.StateException):
        new_car.delete_charge_schedule("schedule-1")


class TestA202:
    def test_is_a_success_only_once_its_end_says_so(self, server, new_car):
        server.play = lambda request: in_chunks(DONE)
        start = time.monotonic()
        assert new_car.lock() == {"status": "success"}
        assert time.monotonic() - start > 0.05
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("error", "kind", "status"),
        [
            ({}, sdk.StateException, 409),
            ({"status": 409}, sdk.StateException, 409),
            ({"status": "504", "type": None}, sdk.GatewayTimeoutException, 504),
            ({"status": "502", "type": "UPSTREAM"}, sdk.UpstreamException, 502),
            ({"status": None}, sdk.StateException, 409),
            ({"status": "202"}, sdk.StateException, 409),
            ({"status": None, "type": "COMPATIBILITY"}, sdk.NotCapableException, 501),
            (
                {"status": None, "type": "AUTHENTICATION", "code": "ACCESS_DENIED"},
                sdk.PermissionException,
                403,
            ),
            ({"status": None, "type": None, "code": "not_found"}, sdk.ResourceNotFoundException, 404),
            ({"status": None, "type": "NEW"}, sdk.UnexpectedStatusException, 202),
        ],
    )
    def test_that_ends_in_a_failure_raises_the_failures_exception(self, server, new_car, error, kind, status):
        server.play = lambda request: in_chunks(failed(**error))
        with pytest.raises(sdk.SmartcarException) as caught:
            new_car.lock()
        assert type(caught.value) is kind
        assert caught.value.status_code == status
        assert caught.value.description == "The car moves."
        assert len(server.requests) == 1

    def test_whose_execution_failed_raises_that_failures_exception(self, server, new_car):
        status = {"value": "ERROR", "error": {"type": "VEHICLE_STATE", "code": "DOOR_OPEN"}}
        server.play = lambda request: in_chunks({"data": {"id": "e", "attributes": {"status": status}}})
        with pytest.raises(sdk.StateException) as caught:
            new_car.lock()
        assert (caught.value.type, caught.value.code) == ("VEHICLE_STATE", "DOOR_OPEN")

    @pytest.mark.parametrize("call", ["lock", "unlock", "start_charge"])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"accepted",
            {},
            {"data": None},
            {"data": {"id": "e", "attributes": {}}},
            {"data": {"id": "e", "attributes": {"status": {"value": "PENDING"}}}},
            {"data": {"id": "e", "attributes": {"status": {"value": "FAILED"}}}},
            {"meta": {"message": "in progress"}},
            SCHEDULED,
        ],
    )
    def test_whose_end_says_neither_is_no_success(self, server, new_car, call, body):
        server.play = lambda request: in_chunks(body)
        with pytest.raises(sdk.InvalidResponseException) as caught:
            getattr(new_car, call)()
        assert caught.value.status_code == 202

    @pytest.mark.parametrize("body", [DONE, failed()])
    def test_that_is_cut_off_may_have_arrived_and_is_not_repeated(self, server, new_car, body):
        server.play = lambda request: in_chunks(body, is_cut=True)
        with pytest.raises(sdk.NoResponseException) as caught:
            new_car.lock()
        assert caught.value.request_sent is True
        assert len(server.requests) == 1

    def test_that_falls_silent_is_waited_for_as_long_as_a_command_may_take(self, server):
        def play(request):
            return Answer(202, chunks=[b" ", json.dumps(DONE).encode()], pause=0.3)

        server.play = play
        host = {"api_url": f"{server.url}/v3"}
        patient = sdk.Requester(timeout=0.1, command_timeout=5)
        assert sdk.v3.Vehicle("c", "t", "u", requester=patient, **host).lock() == {"status": "success"}
        hasty = sdk.Requester(timeout=5, command_timeout=0.1)
        with pytest.raises(sdk.NoResponseException):
            sdk.v3.Vehicle("c", "t", "u", requester=hasty, **host).lock()


def test_a_failure_told_of_in_a_200_is_one(server, new_car):
    server.play = lambda request: Answer(200, failed())
    with pytest.raises(sdk.StateException):
        new_car.unlock()


def test_a_failure_told_of_at_once_is_of_its_status(server, new_car):
    server.play = lambda request: Answer(409, failed(status="500"))
    with pytest.raises(sdk.StateException) as caught:
        new_car.lock()
    assert caught.value.status_code == 409


@pytest.mark.parametrize("limit", [0.49, 1.01, 80, 0, -1, float("nan"), float("inf")])
def test_a_limit_out_of_range_is_not_sent(server, new_car, limit):
    with pytest.raises(ValueError, match="charge limit"):
        new_car.set_charge_limit(limit)
    assert server.requests == []


@pytest.mark.parametrize("place", [(91, 0), (0, 181), (float("nan"), 0), (0, float("inf"))])
def test_a_place_that_is_none_is_not_sent(server, new_car, place):
    with pytest.raises(ValueError, match="latitude"):
        new_car.send_destination(*place)
    with pytest.raises(ValueError, match="latitude"):
        new_car.set_daily_charge_schedule(*place, NIGHT)
    assert server.requests == []
