"""Requests to custom paths, and webhook subscriptions of one vehicle."""

import pytest

from django_smartcar import sdk

from ..conftest import Response


class TestRequest:
    def test_a_path_is_below_the_vehicle(self, server, car):
        headers = {"sc-unit-system": "metric", "sc-data-age": "2025-05-09T15:40:57Z"}
        server.respond = lambda request: Response(body={"amperage": 16}, headers=headers)
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
        server.respond = lambda request: Response(body={})
        car.request("POST", "/tesla/charge/ammeter/", body)
        assert server.requests[0].path.endswith("/car-1/tesla/charge/ammeter")
        assert server.requests[0].body == str(body).replace("'", '"').lower().encode()

    def test_a_query_is_kept(self, server, car, car_v3):
        server.respond = lambda request: Response(body={})
        for vehicle in (car, car_v3):
            vehicle.request("GET", "tesla/charge/records?startDate=2025-05-01&page=1")
        assert [request.path.partition("/car-1/")[2] for request in server.requests] == [
            "tesla/charge/records?startDate=2025-05-01&page=1"
        ] * 2

    @pytest.mark.parametrize(
        ("path", "sent"), [("", ""), ("a b/c%2F..", "a%20b/c%252F.."), ("//a//b", "a/b"), ("ü", "%C3%BC")]
    )
    def test_path_segments_are_escaped(self, server, car, path, sent):
        server.respond = lambda request: Response(body={})
        car.request("GET", path)
        assert server.requests[0].path == f"/v2.0/vehicles/car-1/{sent}"

    @pytest.mark.parametrize("path", ["..", "../car-2/vin", "tesla/./x", "tesla/..", "a/../../car-2"])
    def test_a_path_cannot_leave_the_vehicle(self, server, car, car_v3, path):
        for vehicle in (car, car_v3):
            with pytest.raises(ValueError, match="cannot be"):
                vehicle.request("GET", path)
        assert server.requests == []

    def test_headers_of_the_caller_override_ours_for_one_request(self, server, car):
        server.respond = lambda request: Response(body={})
        headers = {"SC-Unit-System": "imperial", "authorization": "Bearer other"}
        car.request("GET", "odometer", None, headers)
        car.request("GET", "odometer")
        assert [request.header("sc-unit-system") for request in server.requests] == ["imperial", "metric"]
        assert [request.header("Authorization") for request in server.requests] == [
            "Bearer other",
            "Bearer token-of-anna",
        ]
        assert headers == {"SC-Unit-System": "imperial", "authorization": "Bearer other"}

    @pytest.mark.parametrize("response", [Response(204, b""), Response(200, b" ")])
    def test_a_response_without_a_body_has_no_data(self, server, car, car_v3, response):
        server.respond = lambda request: response
        for vehicle in (car, car_v3):
            assert vehicle.request("DELETE", "x") == {"data": None, "unit_system": None, "age": None}

    def test_a_response_that_is_not_json_raises_a_smartcar_exception(self, server, car, car_v3):
        server.respond = lambda request: Response(body=b"<html>")
        for vehicle in (car, car_v3):
            with pytest.raises(sdk.InvalidResponseException):
                vehicle.request("GET", "x")

    def test_a_post_that_may_have_arrived_is_not_retried(self, server, car):
        server.respond = lambda request: Response(502, {})
        with pytest.raises(sdk.UnexpectedStatusException):
            car.request("POST", "tesla/charge/ammeter", {"amperage": 16})
        assert len(server.requests) == 1

    def test_v3_reads_the_body_of_a_202_to_its_end(self, server, car_v3):
        error = {"status": "409", "type": "VEHICLE_STATE", "code": "IN_MOTION"}
        server.respond = lambda request: Response(202, {"errors": [error]})
        with pytest.raises(sdk.StateException):
            car_v3.request("POST", "commands/security/lock")
        (request,) = server.requests
        assert request.path == "/v3/vehicles/car-1/commands/security/lock"
        assert request.header("sc-user-id") == "user-1"


