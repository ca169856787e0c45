"""Readings of API v2 from valid and invalid responses."""

from datetime import UTC, date, datetime

import pytest

from django_smartcar import sdk

from ..conftest import Response

HEADERS = {"SC-Data-Age": "2025-05-09T15:40:57.000Z", "sc-unit-system": "imperial", "SC-Fetched-At": "x"}
AGE = datetime(2025, 5, 9, 15, 40, 57, tzinfo=UTC)
SHUT = [{"type": "frontLeft", "status": "CLOSED"}]

#: method, path, body, data, whether it has units
READINGS = [
    (
        "fuel",
        "fuel",
        {"range": 40.5, "percentRemaining": 0.3, "amountRemaining": 53.2},
        {"range": 40.5, "percent_remaining": 0.3, "amount_remaining": 53.2},
        True,
    ),
    (
        "battery",
        "battery",
        {"percentRemaining": 0.68, "range": 275},
        {"percent_remaining": 0.68, "range": 275},
        True,
    ),
    ("battery_capacity", "battery/capacity", {"capacity": 28}, {"capacity": 28}, False),
    (
        "nominal_capacity",
        "battery/nominal_capacity",
        {
            "availableCapacities": [{"capacity": 82, "description": "BEV:Extended Range"}, {"capacity": 66}],
            "capacity": {"nominal": 82, "source": "USER_SELECTED"},
            "url": None,
        },
        {
            "available_capacities": [
                {"capacity": 82, "description": "BEV:Extended Range"},
                {"capacity": 66, "description": None},
            ],
            "capacity": {"nominal": 82, "source": "USER_SELECTED"},
            "url": None,
        },
        False,
    ),
    (
        "charge",
        "charge",
        {"isPluggedIn": True, "state": "FULLY_CHARGED"},
        {"is_plugged_in": True, "state": "FULLY_CHARGED"},
        False,
    ),
    ("get_charge_limit", "charge/limit", {"limit": 0.8}, {"limit": 0.8}, False),
    ("engine_oil", "engine/oil", {"lifeRemaining": 0.35}, {"life_remaining": 0.35}, False),
    (
        "tire_pressure",
        "tires/pressure",
        {"frontLeft": 219, "frontRight": 218.5, "backLeft": 217, "backRight": 216},
        {"front_left": 219, "front_right": 218.5, "back_left": 217, "back_right": 216},
        True,
    ),
    (
        "lock_status",
        "security",
        {
            "isLocked": True,
            "doors": SHUT,
            "windows": [],
            "sunroof": [],
            "storage": SHUT,
            "chargingPort": SHUT,
        },
        {
            "is_locked": True,
            "doors": SHUT,
            "windows": [],
            "sunroof": [],
            "storage": SHUT,
            "charging_port": SHUT,
        },
        False,
    ),
    (
        "diagnostic_system_status",
        "diagnostics/system_status",
        {"systems": [{"systemId": "SYSTEM_TPMS", "status": "ALERT", "description": "Left rear"}]},
        {"systems": [{"system_id": "SYSTEM_TPMS", "status": "ALERT", "description": "Left rear"}]},
        False,
    ),
    (
        "diagnostic_trouble_codes",
        "diagnostics/dtcs",
        {
            "activeCodes": [
                {"code": "P302D", "timestamp": "2025-05-09T15:40:57Z"},
                {"code": "P1", "timestamp": None},
            ]
        },
        {"active_codes": [{"code": "P302D", "timestamp": AGE}, {"code": "P1", "timestamp": None}]},
        False,
    ),
    (
        "service_history",
        "service/history",
        [
            {
                "serviceId": 12345,
                "odometerDistance": "46047.22",
                "serviceDate": "2025-05-09T15:40:57.000Z",
                "serviceTasks": [{"taskId": "3262", "taskDescription": None}, {"taskId": None}],
                "serviceDetails": [{"type": "Type 0", "value": None}, {"type": None, "value": 5}],
                "serviceCost": {"totalCost": "12.50", "currency": "USD"},
            },
            {"serviceId": None, "serviceCost": None},
        ],
        {
            "items": [
                {
                    "service_id": "12345",
                    "odometer_distance": 46047.22,
                    "service_date": AGE,
                    "service_tasks": [
                        {"task_id": "3262", "task_description": None},
                        {"task_id": None, "task_description": None},
                    ],
                    "service_details": [{"type": "Type 0", "value": None}, {"type": None, "value": 5}],
                    "service_cost": {"total_cost": 12.5, "currency": "USD"},
                },
                {
                    "service_id": None,
                    "odometer_distance": None,
                    "service_date": None,
                    "service_tasks": [],
                    "service_details": [],
                    "service_cost": None,
                },
            ]
        },
        True,
    ),
]
NAMES = [name for name, *_ in READINGS]


@pytest.mark.parametrize(("name", "path", "body", "data", "has_units"), READINGS, ids=NAMES)
def test_a_reading_has_the_form_of_the_official_sdk(server, car, name, path, body, data, has_units):
    server.respond = lambda request: Response(body=body, headers=HEADERS)
    units = {"unit_system": "imperial"} if has_units else {}
    assert getattr(car, name)() == {"data": data, **units, "age": AGE}
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", f"/v2.0/vehicles/car-1/{path}")
    assert request.header("sc-unit-system") == "metric"
    assert request.header("Authorization") == "Bearer token-of-anna"
    assert request.body == b""


