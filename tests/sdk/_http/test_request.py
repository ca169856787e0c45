"""Paths of the caller's own, and the webhooks of one car."""

import pytest

from django_smartcar import sdk

from ..conftest import Answer


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
            with pytest.raises(sdk.InvalidResponseException):
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


class TestWebhooksOfGeneration2:
    def test_a_car_is_subscribed(self, server, car):
        server.play = lambda request: Answer(body={"webhookId": "hook/1", "vehicleId": "car-1"})
        assert car.subscribe("hook/1") == {"webhook_id": "hook/1", "vehicle_id": "car-1"}
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/v2.0/vehicles/car-1/webhooks/hook%2F1")
        assert (request.header("Authorization"), request.body) == ("Bearer token-of-anna", b"")

    @pytest.mark.parametrize("answer", [Answer(body={"status": "success"}), Answer(204, b"")])
    def test_a_car_is_unsubscribed_with_the_management_token(self, server, car, answer):
        server.play = lambda request: answer
        assert car.unsubscribe("the-amt", "hook-1") == {"status": "success"}
        (request,) = server.requests
        assert (request.method, request.path) == ("DELETE", "/v2.0/vehicles/car-1/webhooks/hook-1")
        assert request.header("Authorization") == "Bearer the-amt"

    def test_the_management_token_is_removed_from_errors(self, server, car):
        server.play = lambda request: Answer(401, {"type": "AUTHENTICATION", "description": "the-amt"})
        with pytest.raises(sdk.AuthenticationException) as caught:
            car.unsubscribe("the-amt", "hook-1")
        assert "the-amt" not in str(caught.value)

    @pytest.mark.parametrize("webhook_id", ["", ".", ".."])
    def test_an_id_that_is_none_is_not_sent(self, server, car, webhook_id):
        for call, arguments in (("subscribe", ()), ("unsubscribe", ("amt",))):
            with pytest.raises(ValueError, match="cannot be"):
                getattr(car, call)(*arguments, webhook_id)
        assert server.requests == []


class TestWebhooksOfGeneration3:
    @pytest.fixture
    def new_car(self, server, requester):
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
        return Answer(body={"data": items, "links": {"next": None}})

    def test_a_car_is_subscribed(self, server, new_car):
        server.play = lambda request: Answer(202, {"meta": {"message": "subscription creation in progress"}})
        assert new_car.subscribe("hook-1") == {"webhook_id": "hook-1", "vehicle_id": "car-1"}
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/management/v3/subscriptions")
        assert request.body == (
            b'{"data": {"attributes": {"webhookId": "hook-1", "userId": "user-1", "vehicleId": "car-1"}}}'
        )

    def test_only_the_subscription_of_this_car_and_user_is_removed(self, server, new_car):
        server.answers = [
            self.page(),
            self.page(
                ("s1", "hook-1", "user-2", "car-1"),
                ("s2", "hook-2", "user-1", "car-1"),
                ("s3", "hook-1", "user-1", "car-1"),
            ),
            Answer(204, b""),
        ]
        assert new_car.unsubscribe("the-amt", "hook-1") == {"status": "success"}
        listed, simulated, deleted = server.requests
        assert "filter%5Bvehicle.mode%5D=live" in listed.path
        assert "filter%5Bvehicle.mode%5D=simulated" in simulated.path
        assert (deleted.method, deleted.path) == ("DELETE", "/management/v3/subscriptions/s3")
        assert {request.header("Authorization") for request in server.requests} == {"Bearer token-of-all"}

    def test_a_subscription_that_is_not_there_is_not_found(self, server, new_car):
        server.play = lambda request: self.page(("s1", "hook-1", "user-2", "car-1"))
        with pytest.raises(sdk.ResourceNotFoundException) as caught:
            new_car.unsubscribe(None, "hook-1")
        assert caught.value.status_code == 404
        assert {request.method for request in server.requests} == {"GET"}
