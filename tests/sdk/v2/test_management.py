import base64
from datetime import UTC, datetime

import pytest

from django_smartcar import sdk
from django_smartcar.sdk import const

from ..conftest import Response


@pytest.fixture
def hosts(server, requester):
    return {"requester": requester, "api_url": f"{server.url}/v2.0/management/"}


def connection(number, user="user-1", **more):
    return {
        "vehicleId": f"car-{number}",
        "userId": user,
        "connectedAt": "2025-05-09T15:40:57.000Z",
        "mode": "live",
        **more,
    }


def page(*items, cursor=None):
    return Response(body={"connections": list(items), "paging": {"cursor": cursor}})


def ids(connections):
    return [one["vehicle_id"] for one in connections]


def test_the_default_url_is_smartcars():
    assert const.MANAGEMENT_V2_URL == "https://management.smartcar.com/v2.0/management"


def test_a_page_has_connections_and_a_cursor(server, hosts):
    server.respond = lambda request: page(connection(1), {"vehicleId": "car-2"}, cursor="next")
    found = sdk.get_connections("the-amt", user_id="u", limit=2, cursor="this", **hosts)
    assert found == {
        "connections": [
            {
                "vehicle_id": "car-1",
                "user_id": "user-1",
                "connected_at": datetime(2025, 5, 9, 15, 40, 57, tzinfo=UTC),
                "mode": "live",
            },
            {"vehicle_id": "car-2", "user_id": None, "connected_at": None, "mode": None},
        ],
        "paging": {"cursor": "next"},
    }
    (request,) = server.requests
    assert request.path == "/v2.0/management/connections?user_id=u&limit=2&cursor=this"
    credentials = base64.b64encode(b"default:the-amt").decode()
    assert request.header("Authorization") == f"Basic {credentials}"


def test_all_pages_are_read_and_each_connection_is_returned_once(server, hosts):
    server.responses = [
        page(connection(1), connection(2), cursor="a"),
        page(connection(2), connection(2, user="user-2"), connection(3), cursor="b"),
        page(connection(4)),
    ]
    found = sdk.iter_connections("the-amt", vehicle_id="v", mode="test", **hosts)
    assert server.requests == []
    assert ids(found) == ["car-1", "car-2", "car-2", "car-3", "car-4"]
    queries = [request.path.partition("?")[2] for request in server.requests]
    assert queries == [
        f"vehicle_id=v&mode=test&limit=100{cursor}" for cursor in ("", "&cursor=a", "&cursor=b")
    ]


def test_iteration_ends_when_the_server_repeats_a_page(server, hosts):
    server.respond = lambda request: page(connection(1), cursor="a")
    assert ids(sdk.iter_connections("the-amt", **hosts)) == ["car-1"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("paging", [None, [], {}, {"cursor": None}, {"cursor": ""}])
def test_iteration_ends_without_a_cursor(server, hosts, paging):
    server.respond = lambda request: Response(body={"connections": [connection(1)], "paging": paging})
    assert ids(sdk.iter_connections("the-amt", **hosts)) == ["car-1"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({"user_id": "u"}, "user_id=u"),
        ({"vehicle_id": "v"}, "vehicle_id=v"),
        ({"user_id": "u", "vehicle_id": "v"}, "user_id=u&vehicle_id=v"),
    ],
)
def test_connections_are_deleted(server, hosts, given, query):
    server.respond = lambda request: Response(body={"connections": [{"vehicleId": "v", "userId": "u"}]})
    assert sdk.delete_connections("the-amt", **given, **hosts) == [{"vehicle_id": "v", "user_id": "u"}]
    (request,) = server.requests
    assert (request.method, request.path) == ("DELETE", f"/v2.0/management/connections?{query}")


@pytest.mark.parametrize(
    "given", [{}, {"user_id": ""}, {"user_id": "u", "vehicle_id": ""}, {"user_id": "", "vehicle_id": "v"}]
)
def test_a_missing_id_never_deletes_more_connections(server, hosts, given):
    with pytest.raises(ValueError, match="needs a user_id"):
        sdk.delete_connections("the-amt", **given, **hosts)
    assert server.requests == []


@pytest.mark.parametrize("body", [b"", [], {}, {"connections": [5]}, {"connections": [{"userId": "u"}]}])
def test_a_response_of_another_shape_raises_a_smartcar_exception(server, hosts, body):
    server.respond = lambda request: Response(body=body)
    for call, given in (
        (sdk.get_connections, {}),
        (lambda *args, **more: list(sdk.iter_connections(*args, **more)), {}),
        (sdk.delete_connections, {"user_id": "u"}),
    ):
        with pytest.raises(sdk.InvalidResponseException):
            call("the-amt", **given, **hosts)


def test_the_management_token_is_removed_from_errors(server, hosts):
    server.respond = lambda request: Response(401, {"type": "AUTHENTICATION", "description": "no the-amt"})
    with pytest.raises(sdk.AuthenticationException, match=r"no \[removed\]"):
        sdk.get_connections("the-amt", **hosts)


def test_connections_of_the_simulator_are_listed_and_deleted(smartcar):
    hosts = {"api_url": smartcar.connections_url}
    cars = [smartcar.connect(f"fleet-{number}@example.com", "FORD").old for number in range(3)]
    mine = {car.vehicle_id for car in cars}
    found = list(sdk.iter_connections(smartcar.management_token, page_size=1, **hosts))
    assert ids(found[:3]) == [car.vehicle_id for car in reversed(cars)]  # newest first
    assert all(one["connected_at"].tzinfo is UTC and one["mode"] == "live" for one in found)
    first = next(one for one in found if one["vehicle_id"] == cars[0].vehicle_id)
    pair = {name: first[name] for name in ("vehicle_id", "user_id")}
    assert sdk.delete_connections(smartcar.management_token, **pair, **hosts) == [pair]
    left = ids(sdk.iter_connections(smartcar.management_token, **hosts))
    assert mine & set(left) == mine - {cars[0].vehicle_id}
    with pytest.raises(sdk.PermissionException):
        cars[0].odometer()
