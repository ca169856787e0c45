"""Readings of API v3: made of one signal, or of several stored signals."""

from datetime import UTC, datetime, timedelta

import pytest

from django_smartcar import sdk
from django_smartcar.sdk.signals import SYSTEMS

from ..conftest import Response
from .test_vehicle import AGE, page, serve_signals, signal

NOT_CAPABLE = {"type": "COMPATIBILITY", "code": "VEHICLE_NOT_CAPABLE"}
UPSTREAM = {"type": "UPSTREAM", "code": "NO_RESPONSE"}
PERMISSION = {"type": "PERMISSION", "code": "UNKNOWN"}
SOC = signal("tractionbattery-stateofcharge", {"unit": "percent", "value": 68})
RANGE = signal("tractionbattery-range", {"unit": "km", "value": 275})


def all_of(server, *signals):
    """Serve all of these signals in one response."""
    server.respond = lambda request: page(list(signals))


def grid(*items, **more):
    return {"values": [{"row": row, "column": column, **fact} for row, column, fact in items], **more}


class TestOneSignal:
    @pytest.mark.parametrize(
        ("name", "code", "body", "data"),
        [
            (
                "engine_oil",
                "internalcombustionengine-oillife",
                {"unit": "percent", "value": 35},
                {"life_remaining": 0.35},
            ),
            (
                "battery_capacity",
                "tractionbattery-nominalcapacity",
                {"capacity": 82, "unit": "kWhr"},
                {"capacity": 82},
            ),
            (
                "nominal_capacity",
                "tractionbattery-nominalcapacity",
                {
                    "source": "SMARTCAR",
                    "capacity": 82,
                    "availableCapacities": [{"capacity": 82, "description": "BEV:Extended Range"}],
                    "unit": "kWhr",
                },
                {
                    "available_capacities": [{"capacity": 82, "description": "BEV:Extended Range"}],
                    "capacity": {"nominal": 82, "source": "SMARTCAR"},
                    "url": None,
                },
            ),
            (
                "nominal_capacity",
                "tractionbattery-nominalcapacity",
                {"capacity": None, "availableCapacities": None},
                {"available_capacities": [], "capacity": None, "url": None},
            ),
            (
                "get_charge_limit",
                "charge-chargelimits",
                {"values": [{"type": "GLOBAL", "limit": 80}], "activeLimit": 90, "unit": "percent"},
                {"limit": 0.9},
            ),
            (
                "get_charge_limit",
                "charge-chargelimits",
                {
                    "values": [{"type": "location", "limit": 90}, {"type": "global", "limit": 80}],
                    "activeLimit": None,
                    "unit": "percent",
                },
                {"limit": 0.8},
            ),
            (
                "get_charge_limit",
                "charge-chargelimits",
                {"values": [{"type": "location", "limit": 90}]},
                {"limit": None},
            ),
            (
                "diagnostic_trouble_codes",
                "diagnostics-dtclist",
                {"values": [{"code": "P0300", "timestamp": "2026-06-20T01:33:37.078Z"}, {"code": "P1"}]},
                {"active_codes": [{"code": "P0300", "timestamp": AGE}, {"code": "P1", "timestamp": None}]},
            ),
        ],
    )
    def test_a_reading_has_the_form_of_v2(self, server, car_v3, name, code, body, data):
        serve_signals(server, signal(code, body))
        assert getattr(car_v3, name)() == {"data": data, "age": AGE}
        assert [request.path for request in server.requests] == [f"/v3/vehicles/car-1/signals/{code}"]

    @pytest.mark.parametrize(("unit_system", "pressure"), [("metric", 220), ("imperial", 31.908302)])
    def test_tires_are_placed_by_row_and_column(self, server, car_v3, unit_system, pressure):
        tires = [(0, 0, 220), (0, 1, 221), (1, 1, 223)]
        body = grid(*((row, column, {"tirePressure": kpa}) for row, column, kpa in tires), unit="kPa")
        serve_signals(server, signal("wheel-tires", body))
        car_v3.set_unit_system(unit_system)
        found = car_v3.tire_pressure()
        assert found["unit_system"] == unit_system
        assert found["data"]["front_left"] == pressure
        assert found["data"]["back_left"] is None
        assert found["data"]["back_right"] > found["data"]["front_right"] > found["data"]["front_left"]

    def test_twin_tires_belong_to_their_side(self, server, car_v3):
        body = grid(*((1, column, {"tirePressure": 220 + column}) for column in range(4)))
        serve_signals(server, signal("wheel-tires", body))
        data = car_v3.tire_pressure()["data"]
        assert (data["back_left"], data["back_right"]) == (221, 223)

    def test_the_service_history_is_that_of_the_last_year(self, server, car_v3):
        now = datetime.now(UTC)
        visits = [
            {"id": str(days), "time": (now - timedelta(days=days)).isoformat()} for days in (1, 364, 366)
        ]
        visit = {
            "id": "SVC-1",
            "cost": {"amount": 150, "currency": "USD"},
            "time": None,
            "tasks": [{"id": "TSK-1", "description": "Oil"}, 5],
            "details": [{"id": "DTL-1", "description": "5W-30"}],
            "odometer": 50000,
        }
        serve_signals(server, signal("service-records", {"values": [*visits, visit]}))
        items = car_v3.service_history()["data"]["items"]
        assert [item["service_id"] for item in items] == ["1", "364", "SVC-1"]
        assert items[-1] == {
            "service_id": "SVC-1",
            "odometer_distance": 50000,
            "service_date": None,
            "service_tasks": [{"task_id": "TSK-1", "task_description": "Oil"}],
            "service_details": [{"type": None, "value": "5W-30"}],
            "service_cost": {"total_cost": 150, "currency": "USD"},
        }
        older = car_v3.service_history(now - timedelta(days=370), now - timedelta(days=360))
        assert [item["service_id"] for item in older["data"]["items"]] == ["364", "366", "SVC-1"]


