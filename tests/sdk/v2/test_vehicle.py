from datetime import UTC, datetime

import pytest

from django_smartcar import sdk

from ..conftest import Response

AGE = datetime(2018, 6, 20, 1, 33, 37, 78000, tzinfo=UTC)


def test_info_is_returned(server, car):
    info = {"id": "car-1", "make": "TESLA", "model": "Model S", "year": 2014}
    server.respond = lambda request: Response(body=info)
    assert car.info() == info
    assert server.requests[0].path == "/v2.0/vehicles/car-1/"


def test_vin_is_a_string(server, car):
    server.respond = lambda request: Response(body={"vin": "5YJSA1CN5DFP00101"})
    assert car.vin() == "5YJSA1CN5DFP00101"


def test_permissions_are_the_first_page(server, car):
    server.respond = lambda request: Response(
        body={"permissions": ["read_vin"], "paging": {"count": 9, "offset": 0}}
    )
    assert car.permissions() == ["read_vin"]
    assert [request.path for request in server.requests] == ["/v2.0/vehicles/car-1/permissions"]


def test_all_pages_of_permissions_are_read(server, car):
    names = [f"read_{number}" for number in range(60)]

    def respond(request):
        offset = int(request.path.rpartition("=")[2])
        return Response(
            body={"permissions": names[offset : offset + 25], "paging": {"count": 60, "offset": offset}}
        )

    server.respond = respond
    assert list(car.iter_permissions()) == names
    assert [request.path.partition("?")[2] for request in server.requests] == [
        "limit=25&offset=0",
        "limit=25&offset=25",
        "limit=25&offset=50",
    ]


def test_odometer_has_its_unit_and_its_age(server, car):
    headers = {"SC-Unit-System": "imperial", "SC-Data-Age": "2018-06-20T01:33:37.078Z"}
    server.respond = lambda request: Response(body={"distance": 104.32}, headers=headers)
    assert car.odometer() == {"data": {"distance": 104.32}, "unit_system": "imperial", "age": AGE}


def test_location_has_its_age(server, car):
    body = {"latitude": 37.4292, "longitude": 122.1381}
    server.respond = lambda request: Response(body=body, headers={"sc-data-age": "2018-06-20T01:33:37.078Z"})
    assert car.location() == {"data": body, "age": AGE}


def test_missing_values_are_none(server, car):
    server.respond = lambda request: Response(body={"distance": 1})
    assert car.odometer() == {"data": {"distance": 1}, "unit_system": None, "age": None}
    server.respond = lambda request: Response(body={"latitude": 1, "longitude": 2})
    assert car.location()["age"] is None


@pytest.mark.parametrize(
    ("header", "age"),
    [
        ("2018-06-20T01:33:37.078Z", AGE),
        ("2018-06-20T01:33:37.078", AGE),
        ("2018-06-20T03:33:37.078+02:00", AGE),
        ("Wed, 20 Jun 2018 01:33:37 GMT", AGE.replace(microsecond=0)),
        ("Wed, 20 Jun 2018 01:33:37 -0000", AGE.replace(microsecond=0)),
        ("", None),
        ("yesterday", None),
        ("2018-13-45T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_an_age_is_aware_and_in_utc_or_none(server, car, header, age):
    server.respond = lambda request: Response(body={"distance": 1}, headers={"sc-data-age": header})
    found = car.odometer()["age"]
    assert found == age
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(("call", "action"), [("lock", b"LOCK"), ("unlock", b"UNLOCK")])
def test_a_command_is_sent_and_its_status_returned(server, car, call, action):
    server.respond = lambda request: Response(body={"status": "success", "message": "Sent"})
    assert getattr(car, call)() == {"status": "success"}
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v2.0/vehicles/car-1/security")
    assert request.body == b'{"action": "' + action + b'"}'


@pytest.mark.parametrize(
    "response", [Response(body={"status": "success"}), Response(204, b""), Response(200, b"")]
)
def test_disconnect_returns_none_for_any_body(server, car, response):
    server.respond = lambda request: response
    assert car.disconnect() is None
    assert (server.requests[0].method, server.requests[0].path) == (
        "DELETE",
        "/v2.0/vehicles/car-1/application",
    )


@pytest.mark.parametrize("unit_system", ["", "Metric", "nautical", None])
def test_an_unknown_unit_system_is_refused_everywhere(car, unit_system):
    with pytest.raises(ValueError, match="unit_system"):
        sdk.Vehicle("car-1", "token", unit_system)
    with pytest.raises(ValueError, match="unit_system"):
        car.set_unit_system(unit_system)


def test_the_unit_system_is_sent(server, car):
    server.respond = lambda request: Response(body={"distance": 1})
    car.odometer()
    car.set_unit_system("imperial")
    car.odometer()
    assert [request.header("sc-unit-system") for request in server.requests] == ["metric", "imperial"]


def test_two_vehicles_do_not_share_a_token(server, car, requester):
    server.respond = lambda request: Response(body={"vin": "V"})
    other = sdk.Vehicle("car-2", "token-of-bert", requester=requester, api_url=f"{server.url}/v2.0")
    for vehicle in (car, other, car):
        vehicle.vin()
    tokens = [request.header("Authorization").removeprefix("Bearer ") for request in server.requests]
    assert tokens == ["token-of-anna", "token-of-bert", "token-of-anna"]


@pytest.mark.parametrize("call", ["info", "vin", "permissions", "location", "odometer", "lock", "unlock"])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", {}, {"distance": "far", "vin": 5, "status": 1}]
)
def test_a_2xx_with_an_invalid_body_raises_a_smartcar_exception(server, car, call, body):
    server.respond = lambda request: Response(body=body)
    with pytest.raises(sdk.InvalidResponseException):
        getattr(car, call)()


@pytest.mark.parametrize("distance", [b"NaN", b"Infinity", b"true", b"null", b"9" * 400])
def test_an_invalid_distance_raises_a_smartcar_exception(server, car, distance):
    server.respond = lambda request: Response(body=b'{"distance": ' + distance + b"}")
    with pytest.raises(sdk.InvalidResponseException):
        car.odometer()


def test_repr_shows_no_token(car):
    assert repr(car) == "Vehicle('car-1', unit_system='metric')"
