from datetime import UTC, datetime

import pytest

from django_smartcar import sdk

from ..conftest import Response

CONNECTION = {
    "id": "32c4139a",
    "type": "connection",
    "attributes": {
        "permissions": ["read_vehicle_info", "read_odometer"],
        "vehicle": {
            "make": "Tesla",
            "model": "Model S",
            "year": 2020,
            "mode": "live",
            "powertrainType": "BEV",
        },
    },
    "relationships": {
        "vehicle": {"data": {"id": "a6a425d6", "type": "vehicle"}, "links": {"related": "…"}},
        "user": {"data": {"id": "1e258add", "type": "user"}},
    },
    "meta": {"createdAt": "2024-01-01T00:00:00Z", "updatedAt": 1704153600000},
}
READ = {
    "id": "32c4139a",
    "vehicle_id": "a6a425d6",
    "user_id": "1e258add",
    "permissions": ["read_vehicle_info", "read_odometer"],
    "vehicle": {"make": "Tesla", "model": "Model S", "year": 2020, "mode": "live", "powertrain_type": "BEV"},
    "created_at": datetime(2024, 1, 1, tzinfo=UTC),
    "updated_at": datetime(2024, 1, 2, tzinfo=UTC),
}
NOTHING = dict.fromkeys(READ["vehicle"])


def test_a_connection_is_parsed(server, host):
    server.respond = lambda request: Response(body={"data": CONNECTION})
    assert sdk.v3.get_connection("token", "32c4139a", **host) == READ
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/v3/connections/32c4139a")
    assert request.header("Authorization") == "Bearer token"
    assert request.header("sc-user-id") is None


@pytest.mark.parametrize(
    ("told", "year"),
    [("2021", 2021), (2021, 2021), ("21", None), ("20.1", None), ("２０２１", None), ([2021], None)],
)
def test_a_model_year_may_be_text(server, host, told, year):
    attributes = {"vehicle": {"make": "Tesla", "year": told}}
    server.respond = lambda request: Response(body={"data": {"id": "c", "attributes": attributes}})
    assert sdk.v3.get_connection("token", "c", **host)["vehicle"]["year"] == year


def test_all_pages_of_connections_are_read(server, host):
    def respond(request):
        number = int(request.path.partition("page%5Bnumber%5D=")[2].partition("&")[0])
        items = [{**CONNECTION, "id": f"{number}-{each}"} for each in range(50)]
        return Response(body={"data": items, "links": {"next": "…" if number < 3 else None}})

    server.respond = respond
    found = list(sdk.v3.iter_connections("token", **host))
    assert len({connection["id"] for connection in found}) == len(found) == 150
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({}, ""),
        ({"user_id": "u"}, "filter%5BuserId%5D=u&"),
        ({"vehicle_id": "v"}, "filter%5BvehicleId%5D=v&"),
        ({"external_id": "e e"}, "filter%5Buser.externalId%5D=e+e&"),
        ({"mode": "simulated"}, "filter%5Bvehicle.mode%5D=simulated&"),
    ],
)
def test_connections_are_filtered_by_smartcar(server, host, filters, query):
    server.respond = lambda request: Response(body={"data": [CONNECTION], "links": {"next": None}})
    assert list(sdk.v3.iter_connections("token", page_size=20, **filters, **host)) == [READ]
    expected = f"/v3/connections?{query}page%5Bnumber%5D=1&page%5Bsize%5D=20"
    assert server.requests[0].path == expected


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"attributes": None, "relationships": None, "meta": None},
        {"attributes": {"permissions": None, "vehicle": []}, "relationships": {"user": {"data": []}}},
        {"attributes": {"permissions": [5]}, "relationships": {"user": 5}, "meta": {"createdAt": "then"}},
    ],
)
def test_missing_values_are_none(server, host, more):
    server.respond = lambda request: Response(body={"data": {"id": "c", **more}})
    assert sdk.v3.get_connection("token", "c", **host) == {
        "id": "c",
        "vehicle_id": None,
        "user_id": None,
        "permissions": [],
        "vehicle": NOTHING,
        "created_at": None,
        "updated_at": None,
    }


@pytest.mark.parametrize(
    "response", [Response(204, b""), Response(200, b""), Response(200, {"status": "success"})]
)
@pytest.mark.parametrize(("call", "path"), [("delete_connection", "connections"), ("delete_user", "users")])
def test_a_deletion_accepts_any_body(server, host, response, call, path):
    server.respond = lambda request: response
    assert getattr(sdk.v3, call)("token", "id/1", **host) is None
    assert [(request.method, request.path) for request in server.requests] == [
        ("DELETE", f"/v3/{path}/id%2F1")
    ]


@pytest.mark.parametrize("call", ["delete_connection", "delete_user"])
@pytest.mark.parametrize("status", [404, 200])
def test_a_deletion_that_failed_raises(server, host, call, status):
    server.respond = lambda request: Response(status, {"errors": [{"status": "404", "code": "not_found"}]})
    with pytest.raises(sdk.ResourceNotFoundException):
        getattr(sdk.v3, call)("token", "x", **host)


@pytest.mark.parametrize("call", ["delete_connection", "delete_user", "get_connection", "get_vehicle"])
@pytest.mark.parametrize("nothing", ["", ".."])
def test_an_empty_id_never_addresses_all_resources(server, host, call, nothing):
    with pytest.raises(ValueError, match="id cannot be"):
        getattr(sdk.v3, call)("token", nothing, **host)
    assert server.requests == []


def test_attributes_of_a_vehicle_are_parsed(server, host):
    attributes = CONNECTION["attributes"]["vehicle"]
    server.respond = lambda request: Response(body={"data": {"id": "v", "attributes": attributes}})
    assert sdk.v3.get_vehicle("token", "v", **host) == READ["vehicle"]
    server.respond = lambda request: Response(body={"id": "v", **attributes})
    assert sdk.v3.get_vehicle("token", "v", **host) == READ["vehicle"]