class TestSeveralSignals:
    def test_several_signals_take_one_request(self, server, car_v3):
        all_of(server, SOC, RANGE)
        assert car_v3.battery() == {
            "data": {"percent_remaining": 0.68, "range": 275},
            "unit_system": "metric",
            "age": AGE,
        }
        assert [request.path for request in server.requests] == ["/v3/vehicles/car-1/signals"]

    def test_signals_may_be_on_several_pages(self, server, car_v3):
        server.responses = [page([SOC], next="…"), page([RANGE])]
        assert car_v3.battery()["data"] == {"percent_remaining": 0.68, "range": 275}
        assert len(server.requests) == 2

    @pytest.mark.parametrize(
        "missing",
        [
            [],
            [signal("tractionbattery-range", error=NOT_CAPABLE)],
            [signal("tractionbattery-range", status={"value": "UNAVAILABLE"})],
        ],
    )
    def test_a_missing_signal_is_none(self, server, car_v3, missing):
        all_of(server, SOC, *missing)
        assert car_v3.battery()["data"] == {"percent_remaining": 0.68, "range": None}

    @pytest.mark.parametrize(
        ("error", "kind"), [(UPSTREAM, sdk.UnexpectedStatusException), (PERMISSION, sdk.PermissionException)]
    )
    def test_a_signal_that_failed_is_none_and_is_raised_only_alone(self, server, car_v3, error, kind):
        all_of(server, SOC, signal("tractionbattery-range", error=error))
        assert car_v3.battery()["data"] == {"percent_remaining": 0.68, "range": None}
        all_of(server, signal("tractionbattery-range", error=error))
        with pytest.raises(kind) as caught:
            car_v3.battery()
        assert caught.value.type == error["type"]

    @pytest.mark.parametrize("wrong", ["false", "0", [False], {}, 1])
    def test_a_value_of_another_type_is_no_value(self, server, car_v3, wrong):
        closed = {"isOpen": False, "isLocked": True}
        all_of(server, signal("closure-islocked", {"value": wrong}), signal("closure-reartrunk", closed))
        data = car_v3.lock_status()["data"]
        assert (data["is_locked"], data["storage"]) == (None, [{"type": "rear", "status": "CLOSED"}])

    @pytest.mark.parametrize(("is_charging", "state"), [(True, "CHARGING"), (False, "NOT_CHARGING")])
    def test_the_charging_state_of_a_car_that_tells_only_whether_it_charges(
        self, server, car_v3, is_charging, state
    ):
        told = signal("charge-ischarging", {"value": is_charging})
        all_of(server, told)
        assert car_v3.charge()["data"] == {"is_plugged_in": None, "state": state}
        all_of(server, told, signal("charge-detailedchargingstatus", {"value": "FULLY_CHARGED"}))
        assert car_v3.charge()["data"]["state"] == "FULLY_CHARGED"

    def test_the_first_error_is_raised_if_every_signal_fails(self, server, car_v3):
        all_of(server, *(signal(raw["id"], error=NOT_CAPABLE) for raw in (SOC, RANGE)))
        with pytest.raises(sdk.NotCapableException):
            car_v3.battery()
        all_of(server, signal("closure-islocked", {"value": True}))
        with pytest.raises(sdk.SignalNotAvailable, match="no tractionbattery-stateofcharge"):
            car_v3.battery()

    def test_no_stored_signals_are_reported_as_such(self, server, car_v3):
        all_of(server)
        with pytest.raises(sdk.SignalNotAvailable, match="no signals") as caught:
            car_v3.battery()
        assert caught.value.status_code == 404

    def test_the_age_is_that_of_the_oldest_signal(self, server, car_v3):
        older = AGE - timedelta(days=1)
        for ages, age in (((AGE, older), older), ((older, AGE), older), ((None, AGE), AGE)):
            aged = [
                signal(raw["id"], raw["attributes"]["body"], oem=oem and oem.isoformat())
                for raw, oem in zip((SOC, RANGE), ages, strict=True)
            ]
            all_of(server, *aged)
            assert car_v3.battery()["age"] == age

    def test_fuel_is_in_the_requested_units(self, server, car_v3):
        engine = "internalcombustionengine"
        all_of(
            server,
            signal(f"{engine}-range", {"unit": "kilometers", "value": 100}),
            signal(f"{engine}-fuellevel", {"unit": "percent", "value": 30}),
            signal(f"{engine}-amountremaining", {"unit": "liters", "value": 10}),
        )
        car_v3.set_unit_system("imperial")
        found = car_v3.fuel()
        assert found["unit_system"] == "imperial"
        assert found["data"] == {
            "range": 62.137119,
            "percent_remaining": 0.3,
            "amount_remaining": 2.641721,
        }

    def test_charge_may_have_one_of_two_signals(self, server, car_v3):
        all_of(server, signal("charge-ischargingcableconnected", {"value": True}))
        assert car_v3.charge()["data"] == {"is_plugged_in": True, "state": None}

    def test_systems_have_the_ids_of_v2(self, server, car_v3):
        all_of(
            server,
            signal("diagnostics-evhvbattery", {"status": "ALERT", "description": "Hot"}),
            signal("diagnostics-abs", {"status": "OK"}),
            signal("diagnostics-dtccount", {"unit": "count", "value": 2}),
            signal("diagnostics-mil", error=NOT_CAPABLE),
        )
        assert car_v3.diagnostic_system_status()["data"]["systems"] == [
            {"system_id": "SYSTEM_ABS", "status": "OK", "description": None},
            {"system_id": "SYSTEM_EV_HV_BATTERY", "status": "ALERT", "description": "Hot"},
        ]
        assert len(SYSTEMS) == 21


