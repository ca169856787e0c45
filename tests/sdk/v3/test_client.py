import itertools
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from django_smartcar import sdk
from django_smartcar.sdk.v3 import _client

from ..conftest import SILENCE, Response


@pytest.fixture
def things(server, requester):
    return _client.Client("token-of-all", f"{server.url}/v3/", requester=requester)


def query_of(request):
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def pages_of(count, *, size=10, total=None, has_links=True):
    """Return the responses of a server with ``count`` things and at most ``size`` of them per page."""
    ids = [f"thing-{number}" for number in range(count)]

    def respond(request):
        query = query_of(request)
        step = min(size, int(query.get("page[size]", 10)))
        start = (int(query.get("page[number]", 1)) - 1) * step
        body = {"data": [{"id": name} for name in ids[start : start + step]], "meta": {"totalCount": total}}
        if has_links:
            body["links"] = {"next": "https://elsewhere.example/stolen" if start + step < count else None}
        return Response(body=body)

    return respond


def ids_of(iterator):
    return [item["id"] for item in iterator]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25, 30])
@pytest.mark.parametrize("kwargs", [{}, {"size": 7}])
@pytest.mark.parametrize("page_size", [None, 10])
def test_pages_are_requested_until_there_is_no_next(server, things, count, kwargs, page_size):
    server.respond = pages_of(count, **kwargs)
    found = ids_of(things.iter_all("things", page_size=page_size))
    assert found == [f"thing-{number}" for number in range(count)]
    assert len(server.requests) == max(1, -(-count // kwargs.get("size", 10)))


def test_the_count_ends_iteration_without_links(server, things):
    server.respond = pages_of(25, total=25, has_links=False)
    assert len(ids_of(things.iter_all("things", page_size=10))) == 25
    assert len(server.requests) == 3


def test_the_url_of_a_link_is_never_requested(server, things):
    server.respond = pages_of(25)
    ids_of(things.iter_all("things", page_size=10))
    assert [urlsplit(request.path).path for request in server.requests] == ["/v3/things"] * 3


@pytest.mark.parametrize("name", ["page", "page[number]", "cursor"])
def test_the_next_page_is_requested_with_the_parameters_of_its_link(server, things, name):
    def respond(request):
        number = int(query_of(request).get(name, 1))
        link = f"https://elsewhere.example/stolen?{urlencode({name: number + 1, 'pageSize': 10})}"
        body = {"data": [{"id": f"thing-{number}"}], "links": {"next": link if number < 3 else None}}
        return Response(body=body)

    server.respond = respond
    assert ids_of(things.iter_all("things", filters={"a": "b"})) == ["thing-1", "thing-2", "thing-3"]
    assert query_of(server.requests[2]) == {name: "3", "pageSize": "10", "filter[a]": "b"}
    assert urlsplit(server.requests[2].path).path == "/v3/things"


@pytest.mark.parametrize("link", [None, "…", "https://[x/?page=2"])
def test_fewer_resources_than_the_first_page_counts_are_an_error(server, things, link):
    server.respond = lambda request: Response(
        body={"data": [{"id": "a"}, {"id": "b"}], "links": {"next": link}, "meta": {"totalCount": 3}}
    )
    found = things.iter_all("things")
    assert [next(found)["id"], next(found)["id"]] == ["a", "b"]
    with pytest.raises(sdk.InvalidResponseException, match="2 of 3 resources"):
        next(found)


def test_iteration_ends_when_the_server_ignores_the_page(server, things):
    server.respond = lambda request: Response(
        body={"data": [{"id": "a"}, {"id": "b"}], "links": {"next": "…"}}
    )
    assert ids_of(things.iter_all("things")) == ["a", "b"]
    assert len(server.requests) == 2


def test_a_resource_that_moved_to_the_next_page_is_returned_once(server, things):
    server.responses = [
        Response(body={"data": [{"id": "a"}, {"id": "b"}], "links": {"next": "…"}}),
        Response(body={"data": [{"id": "b"}, {"id": "c"}], "links": {"next": None}}),
    ]
    assert ids_of(things.iter_all("things")) == ["a", "b", "c"]


def test_pages_are_requested_lazily(server, things):
    server.respond = pages_of(30)
    found = things.iter_all("things", page_size=10)
    assert server.requests == []
    list(itertools.islice(found, 10))
    assert len(server.requests) == 1


def test_filters_of_none_are_not_sent(server, things):
    server.respond = pages_of(1)
    ids_of(things.iter_all("things", filters={"userId": "u&1", "vehicleId": None}))
    assert query_of(server.requests[0]) == {"filter[userId]": "u&1"}


@pytest.mark.parametrize("page_size", [0, -1])
def test_an_invalid_page_size_is_refused(things, page_size):
    with pytest.raises(ValueError, match="at least 1"):
        list(things.iter_all("things", page_size=page_size))


@pytest.mark.parametrize(
    "body", [b"", [], {}, {"data": {}}, {"data": [{}]}, {"data": [{"id": ""}]}, {"data": [1]}]
)
def test_an_invalid_page_raises_a_smartcar_exception(server, things, body):
    server.respond = lambda request: Response(body=body)
    with pytest.raises(sdk.InvalidResponseException):
        list(things.iter_all("things"))


@pytest.mark.parametrize("read", [lambda host: host.get_one("x"), lambda host: list(host.iter_all("x"))])
def test_an_error_in_a_2xx_response_to_a_read_is_raised(server, things, read):
    server.respond = lambda request: Response(body={"errors": [{"status": "403", "code": "forbidden"}]})
    with pytest.raises(sdk.PermissionException):
        read(things)


def test_an_empty_list_of_errors_is_no_error(server, things):
    server.respond = lambda request: Response(body={"data": {"id": "a"}, "errors": []})
    assert things.get_one("things", "a") == {"id": "a"}


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_an_id_that_would_change_the_url_is_refused(server, things, part):
    for call in (things.get_one, things.get, lambda *path: things.send("DELETE", *path)):
        with pytest.raises(ValueError, match="id cannot be"):
            call("users", part)
    assert server.requests == []


def test_an_id_is_escaped(server, things):
    server.respond = lambda request: Response(body={"data": {"id": "a"}})
    things.get_one("things", "a/../b?c#d")
    assert server.requests[0].path == "/v3/things/a%2F..%2Fb%3Fc%23d"


def test_send_has_the_timeout_of_a_read(server):
    server.respond = lambda request: SILENCE
    requester = sdk.Requester(timeout=0.3, command_timeout=9)
    things = _client.Client("t", server.url, requester=requester)
    with pytest.raises(sdk.NoResponseException):
        things.send("DELETE", "things", "a")
    assert server.timeouts == [(5, 0.3)]
    assert len(server.requests) == 1


def test_the_header_dict_is_a_copy(things):
    things.headers["Authorization"] = "stolen"
    assert things.headers == {"Authorization": "Bearer token-of-all"}
