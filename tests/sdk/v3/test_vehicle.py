from datetime import UTC, datetime

import pytest

from django_smartcar import sdk

from ..codes import CODES
from ..conftest import Response

AGE = datetime(2026, 6, 20, 1, 33, 37, 78000, tzinfo=UTC)


def signal(code, body=None, error=None, oem="2026-06-20T01:33:37.078Z", **more):
    status = {"value": "ERROR", "error": error} if error else {"value": "SUCCESS"}
    attributes = {"code": code, "status": status, **({} if body is None else {"body": body}), **more}
    meta = {"oemUpdatedAt": oem, "retrievedAt": "2026-11-23T00:00:00Z"}
    return {"id": code, "type": "signal", "attributes": attributes, "meta": meta}


def connection(number=1, vehicle="car-1", user="user-1", permissions=("read_vin", "read_odometer")):
    return {
        "id": f"connection-{number}",
        "type": "connection",
        "attributes": {"permissions": list(permissions)},
        "relationships": {"vehicle": {"data": {"id": vehicle}}, "user": {"data": {"id": user}}},
    }


def page(items, **links):
    return Response(
        body={"data": items, "meta": {"totalCount": len(items)}, "links": {"next": None, **links}}
    )


def serve_signals(server, *signals):
    """Serve each of these signals at its URL, and a 404 elsewhere."""
    known = {raw["id"]: raw for raw in signals}

    def respond(request):
        code = request.path.rpartition("/")[2]
        if code in known:
            return Response(body={"data": known[code]})
        return Response(404, {"errors": [{"status": "404", "type": "RESOURCE_NOT_FOUND", "code": "PATH"}]})

    server.respond = respond


class TestReads:
    def test_the_odometer_has_the_form_of_v2(self, server, car_v3):
        serve_signals(server, signal("odometer-traveleddistance", {"unit": "km", "value": 104.32}))
        assert car_v3.odometer() == {"data": {"distance": 104.32}, "unit_system": "metric", "age": AGE}
        (request,) = server.requests
        assert request.path == "/v3/vehicles/car-1/signals/odometer-traveleddistance"
        assert request.header("sc-user-id") == "user-1"
        assert request.header("sc-unit-system") == "metric"

    @pytest.mark.parametrize(
        ("unit_system", "body", "distance"),
        [
            ("metric", {"unit": "kilometers", "value": 100}, 100),
            ("metric", {"unit": "miles", "value": 100}, 160.9344),
            ("imperial", {"unit": "km", "value": 100}, 62.137119),
            ("imperial", {"unit": "miles", "value": 100}, 100),
            ("imperial", {"value": 100}, 100),
        ],
    )
    def test_the_odometer_is_in_the_requested_units(self, server, car_v3, unit_system, body, distance):
        serve_signals(server, signal("odometer-traveleddistance", body))
        car_v3.set_unit_system(unit_system)
        odometer = car_v3.odometer()
        assert (odometer["data"]["distance"], odometer["unit_system"]) == (distance, unit_system)
        assert server.requests[0].header("sc-unit-system") == unit_system

    def test_the_location_has_the_form_of_v2(self, server, car_v3):
        body = {"latitude": 37.4292, "longitude": 122.1381, "metadata_of": 3, "locationType": "CURRENT"}
        serve_signals(server, signal("location-preciselocation", body))
        assert car_v3.location() == {"data": {"latitude": 37.4292, "longitude": 122.1381}, "age": AGE}

    def test_the_age_is_never_the_time_of_retrieval(self, server, car_v3):
        serve_signals(server, signal("odometer-traveleddistance", {"unit": "km", "value": 1}, oem=None))
        assert car_v3.odometer()["age"] is None

    def test_the_vin_is_a_string(self, server, car_v3):
        serve_signals(server, signal("vehicleidentification-vin", {"value": "5YJSA1CN5DFP00101"}))
        assert car_v3.vin() == "5YJSA1CN5DFP00101"

    @pytest.mark.parametrize("bare", [True, False])
    def test_the_info_is_requested_without_a_user(self, server, car_v3, bare):
        attributes = {"make": "TESLA", "model": "3", "year": 2020, "powertrainType": "BEV", "mode": "live"}
        resource = {"id": "car-1", "type": "vehicle", "attributes": attributes}
        server.respond = lambda request: Response(body=resource if bare else {"data": resource})
        assert car_v3.info() == {"id": "car-1", "make": "TESLA", "model": "3", "year": 2020}
        assert car_v3.attributes() == {
            "make": "TESLA",
            "model": "3",
            "year": 2020,
            "mode": "live",
            "powertrain_type": "BEV",
        }
        assert {request.path for request in server.requests} == {"/v3/vehicles/car-1"}
        assert server.requests[0].header("sc-user-id") is None

    @pytest.mark.parametrize("call", ["vin", "location", "odometer"])
    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            ({"type": "COMPATIBILITY", "code": "VEHICLE_NOT_CAPABLE"}, sdk.NotCapableException),
            ({"type": "PERMISSION", "code": "UNKNOWN"}, sdk.PermissionException),
            ({"type": "UPSTREAM", "code": "NO_RESPONSE"}, sdk.UpstreamException),
        ],
    )
    def test_the_error_of_a_signal_is_raised(self, server, car_v3, call, error, kind):
        server.respond = lambda request: Response(body={"data": signal("x", error=error)})
        with pytest.raises(kind) as caught:
            getattr(car_v3, call)()
        assert (caught.value.type, caught.value.code) == (error["type"], error["code"])

    @pytest.mark.parametrize("call", ["vin", "location", "odometer"])
    @pytest.mark.parametrize("status", ["UNAVAILABLE", "ERROR"])
    def test_a_missing_signal_is_not_found(self, server, car_v3, call, status):
        raw = signal("x", {"value": 1}, status={"value": status})
        server.respond = lambda request: Response(body={"data": raw})
        with pytest.raises(sdk.SignalNotAvailable, match=f"x: {status}"):
            getattr(car_v3, call)()

    @pytest.mark.parametrize("call", ["info", "vin", "location", "odometer", "signals", "permissions"])
    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", {}, {"data": 5}, {"data": {"id": 5}}, {"data": [5]}]
    )
    def test_a_2xx_with_an_invalid_body_raises_a_smartcar_exception(self, server, car_v3, call, body):
        server.respond = lambda request: Response(body=body)
        with pytest.raises(sdk.InvalidResponseException):
            getattr(car_v3, call)()

    @pytest.mark.parametrize("call", ["vin", "location", "odometer"])
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"value": None},
            {"value": True, "latitude": True, "longitude": True},
            {"value": [], "latitude": "1", "longitude": "2"},
            {"value": 7, "unit": "psi"},
            {"value": "", "unit": "km"},
        ],
    )
    def test_an_empty_reading_raises_a_smartcar_exception(self, server, car_v3, call, body):
        server.respond = lambda request: Response(body={"data": signal("x", body)})
        with pytest.raises(sdk.InvalidResponseException):
            getattr(car_v3, call)()

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 430, 500, 501, 504])
    def test_an_error_of_v3_raises_a_smartcar_exception(self, server, car_v3, requester, status):
        requester.retries = 0
        error = {"status": str(status), "type": "TYPE", "code": "CODE", "detail": "why token-of-all"}
        server.respond = lambda request: Response(status, {"errors": [error]})
        with pytest.raises(sdk.exceptions.CLASS_BY_STATUS[status]) as caught:
            car_v3.odometer()
        assert (caught.value.type, caught.value.code) == ("TYPE", "CODE")
        assert caught.value.description == "why [removed]"


