import uuid

import pytest

from django_smartcar import sdk
from django_smartcar.sdk import const

from ..conftest import Response

CAR = "36ab27d0-fd9d-4455-823a-ce30af709ffc"


@pytest.fixture
def hosts(server, requester):
    return {"requester": requester, "api_url": f"{server.url}/v2.0"}


@pytest.fixture
def api(hosts):
    return sdk.Api("token", CAR, **hosts)


def pages_of(items, key, *, count=None, size=None):
    """Return the responses of a server with ``items``; its ``count`` may be wrong and its pages short."""

    def respond(request):
        query = dict(pair.split("=") for pair in request.path.partition("?")[2].split("&"))
        start, limit = int(query["offset"]), min(int(query["limit"]), size or 1000)
        paging = {"count": len(items) if count is None else count, "offset": start}
        return Response(body={key: items[start : start + limit], "paging": paging})

    return respond


def test_the_default_urls_are_smartcars():
    assert const.API_VERSION == "2.0"
    assert const.API_URL == "https://api.smartcar.com/v2.0"
    assert const.AUTH_URL == "https://auth.smartcar.com/oauth/token"
    assert const.CONNECT_URL == "https://connect.smartcar.com"
    assert sdk.Api("token", "id")._format("vin") == "https://api.smartcar.com/v2.0/vehicles/id/vin"


def test_a_request_carries_the_token_and_the_units(server, api):
    api.set_unit_system("imperial")
    api.get("odometer")
    request = server.requests[0]
    assert (request.method, request.path) == ("GET", f"/v2.0/vehicles/{CAR}/odometer")
    assert request.header("Authorization") == "Bearer token"
    assert request.header("sc-unit-system") == "imperial"


def test_requests_without_units_have_no_unit_header(server, api):
    api.get("odometer")
    api.permissions()
    api.disconnect()
    api.vehicles()
    assert [request.header("sc-unit-system") for request in server.requests] == ["metric", None, None, None]


def test_the_header_dict_is_a_copy(api):
    api.auth["Authorization"] = "Bearer mallory"
    assert api.auth == {"Authorization": "Bearer token"}


def test_an_action_sends_false_but_not_none(server, api):
    api.action("charge", "SET", limit=0, now=False, name="", until=None)
    assert server.requests[0].body == b'{"action": "SET", "limit": 0, "now": false, "name": ""}'


@pytest.mark.parametrize(
    ("vehicle_id", "path"),
    [
        ("../../user", "..%2F..%2Fuser"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("%2e%2e", "%252e%252e"),
        ("\u00fc \r\n", "%C3%BC%20%0D%0A"),
        (uuid.UUID(CAR), CAR),
    ],
)
def test_a_vehicle_id_is_one_path_segment(server, hosts, vehicle_id, path):
    sdk.Api("token", vehicle_id, **hosts).get("vin")
    assert server.requests[0].path == f"/v2.0/vehicles/{path}/vin"


@pytest.mark.parametrize("vehicle_id", ["", ".", ".."])
def test_a_vehicle_id_of_dots_is_refused(vehicle_id):
    with pytest.raises(ValueError, match="vehicle id"):
        sdk.Api("token", vehicle_id)


def test_an_endpoint_of_a_vehicle_needs_a_vehicle_id():
    with pytest.raises(ValueError, match="no vehicle id"):
        sdk.Api("token").get("vin")


def test_an_unknown_unit_system_is_refused(api):
    with pytest.raises(ValueError, match="nautical"):
        api.set_unit_system("nautical")
    assert api.unit_system == "metric"


def test_repr_shows_no_token(api):
    assert repr(api) == f"Api(vehicle_id='{CAR}', unit_system='metric')"


def test_vehicle_ids_are_one_page(server, hosts):
    server.respond = pages_of(["a", "b", "c"], "vehicles")
    assert sdk.get_vehicle_ids("token", 2, 1, **hosts) == {
        "vehicles": ["b", "c"],
        "paging": {"count": 3, "offset": 1},
    }
    assert server.requests[0].path == "/v2.0/vehicles?limit=2&offset=1"


@pytest.mark.parametrize(
    ("total", "size", "requests"), [(0, 2, 1), (1, 2, 1), (4, 2, 2), (5, 2, 3), (120, 50, 3)]
)
def test_all_vehicle_ids_come_from_as_few_pages_as_possible(server, hosts, total, size, requests):
    ids = [f"car-{number}" for number in range(total)]
    server.respond = pages_of(ids, "vehicles")
    assert list(sdk.iter_vehicle_ids("token", page_size=size, **hosts)) == ids
    assert len(server.requests) == requests


def test_pages_are_requested_lazily(server, hosts):
    server.respond = pages_of(["a", "b", "c", "d"], "vehicles")
    ids = sdk.iter_vehicle_ids("token", page_size=2, **hosts)
    assert server.requests == []
    assert next(ids) == "a"
    assert len(server.requests) == 1


def test_all_vehicle_ids_come_from_smaller_pages(server, hosts):
    ids = [f"car-{number}" for number in range(7)]
    server.respond = pages_of(ids, "vehicles", size=3)
    assert list(sdk.iter_vehicle_ids("token", **hosts)) == ids


@pytest.mark.parametrize("count", [1000, None, "many", 2.5])
def test_iteration_ends_when_the_count_is_wrong(server, hosts, count):
    server.respond = pages_of(["a", "b", "c"], "vehicles", count=count if count is not None else 10**9)
    assert list(sdk.iter_vehicle_ids("token", page_size=2, **hosts)) == ["a", "b", "c"]


def test_iteration_ends_when_the_server_repeats_a_page(server, hosts):
    server.respond = lambda request: Response(
        body={"vehicles": ["a", "b", "a"], "paging": {"count": 10**9, "offset": 0}}
    )
    assert list(sdk.iter_vehicle_ids("token", **hosts)) == ["a", "b"]


@pytest.mark.parametrize("paging", [None, [], {}])
def test_iteration_ends_without_a_count(server, hosts, paging):
    server.responses = [Response(body={"vehicles": ["a"], "paging": paging})]
    server.respond = lambda request: Response(body={"vehicles": []})
    assert list(sdk.iter_vehicle_ids("token", **hosts)) == ["a"]


def test_an_invalid_page_size_is_refused(hosts):
    with pytest.raises(ValueError, match="at least 1"):
        list(sdk.iter_vehicle_ids("token", page_size=0, **hosts))


def test_the_user_id_is_returned(server, hosts):
    server.respond = lambda request: Response(body={"id": "driver"})
    assert sdk.get_user_id("token", **hosts) == "driver"
    assert server.requests[0].path == "/v2.0/user"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"null", b"[]", b'"id"', b"\xff\xfe", b"[" * 100_000, {}, {"id": None}, {"id": 5}],
)
def test_a_2xx_with_an_invalid_body_raises_a_smartcar_exception(server, hosts, body):
    server.respond = lambda request: Response(body=body, headers={"SC-Request-Id": "r"})
    with pytest.raises(sdk.InvalidResponseException) as caught:
        sdk.get_user_id("token", **hosts)
    assert (caught.value.status_code, caught.value.request_id) == (200, "r")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "body",
    [{"vehicles": [1], "paging": {}}, {"vehicles": "abc", "paging": {}}, {"vehicles": []}, {"paging": {}}],
)
def test_vehicle_ids_of_another_shape_raise_a_smartcar_exception(server, hosts, body):
    server.respond = lambda request: Response(body=body)
    with pytest.raises(sdk.InvalidResponseException):
        sdk.get_vehicle_ids("token", **hosts)