class TestLockStatus:
    def test_the_lock_status_is_built_from_the_closures(self, server, car_v3):
        doors = grid((0, 0, {"isOpen": True}), (0, 1, {"isOpen": False}), (2, 1, {"isOpen": None}))
        all_of(
            server,
            signal("closure-islocked", {"value": False}),
            signal("closure-doors", doors),
            signal("closure-windows", error=NOT_CAPABLE),
            signal("closure-sunroof", {"isOpen": True}),
            signal("closure-tailgate", {"isOpen": False}),
            signal("closure-enginecover", {"isOpen": True}),
            signal("charge-ischargingportflapopen", {"value": True}),
        )
        assert car_v3.lock_status()["data"] == {
            "is_locked": False,
            "doors": [
                {"type": "frontLeft", "status": "OPEN"},
                {"type": "frontRight", "status": "CLOSED"},
                {"type": "backRight", "status": "UNKNOWN"},
            ],
            "windows": [],
            "sunroof": [{"type": "sunroof", "status": "OPEN"}],
            "storage": [{"type": "rear", "status": "CLOSED"}],
            "charging_port": [{"type": "chargingPort", "status": "OPEN"}],
        }

    def test_the_port_alone_is_no_lock_status(self, server, car_v3):
        all_of(server, signal("charge-ischargingportflapopen", {"value": True}))
        with pytest.raises(sdk.SignalNotAvailable):
            car_v3.lock_status()

    @pytest.mark.parametrize("error", [PERMISSION, NOT_CAPABLE])
    def test_a_port_that_is_not_available_is_left_out(self, server, car_v3, error):
        closed = signal("closure-islocked", {"value": True})
        all_of(server, closed, signal("charge-ischargingportflapopen", error=error))
        assert car_v3.lock_status()["data"]["charging_port"] == []

    def test_a_signal_that_was_not_granted_is_an_error(self, server, car_v3):
        all_of(server, signal("closure-islocked", error=PERMISSION))
        with pytest.raises(sdk.PermissionException):
            car_v3.lock_status()