class TestSignals:
    def test_all_pages_are_read(self, server, car_v3):
        pages = [
            page([signal("tractionbattery-stateofcharge", {"unit": "percent", "value": 75})], next="…"),
            page([signal("closure-islocked", {"value": True})]),
        ]
        server.responses = list(pages)
        found = car_v3.signals()
        assert [request.path for request in server.requests] == [
            "/v3/vehicles/car-1/signals",
            "/v3/vehicles/car-1/signals?page%5Bnumber%5D=2",
        ]
        assert {code: one["value"] for code, one in found["signals"].items()} == {
            "tractionbattery-stateofcharge": 0.75,
            "closure-islocked": True,
        }
        assert (found["is_empty"], found["unit_system"]) == (False, "metric")

    def test_all_93_codes_have_their_names(self, server, car_v3):
        server.respond = lambda request: page([signal(code, {"value": 1}) for code in CODES])
        found = car_v3.signals()["signals"]
        assert list(found) == CODES
        assert len({one["name"] for one in found.values()}) == 93
        assert {one["status"] for one in found.values()} == {"SUCCESS"}

    def test_an_error_of_one_signal_fails_only_that_signal(self, server, car_v3):
        error = {"type": "PERMISSION", "code": "UNKNOWN"}
        server.respond = lambda request: page(
            [signal("location-isathome", error=error), signal("closure-islocked", {"value": True})]
        )
        found = car_v3.signals()["signals"]
        assert found["location-isathome"]["error"]["type"] == "PERMISSION"
        assert found["location-isathome"]["value"] is None
        assert (found["closure-islocked"]["value"], found["closure-islocked"]["error"]) == (True, None)

    def test_no_stored_signals_are_reported_as_such(self, server, car_v3):
        server.respond = lambda request: page([])
        assert car_v3.signals() == {"signals": {}, "is_empty": True, "unit_system": "metric"}

    def test_a_404_of_all_signals_is_no_stored_signals(self, server, car_v3):
        server.respond = lambda request: Response(404, {"errors": [{"status": "404", "code": "not_found"}]})
        assert car_v3.signals()["is_empty"] is True
        for name, result in car_v3.batch(["battery", "odometer"]).items():
            assert isinstance(result, sdk.SignalNotAvailable), name

    def test_failed_signals_are_stored_signals(self, server, car_v3):
        server.respond = lambda request: page([signal("location-isathome", error={"type": "PERMISSION"})])
        assert car_v3.signals()["is_empty"] is False

    @pytest.mark.parametrize("name", ["battery_level", "tractionbattery-stateofcharge"])
    def test_a_signal_is_requested_by_name_or_code(self, server, car_v3, name):
        serve_signals(server, signal("tractionbattery-stateofcharge", {"unit": "percent", "value": 75}))
        assert car_v3.signal(name)["value"] == 0.75

    def test_an_unknown_signal_is_not_available(self, server, car_v3):
        serve_signals(server)
        with pytest.raises(sdk.SignalNotAvailable) as caught:
            car_v3.signal("odd/../name")
        assert isinstance(caught.value, sdk.ResourceNotFoundException)
        assert caught.value.status_code == 404
        assert caught.value.code == "PATH"
        assert server.requests[0].path == "/v3/vehicles/car-1/signals/odd%2F..%2Fname"

    def test_the_error_of_a_requested_signal_is_raised(self, server, car_v3):
        serve_signals(server, signal("location-isathome", error={"type": "PERMISSION", "code": "UNKNOWN"}))
        with pytest.raises(sdk.PermissionException):
            car_v3.signal("is_at_home")