class TestWebhooksOfV2:
    def test_a_car_is_subscribed(self, server, car):
        server.respond = lambda request: Response(body={"webhookId": "hook/1", "vehicleId": "car-1"})
        assert car.subscribe("hook/1") == {"webhook_id": "hook/1", "vehicle_id": "car-1"}
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/v2.0/vehicles/car-1/webhooks/hook%2F1")
        assert (request.header("Authorization"), request.body) == ("Bearer token-of-anna", b"")

    @pytest.mark.parametrize("response", [Response(body={"status": "success"}), Response(204, b"")])
    def test_a_car_is_unsubscribed_with_the_management_token(self, server, car, response):
        server.respond = lambda request: response
        assert car.unsubscribe("the-amt", "hook-1") == {"status": "success"}
        (request,) = server.requests
        assert (request.method, request.path) == ("DELETE", "/v2.0/vehicles/car-1/webhooks/hook-1")
        assert request.header("Authorization") == "Bearer the-amt"

    def test_the_management_token_is_removed_from_errors(self, server, car):
        server.respond = lambda request: Response(401, {"type": "AUTHENTICATION", "description": "the-amt"})
        with pytest.raises(sdk.AuthenticationException) as caught:
            car.unsubscribe("the-amt", "hook-1")
        assert "the-amt" not in str(caught.value)

    @pytest.mark.parametrize("webhook_id", ["", ".", ".."])
    def test_an_invalid_id_is_not_sent(self, server, car, webhook_id):
        for call, arguments in (("subscribe", ()), ("unsubscribe", ("amt",))):
            with pytest.raises(ValueError, match="cannot be"):
                getattr(car, call)(*arguments, webhook_id)
        assert server.requests == []


class TestWebhooksOfV3:
    @pytest.fixture
    def car_v3(self, server, requester):
        hosts = {"api_url": f"{server.url}/v3", "management_url": f"{server.url}/management/v3"}
        return sdk.v3.Vehicle("car-1", "token-of-all", "user-1", requester=requester, **hosts)

    @staticmethod
    def page(*subscriptions):
        items = [
            {
                "id": id_,
                "relationships": {
                    name: {"data": {"id": related}}
                    for name, related in zip(("webhook", "user", "vehicle"), ids, strict=True)
                },
            }
            for id_, *ids in subscriptions
        ]
        return Response(body={"data": items, "links": {"next": None}})

    def test_a_car_is_subscribed(self, server, car_v3):
        server.respond = lambda request: Response(
            202, {"meta": {"message": "subscription creation in progress"}}
        )
        assert car_v3.subscribe("hook-1") == {"webhook_id": "hook-1", "vehicle_id": "car-1"}
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/management/v3/subscriptions")
        assert request.body == (
            b'{"data": {"attributes": {"webhookId": "hook-1", "userId": "user-1", "vehicleId": "car-1"}}}'
        )

    def test_only_the_subscription_of_this_vehicle_and_user_is_deleted(self, server, car_v3):
        server.responses = [
            self.page(),
            self.page(
                ("s1", "hook-1", "user-2", "car-1"),
                ("s2", "hook-2", "user-1", "car-1"),
                ("s3", "hook-1", "user-1", "car-1"),
            ),
            Response(204, b""),
        ]
        assert car_v3.unsubscribe("the-amt", "hook-1") == {"status": "success"}
        listed, simulated, deleted = server.requests
        assert "filter%5Bvehicle.mode%5D=live" in listed.path
        assert "filter%5Bvehicle.mode%5D=simulated" in simulated.path
        assert (deleted.method, deleted.path) == ("DELETE", "/management/v3/subscriptions/s3")
        assert {request.header("Authorization") for request in server.requests} == {"Bearer token-of-all"}

    def test_a_missing_subscription_is_not_found(self, server, car_v3):
        server.respond = lambda request: self.page(("s1", "hook-1", "user-2", "car-1"))
        with pytest.raises(sdk.ResourceNotFoundException) as caught:
            car_v3.unsubscribe(None, "hook-1")
        assert caught.value.status_code == 404
        assert {request.method for request in server.requests} == {"GET"}