@pytest.mark.parametrize(("name", "path", "body", "data", "has_units"), READINGS, ids=NAMES)
def test_missing_fields_are_none(server, car, name, path, body, data, has_units):
    if isinstance(body, list):
        server.respond = lambda request: Response(body=[])
        assert getattr(car, name)() == {"data": {"items": []}, "unit_system": None, "age": None}
        return
    for field, value in body.items():
        # With one field present, null and missing fields have the same result.
        for others in ({}, dict.fromkeys(body)):
            server.respond = lambda request, sent={**others, field: value}: Response(body=sent)
            found = getattr(car, name)()
            assert found["age"] is None
            kept = {name for name, part in found["data"].items() if part not in (None, [])}
            full = {name for name, part in data.items() if part not in (None, [])}
            assert kept <= full
            assert all(found["data"][name] == data[name] for name in kept)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"5", b'"text"', b"[1]", b'["a"]', {}, {"new": 1}, {"items": 5}]
)
def test_a_2xx_with_an_invalid_body_raises_a_smartcar_exception(server, car, name, body):
    server.respond = lambda request: Response(body=body, headers={"SC-Request-Id": "r"})
    with pytest.raises(sdk.InvalidResponseException) as caught:
        getattr(car, name)()
    assert (caught.value.status_code, caught.value.request_id) == (200, "r")


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("fuel", b'{"range": "secret"}', "range is not a number"),
        ("fuel", b'{"range": true}', "range is not a number"),
        ("fuel", b'{"range": NaN}', "range is not a number"),
        ("fuel", b'{"range": 1e999}', "range is not a number"),
        ("charge", {"isPluggedIn": 1}, "isPluggedIn is not true or false"),
        ("charge", {"state": 5}, "state is not a string"),
        ("nominal_capacity", {"capacity": 82}, "capacity is not an object"),
        ("lock_status", {"doors": {}}, "doors is not a list"),
        ("lock_status", {"doors": [5]}, "an item of doors is not an object"),
        ("lock_status", {"doors": [{"status": "OPEN"}]}, "type is missing"),
        ("diagnostic_trouble_codes", {"activeCodes": [{"code": None}]}, "code is missing"),
        ("service_history", [{"odometerDistance": "secret"}], "odometerDistance is not a number"),
        ("service_history", [{"odometerDistance": "nan"}], "odometerDistance is not a number"),
        ("service_history", [{"serviceId": True}], "serviceId is not a string"),
    ],
)
def test_an_invalid_field_is_named_and_not_quoted(server, car, name, body, why):
    server.respond = lambda request: Response(body=body)
    with pytest.raises(sdk.InvalidResponseException, match=f": {why}$") as caught:
        getattr(car, name)()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("start", "end", "query"),
    [
        (None, None, ""),
        (date(2025, 5, 1), None, "startDate=2025-05-01T00%3A00%3A00.000Z"),
        ("2025-05-01", "", "startDate=2025-05-01T00%3A00%3A00.000Z"),
        (None, "2025-05-31", "endDate=2025-05-31T23%3A59%3A59.999Z"),
        (
            datetime(2025, 5, 1, 12),  # noqa: DTZ001 - a naive one is taken as UTC
            "2025-05-31T12:00:00+02:00",
            "startDate=2025-05-01T12%3A00%3A00.000Z&endDate=2025-05-31T10%3A00%3A00.000Z",
        ),
    ],
)
def test_the_period_of_a_service_history_is_sent(server, car, start, end, query):
    server.respond = lambda request: Response(body=[])
    car.service_history(start, end)
    assert server.requests[0].path.partition("?")[2] == query


@pytest.mark.parametrize("dates", [("yesterday",), (None, "05/31/2025"), ("2025-05-02", "2025-05-01")])
def test_invalid_dates_are_not_sent(server, car, car_v3, dates):
    for vehicle in (car, car_v3):
        with pytest.raises(ValueError, match=r"."):
            vehicle.service_history(*dates)
    assert server.requests == []


def test_attributes_have_the_fields_of_v3(server, car):
    server.respond = lambda request: Response(
        body={"id": "car-1", "make": "TESLA", "model": "S", "year": 2014}
    )
    known = {"make": "TESLA", "model": "S", "year": 2014}
    assert car.attributes() == {**known, "mode": None, "powertrain_type": None}


class TestCommands:
    @pytest.mark.parametrize(
        ("call", "arguments", "path", "body"),
        [
            ("start_charge", (), "charge", b'{"action": "START"}'),
            ("stop_charge", (), "charge", b'{"action": "STOP"}'),
            ("set_charge_limit", (0.57,), "charge/limit", b'{"limit": 0.57}'),
            ("set_charge_limit", (1,), "charge/limit", b'{"limit": 1}'),
            (
                "send_destination",
                (52.5, 13.4),
                "navigation/destination",
                b'{"latitude": 52.5, "longitude": 13.4}',
            ),
        ],
    )
    def test_a_command_is_sent_once_to_its_path(self, server, car, call, arguments, path, body):
        server.responses = [Response(502, {}), Response(body={"status": "success", "message": "Sent"})]
        with pytest.raises(sdk.UnexpectedStatusException):
            getattr(car, call)(*arguments)
        assert getattr(car, call)(*arguments) == {"status": "success"}
        assert len(server.requests) == 2
        for request in server.requests:
            assert (request.method, request.path) == ("POST", f"/v2.0/vehicles/car-1/{path}")
            assert request.body == body

    @pytest.mark.parametrize("limit", [0.49, 1.01, 80, 0, -1, float("nan"), float("inf")])
    def test_a_limit_out_of_range_is_not_sent(self, server, car, limit):
        with pytest.raises(ValueError, match="charge limit"):
            car.set_charge_limit(limit)
        assert server.requests == []

    @pytest.mark.parametrize("place", [(91, 0), (0, 181), (float("nan"), 0), (0, float("inf"))])
    def test_invalid_coordinates_are_not_sent(self, server, car, place):
        with pytest.raises(ValueError, match="latitude"):
            car.send_destination(*place)
        assert server.requests == []
