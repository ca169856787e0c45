"""Batches: many readings in one request, which fail independently."""

from datetime import UTC, datetime

import pytest

from django_smartcar import sdk

from ..conftest import Response
from ..v3.test_vehicle import connection, page, signal

AGE = datetime(2025, 5, 9, 15, 40, 57, tzinfo=UTC)
HEADERS = {
    "sc-fetched-at": "2025-05-09T17:27:26.712Z",
    "sc-data-age": "2025-05-09T15:40:57.000Z",
    "sc-unit-system": "metric",
}
BATTERY = {
    "path": "/battery",
    "code": 200,
    "body": {"range": 275, "percentRemaining": 0.68},
    "headers": HEADERS,
}


def failed(path, status, type_, code=None, **more):
    body = {"statusCode": status, "type": type_, "code": code, "description": "D.", "requestId": "item"}
    return {"path": path, "code": status, "body": body, **more}


def batch_of(*items, **headers):
    return Response(body={"responses": list(items)}, headers={"SC-Request-Id": "outer", **headers})


class TestV2:
    def test_paths_or_names_take_one_request(self, server, car):
        server.respond = lambda request: batch_of(BATTERY)
        paths = ["/battery", "tire_pressure", "security", "/", "/charge/limit/", "battery", "tesla/compass"]
        found = car.batch(paths)
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/v2.0/vehicles/car-1/batch")
        assert request.header("sc-unit-system") == "metric"
        assert request.body == (
            b'{"requests": [{"path": "/battery"}, {"path": "/tires/pressure"}, {"path": "/security"}, '
            b'{"path": "/"}, {"path": "/charge/limit"}, {"path": "/tesla/compass"}]}'
        )
        assert list(found) == [
            "battery",
            "tire_pressure",
            "lock_status",
            "attributes",
            "get_charge_limit",
            "tesla_compass",
        ]

    def test_a_result_is_what_its_method_returns(self, server, car):
        compass = {"path": "/tesla/compass", "code": 200, "body": {"metadata_of": 185}, "headers": HEADERS}
        vin = {"path": "/vin", "code": 200, "body": {"vin": "V"}, "headers": {}}
        server.respond = lambda request: batch_of(BATTERY, compass, vin)
        assert car.batch(["battery", "tesla/compass", "vin"]) == {
            "battery": {
                "data": {"percent_remaining": 0.68, "range": 275},
                "unit_system": "metric",
                "age": AGE,
            },
            "tesla_compass": {"data": {"metadata_of": 185}, "unit_system": "metric", "age": AGE},
            "vin": "V",
        }

    @pytest.mark.parametrize(
        ("item", "kind"),
        [
            (failed("/fuel", 403, "PERMISSION"), sdk.PermissionMissing),
            (failed("/fuel", 409, "VEHICLE_STATE", "ASLEEP"), sdk.StateException),
            (failed("/fuel", 501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE"), sdk.NotCapableException),
            (failed("/fuel", 502, "UPSTREAM", "NO_RESPONSE"), sdk.UpstreamException),
            ({"path": "/fuel", "code": 504, "body": "upstream request timeout"}, sdk.GatewayTimeoutException),
            ({"path": "/fuel", "code": 500}, sdk.ServerException),
            ({"path": "/fuel", "code": 200}, sdk.InvalidResponseException),
            ({"path": "/fuel", "code": 200, "body": {"range": "far"}}, sdk.InvalidResponseException),
            ({"path": "/fuel"}, sdk.InvalidResponseException),
            ({"path": "/fuel", "code": "403", "body": {}}, sdk.InvalidResponseException),
            ({"path": "/fuel", "code": 403, "body": {}, "headers": []}, sdk.PermissionMissing),
            (5, sdk.InvalidResponseException),
            ({}, sdk.InvalidResponseException),
        ],
    )
    def test_results_fail_independently(self, server, car, item, kind):
        server.respond = lambda request: batch_of(item, BATTERY)
        found = car.batch(["fuel", "battery"])
        assert type(found["fuel"]) is kind
        assert found["fuel"].__traceback__ is None
        assert found["battery"]["data"]["range"] == 275

    def test_an_exception_has_the_details_of_its_item(self, server, car):
        server.respond = lambda request: batch_of(failed("/fuel", 409, "VEHICLE_STATE", "ASLEEP"))
        error = car.batch(["fuel"])["fuel"]
        assert (error.status_code, error.type, error.code) == (409, "VEHICLE_STATE", "ASLEEP")
        assert (error.description, error.request_id) == ("D.", "item")

    @pytest.mark.parametrize("name", ["retry-after", "Retry-After", "RETRY-AFTER"])
    @pytest.mark.parametrize("seconds", ["120", 120])
    def test_retry_after_is_read_in_any_case(self, server, car, name, seconds):
        limited = failed("/fuel", 429, "RATE_LIMIT", "VEHICLE", headers={name: seconds})
        server.respond = lambda request: batch_of(limited, **{"Retry-After": "7"})
        error = car.batch(["fuel"])["fuel"]
        assert isinstance(error, sdk.RateLimitingException)
        assert error.retry_after == 120

    def test_headers_of_the_batch_are_not_those_of_an_item(self, server, car):
        limited = failed("/fuel", 429, "RATE_LIMIT", "VEHICLE")
        server.respond = lambda request: batch_of(
            limited, **{"Retry-After": "7", "SC-Data-Age": "2025-05-09"}
        )
        assert car.batch(["fuel"])["fuel"].retry_after is None

    def test_the_request_id_of_the_batch_is_the_default(self, server, car):
        server.respond = lambda request: batch_of({"path": "/fuel", "code": 500, "body": "x"})
        assert car.batch(["fuel"])["fuel"].request_id == "outer"

    def test_secrets_are_removed_from_the_error_of_an_item(self, server, car):
        server.respond = lambda request: batch_of(
            {"path": "/fuel", "code": 401, "body": {"type": "T", "description": "token-of-anna"}}
        )
        assert car.batch(["fuel"])["fuel"].message == "T - [removed]"

    @pytest.mark.parametrize("code", [200, 203])
    def test_every_2xx_is_a_success(self, server, car, code):
        server.respond = lambda request: batch_of({**BATTERY, "code": code})
        assert car.batch(["battery"])["battery"]["data"]["range"] == 275

    def test_the_whole_batch_may_fail(self, server, car):
        server.respond = lambda request: Response(400, {"type": "VALIDATION", "description": "No such path."})
        with pytest.raises(sdk.ValidationException):
            car.batch(["nonsense"])

    @pytest.mark.parametrize("body", [b"", {}, [], {"responses": None}, {"responses": {}}])
    def test_a_batch_of_another_shape_raises_a_smartcar_exception(self, server, car, body):
        server.respond = lambda request: Response(body=body)
        with pytest.raises(sdk.InvalidResponseException):
            car.batch(["fuel"])

    def test_a_batch_is_sent_once_with_the_timeout_of_a_read(self, server):
        requester = sdk.Requester(timeout=0.1, command_timeout=5)
        car = sdk.Vehicle("c", "t", requester=requester, api_url=f"{server.url}/v2.0")
        server.respond = lambda request: Response(chunks=[b" ", b"{}"], pause=1)
        with pytest.raises(sdk.NoResponseException):
            car.batch(["fuel"])
        assert len(server.requests) == 1


class TestV3:
    SIGNALS = (
        signal("tractionbattery-stateofcharge", {"unit": "percent", "value": 68}),
        signal("tractionbattery-range", {"unit": "km", "value": 275}),
        signal("odometer-traveleddistance", {"unit": "km", "value": 10}),
        signal("vehicleidentification-vin", {"value": "V"}),
        signal("location-preciselocation", error={"type": "PERMISSION", "code": "UNKNOWN"}),
        signal("wheel-tires", {"values": 5}),
    )

    def test_a_batch_is_one_request(self, server, car_v3):
        server.respond = lambda request: page(list(self.SIGNALS))
        found = car_v3.batch(["/battery", "odometer", "/vin", "location", "/fuel", "/tires/pressure"])
        assert [request.path for request in server.requests] == ["/v3/vehicles/car-1/signals"]
        assert found["battery"]["data"] == {"percent_remaining": 0.68, "range": 275}
        assert found["odometer"]["data"] == {"distance": 10}
        assert found["vin"] == "V"
        assert type(found["location"]) is sdk.PermissionMissing
        assert type(found["fuel"]) is sdk.SignalNotAvailable
        assert type(found["tire_pressure"]) is sdk.InvalidResponseException
        assert all(value.__traceback__ is None for value in found.values() if isinstance(value, Exception))

    def test_a_path_that_is_no_signal_takes_a_separate_request(self, server, car_v3):
        vehicle = {"id": "car-1", "attributes": {"make": "TESLA", "model": "3", "year": 2020}}
        server.responses = [Response(body={"data": vehicle}), page([connection()])]
        found = car_v3.batch(["/", "permissions"])
        assert found["attributes"]["make"] == "TESLA"
        assert found["permissions"] == ["read_vin", "read_odometer"]
        assert len(server.requests) == 2

    def test_an_unknown_path_fails_alone(self, server, car_v3):
        server.respond = lambda request: page(list(self.SIGNALS))
        found = car_v3.batch(["tesla/charge/ammeter", "odometer"])
        error = found["tesla_charge_ammeter"]
        assert (type(error), error.code, error.status_code) == (sdk.ResourceNotFoundException, "PATH", 404)
        assert found["odometer"]["data"] == {"distance": 10}

    def test_without_stored_signals_every_item_fails(self, server, car_v3):
        server.respond = lambda request: page([])
        found = car_v3.batch(["odometer", "fuel"])
        assert {type(error) for error in found.values()} == {sdk.SignalNotAvailable}

    def test_the_whole_batch_may_fail(self, server, car_v3):
        error = {"status": "401", "type": "AUTHENTICATION", "code": "UNAUTHORIZED"}
        server.respond = lambda request: Response(401, {"errors": [error]})
        with pytest.raises(sdk.AuthenticationException):
            car_v3.batch(["odometer"])


def test_an_empty_batch_sends_no_request(server, car, car_v3):
    assert car.batch([]) == car_v3.batch([]) == {}
    assert server.requests == []


def test_one_string_is_no_list_of_paths(server, car, car_v3):
    for vehicle in (car, car_v3):
        with pytest.raises(ValueError, match="list"):
            vehicle.batch("odometer")
    assert server.requests == []
