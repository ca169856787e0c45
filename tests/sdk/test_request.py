"""Paths of the caller's own, and the webhooks of one car."""

import pytest

from django_smartcar import sdk

from .conftest import Answer


class TestRequest:
    def test_a_path_is_below_the_car(self, server, car):
        headers = {"sc-unit-system": "metric", "sc-data-age": "2025-05-09T15:40:57Z"}
        server.play = lambda request: Answer(body={"amperage": 16}, headers=headers)
        found = car.request("GET", "tesla/charge/ammeter")
        assert found["data"] == {"amperage": 16}
        assert (found["unit_system"], found["age"].isoformat()) == ("metric", "2025-05-09T15:40:57+00:00")
        (request,) = server.requests
        assert (request.method, request.path) == ("GET", "/v2.0/vehicles/car-1/tesla/charge/ammeter")
        assert request.header("Authorization") == "Bearer token-of-anna"
        # A GET of the official SDK sends {}.
        assert (request.body, request.header("Content-Type")) == (b"", None)

    @pytest.mark.parametrize("body", [{"amperage": 16}, {}, [], 0, False])
    def test_a_body_is_sent_if_there_is_one(self, server, car, body):
        server.play = lambda request: Answer(body={})
        car.request("POST", "/tesla/charge/ammeter/", body)
        assert server.requests[0].path.endswith("/car-1/tesla/charge/ammeter")
        assert server.requests[0].body == str(body).replace("'", '"').lower().encode()

    def test_a_query_is_kept(self, server, car, new_car):
        server.play = lambda request: Answer(body={})
        for asked in (car, new_car):
            asked.request("GET", "tesla/charge/records?startDate=2025-05-01&page=1")
        assert [request.path.partition("/car-1/")[2] for request in server.requests] == [
            "tesla/charge/records?startDate=2025-05-01&page=1"
        ] * 2

    @pytest.mark.parametrize(
        ("path", "sent"), [("", ""), ("a b/c%2F..", "a%20b/c%252F.."), ("//a//b", "a/b"), ("ü", "%C3%BC")]
    )
    def test_a_path_is_escaped_piece_by_piece(self, server, car, path, sent):
        server.play = lambda request: Answer(body={})
        car.request("GET", path)
        assert server.requests[0].path == f"/v2.0/vehicles/car-1/{sent}"

    @pytest.mark.parametrize("path", ["..", "../car-2/vin", "tesla/./x", "tesla/..", "a/../../car-2"])
    def test_a_path_does_not_leave_the_car(self, server, car, new_car, path):
        for asked in (car, new_car):
            with pytest.raises(ValueError, match="cannot be"):
                asked.request("GET", path)
        assert server.requests == []

    def test_headers_of_the_caller_go_first_and_last_for_one_request(self, server, car):
        server.play = lambda request: Answer(body={})
        headers = {"SC-Unit-System": "imperial", "authorization": "Bearer other"}
        car.request("GET", "odometer", None, headers)
        car.request("GET", "odometer")
        assert [request.header("sc-unit-system") for request in server.requests] == ["imperial", "metric"]
        assert [request.header("Authorization") for request in server.requests] == [
            "Bearer other",
            "Bearer token-of-anna",
        ]
        assert headers == {"SC-Unit-System": "imperial", "authorization": "Bearer other"}

    @pytest.mark.parametrize("answer", [Answer(204, b""), Answer(200, b" ")])
    def test_an_answer_without_a_body_has_no_data(self, server, car, new_car, answer):
        server.play = lambda request: answer
        for asked in (car, new_car):
            assert asked.request("DELETE", "x") == {"data": None, "unit_system": None, "age": None}

    def test_an_answer_that_is_not_json_is_one_of_the_family(self, server, car, new_car):
        server.play = lambda request: Answer(body=b"<html>")
        for asked in (car, new_car):
            with pytest.raises(sdk.InvalidAnswerException):
                asked.request("GET", "x")

    def test_what_may_have_arrived_is_not_sent_again(self, server, car):
        server.play = lambda request: Answer(502, {})
        with pytest.raises(sdk.UnexpectedStatusException):
            car.request("POST", "tesla/charge/ammeter", {"amperage": 16})
        assert len(server.requests) == 1

    def test_generation_3_reads_a_202_to_its_end(self, server, new_car):
        error = {"status": "409", "type": "VEHICLE_STATE", "code": "IN_MOTION"}
        server.play = lambda request: Answer(202, {"errors": [error]})
        with pytest.raises(sdk.StateException):
            new_car.request("POST", "commands/security/lock")
        (request,) = server.requests
        assert request.path == "/v3/vehicles/car-1/commands/security/lock"
        assert request.header("sc-user-id") == "user-1"