class TestConnection:
    def test_permissions_are_those_of_the_connection(self, server, car_v3):
        server.respond = lambda request: page([connection()])
        assert car_v3.permissions() == list(car_v3.iter_permissions()) == ["read_vin", "read_odometer"]
        path = server.requests[0].path
        assert "filter%5BuserId%5D=user-1&filter%5BvehicleId%5D=car-1&filter%5Bvehicle.mode%5D=live" in path

    def test_a_simulated_vehicle_has_a_connection(self, server, car_v3):
        server.respond = lambda request: page([connection()] if "=simulated" in request.path else [])
        assert car_v3.permissions() == ["read_vin", "read_odometer"]

    @pytest.mark.parametrize("stranger", [{"vehicle": "car-2"}, {"user": "user-2"}, {"user": None}])
    def test_the_connection_of_another_user_is_never_used_if_the_filter_fails(self, server, car_v3, stranger):
        server.respond = lambda request: page([connection(**stranger)])
        for call in (car_v3.permissions, car_v3.disconnect):
            with pytest.raises(sdk.ResourceNotFoundException) as caught:
                call()
            assert caught.value.status_code == 404
        assert {request.method for request in server.requests} == {"GET"}

    def test_disconnect_deletes_the_connection_of_this_user(self, server, car_v3):
        server.responses = [page([connection(1, user="user-2"), connection(2)]), Response(204, b"")]
        assert car_v3.disconnect() is None
        request = server.requests[-1]
        assert (request.method, request.path) == ("DELETE", "/v3/connections/connection-2")


@pytest.mark.parametrize("ids", [("", "user"), (".", "user"), ("car", ""), ("car", ".."), ("car", None)])
def test_an_invalid_id_is_refused(ids):
    with pytest.raises(ValueError, match="id cannot be"):
        sdk.v3.Vehicle(ids[0], "token", ids[1])


@pytest.mark.parametrize("unit_system", ["", "Metric", "nautical", None])
def test_an_unknown_unit_system_is_refused_everywhere(car_v3, unit_system):
    with pytest.raises(ValueError, match="unit_system"):
        sdk.v3.Vehicle("car-1", "token", "user", unit_system)
    with pytest.raises(ValueError, match="unit_system"):
        car_v3.set_unit_system(unit_system)


def test_a_vehicle_of_v3_has_every_method_of_v2():
    methods = {name for name in dir(sdk.Vehicle) if not name.startswith("_")}
    assert methods <= set(dir(sdk.v3.Vehicle))


def test_repr_shows_no_token(car_v3):
    assert repr(car_v3) == "Vehicle('car-1', user_id='user-1', unit_system='metric')"
    assert "token" not in repr(car_v3.api)


def test_the_public_names_of_v3_exist_and_are_sorted():
    assert all(hasattr(sdk.v3, name) for name in sdk.v3.__all__)
    assert sdk.v3.__all__ == sorted(sdk.v3.__all__, key=lambda name: (name[0].islower(), name))