@pytest.mark.parametrize(
    ("name", "code", "body"),
    [
        ("engine_oil", "internalcombustionengine-oillife", {"unit": "smoots", "value": 5}),
        ("engine_oil", "internalcombustionengine-oillife", {"unit": "km", "value": 5}),
        ("engine_oil", "internalcombustionengine-oillife", {"unit": "percent", "value": "5"}),
        ("battery_capacity", "tractionbattery-nominalcapacity", {"unit": "liters", "capacity": 5}),
        (
            "tire_pressure",
            "wheel-tires",
            {"values": [{"row": 0, "column": 0, "tirePressure": 2, "unit": "x"}]},
        ),
        ("tire_pressure", "wheel-tires", {"values": [{"row": 0, "column": 0, "tirePressure": "2"}]}),
        ("diagnostic_trouble_codes", "diagnostics-dtclist", {"values": 5}),
        ("diagnostic_trouble_codes", "diagnostics-dtclist", {}),
        ("service_history", "service-records", {}),
        ("tire_pressure", "wheel-tires", {}),
        ("diagnostic_trouble_codes", "diagnostics-dtclist", {"values": [{"code": 5}]}),
        ("diagnostic_trouble_codes", "diagnostics-dtclist", {"values": ["P1"]}),
        ("service_history", "service-records", {"values": [{"odometer": "far"}]}),
        ("nominal_capacity", "tractionbattery-nominalcapacity", {"capacity": "82"}),
    ],
)
def test_an_invalid_signal_raises_a_smartcar_exception(server, car_v3, name, code, body):
    serve_signals(server, signal(code, body))
    with pytest.raises(sdk.InvalidResponseException):
        getattr(car_v3, name)()


@pytest.mark.parametrize("name", ["battery", "fuel", "charge", "lock_status", "diagnostic_system_status"])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", {}, {"data": 5}, {"data": [5]}, {"data": [{}]}])
def test_a_2xx_with_an_invalid_body_raises_a_smartcar_exception(server, car_v3, name, body):
    server.respond = lambda request: Response(body=body)
    with pytest.raises(sdk.InvalidResponseException):
        getattr(car_v3, name)()
