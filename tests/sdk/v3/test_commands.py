import json

import pytest

from django_smartcar import sdk

from ..conftest import Response

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
    return Response(status, chunks=[b" ", content[:half], content[half:]], is_cut=is_cut)


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
def test_a_command_is_sent_once_to_its_path(server, car_v3, call, arguments, path, attributes):
    server.respond = lambda request: Response(body=DONE)
    assert getattr(car_v3, call)(*arguments) == {"status": "success"}
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
def test_a_schedule_is_created_and_its_id_returned(server, car_v3, kind, windows, attributes):
    server.respond = lambda request: Response(body=SCHEDULED)
    done = getattr(car_v3, f"set_{kind}_charge_schedule")(52.5, 13.4, *windows)
    assert done == {"status": "success", "schedule_id": "schedule-1"}
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"/v3/vehicles/car-1/charge-schedules/{kind}")
    location = {"latitude": 52.5, "longitude": 13.4}
    assert json.loads(request.body) == {"data": {"attributes": {"location": location, **attributes}}}


@pytest.mark.parametrize("response", [Response(body=SCHEDULED), Response(204, b""), in_chunks(SCHEDULED)])
def test_a_schedule_is_deleted(server, car_v3, response):
    server.respond = lambda request: response
    assert car_v3.delete_charge_schedule("schedule/1") == {"status": "success"}
    (request,) = server.requests
    assert (request.method, request.path) == ("DELETE", "/v3/vehicles/car-1/charge-schedules/schedule%2F1")
    assert request.header("sc-user-id") == "user-1"


def test_a_deletion_that_fails_at_the_end_of_a_202_raises(server, car_v3):
    server.respond = lambda request: in_chunks(failed())
    with pytest.raises(sdk.StateException):
        car_v3.delete_charge_schedule("schedule-1")


class TestA202:
    def test_a_202_is_a_success_only_at_the_end_of_its_body(self, server, car_v3):
        server.respond = lambda request: in_chunks(DONE)
        assert car_v3.lock() == {"status": "success"}
        assert server.streams_ended == 1
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
    def test_a_202_that_ends_in_a_failure_raises_its_exception(self, server, car_v3, error, kind, status):
        server.respond = lambda request: in_chunks(failed(**error))
        with pytest.raises(sdk.SmartcarException) as caught:
            car_v3.lock()
        assert type(caught.value) is kind
        assert caught.value.status_code == status
        assert caught.value.description == "The car moves."
        assert len(server.requests) == 1

    def test_a_202_whose_execution_failed_raises_its_exception(self, server, car_v3):
        status = {"value": "ERROR", "error": {"type": "VEHICLE_STATE", "code": "DOOR_OPEN"}}
        server.respond = lambda request: in_chunks({"data": {"id": "e", "attributes": {"status": status}}})
        with pytest.raises(sdk.StateException) as caught:
            car_v3.lock()
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
    def test_a_202_without_a_result_is_no_success(self, server, car_v3, call, body):
        server.respond = lambda request: in_chunks(body)
        with pytest.raises(sdk.InvalidResponseException) as caught:
            getattr(car_v3, call)()
        assert caught.value.status_code == 202

    @pytest.mark.parametrize("body", [DONE, failed()])
    def test_a_command_whose_202_is_cut_off_may_have_arrived_and_is_not_retried(self, server, car_v3, body):
        server.respond = lambda request: in_chunks(body, is_cut=True)
        with pytest.raises(sdk.NoResponseException) as caught:
            car_v3.lock()
        assert caught.value.request_sent is True
        assert len(server.requests) == 1

    def test_a_202_that_pauses_has_the_timeout_of_a_command(self, server):
        def respond(request):
            return Response(202, chunks=[b" ", json.dumps(DONE).encode()], pause=0.3)

        server.respond = respond
        host = {"api_url": f"{server.url}/v3"}
        patient = sdk.Requester(timeout=0.1, command_timeout=5)
        assert sdk.v3.Vehicle("c", "t", "u", requester=patient, **host).lock() == {"status": "success"}
        hasty = sdk.Requester(timeout=5, command_timeout=0.1)
        with pytest.raises(sdk.NoResponseException):
            sdk.v3.Vehicle("c", "t", "u", requester=hasty, **host).lock()


def test_a_failure_in_a_200_is_raised(server, car_v3):
    server.respond = lambda request: Response(200, failed())
    with pytest.raises(sdk.StateException):
        car_v3.unlock()


def test_an_immediate_failure_has_its_status(server, car_v3):
    server.respond = lambda request: Response(409, failed(status="500"))
    with pytest.raises(sdk.StateException) as caught:
        car_v3.lock()
    assert caught.value.status_code == 409


@pytest.mark.parametrize("limit", [0.49, 1.01, 80, 0, -1, float("nan"), float("inf")])
def test_a_limit_out_of_range_is_not_sent(server, car_v3, limit):
    with pytest.raises(ValueError, match="charge limit"):
        car_v3.set_charge_limit(limit)
    assert server.requests == []


@pytest.mark.parametrize("place", [(91, 0), (0, 181), (float("nan"), 0), (0, float("inf"))])
def test_invalid_coordinates_are_not_sent(server, car_v3, place):
    with pytest.raises(ValueError, match="latitude"):
        car_v3.send_destination(*place)
    with pytest.raises(ValueError, match="latitude"):
        car_v3.set_daily_charge_schedule(*place, NIGHT)
    assert server.requests == []
