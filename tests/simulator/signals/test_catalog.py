import pytest

from django_smartcar.sdk.signals import PERMISSIONS
from django_smartcar.simulator import store
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.signals.catalog import SIGNALS
from tests.simulator.conftest import assert_v3_error

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def body_of(call, code, **headers):
    response = call("GET", f"signals/{code}", **headers)
    assert response.status_code == 200, response.content
    attributes = response.json()["data"]["attributes"]
    assert attributes["status"] == {"value": "SUCCESS"}
    return attributes["body"]


def signal_error_of(call, code):
    response = call("GET", f"signals/{code}")
    assert response.status_code == 200, response.content
    attributes = response.json()["data"]["attributes"]
    assert "body" not in attributes
    assert attributes["status"]["value"] == "ERROR"
    return attributes["status"]["error"]["type"], attributes["status"]["error"]["code"]


def test_all_signals_are_listed_with_paging(connect_v3):
    volt = connect_v3()
    response = volt("GET", "signals").json()
    assert [one["id"] for one in response["data"]] == list(SIGNALS)
    assert response["meta"] == {"pageNumber": 1, "pageSize": 100, "totalCount": len(SIGNALS)}
    assert response["links"]["next"] is None
    assert response["included"]["vehicle"]["id"] == volt.car.id
    one = next(one for one in response["data"] if one["id"] == "tractionbattery-stateofcharge")
    attributes = one["attributes"]
    assert (attributes["code"], attributes["name"]) == (one["id"], "StateOfCharge")
    assert attributes["group"] == "TractionBattery"
    assert sorted(one["meta"]) == ["ingestedAt", "oemUpdatedAt", "retrievedAt"]
    assert one["meta"]["oemUpdatedAt"] < one["meta"]["retrievedAt"]
    assert all(value.endswith("Z") for value in one["meta"].values())


def test_the_links_lead_through_all_pages(connect_v3, v3):
    volt = connect_v3()
    seen, url = [], f"vehicles/{volt.car.id}/signals?page[size]=7"
    while url:
        page = v3("GET", url, volt.user).json()
        seen += [one["id"] for one in page["data"]]
        assert len(page["data"]) <= 7
        url = page["links"]["next"]
    assert seen == list(SIGNALS)


def test_a_single_signal_equals_its_entry_in_the_list(connect_v3):
    volt = connect_v3()
    listed = {one["id"]: one["attributes"] for one in volt("GET", "signals").json()["data"]}
    for code in SIGNALS:
        assert volt("GET", f"signals/{code}").json()["data"]["attributes"] == listed[code]


def test_values_equal_those_of_v2(connect_v3, connect, api):
    volt = connect_v3()
    token = connect(scope=" ".join(store.grants()[0].scopes))["access_token"]

    def v2(path):
        return api("GET", f"vehicles/{volt.car.id}/{path}", token).json()

    battery, fuel, charge = v2("battery"), v2("fuel"), v2("charge")
    charged = body_of(volt, "tractionbattery-stateofcharge")
    assert charged["unit"] == "percent"
    assert charged["value"] / 100 == battery["percentRemaining"]
    ranged = body_of(volt, "tractionbattery-range")
    assert (ranged["unit"], ranged["value"]) == ("kilometers", battery["range"])
    capacity = body_of(volt, "tractionbattery-nominalcapacity")
    assert capacity["capacity"] == v2("battery/nominal_capacity")["capacity"]["nominal"]
    assert capacity["unit"] == "kWhr"
    assert body_of(volt, "internalcombustionengine-fuellevel")["value"] / 100 == fuel["percentRemaining"]
    assert body_of(volt, "internalcombustionengine-range")["value"] == fuel["range"]
    amount = body_of(volt, "internalcombustionengine-amountremaining")
    assert amount == {"unit": "liters", "value": fuel["amountRemaining"]}
    oil = body_of(volt, "internalcombustionengine-oillife")
    assert oil["value"] / 100 == v2("engine/oil")["lifeRemaining"]
    odometer = body_of(volt, "odometer-traveleddistance")
    assert odometer == {"unit": "kilometers", "value": v2("odometer")["distance"]}
    location = body_of(volt, "location-preciselocation")
    assert {name: location[name] for name in ("latitude", "longitude")} == v2("location")
    assert body_of(volt, "vehicleidentification-vin") == {"value": v2("vin")["vin"]}
    assert body_of(volt, "charge-ischargingcableconnected")["value"] is charge["isPluggedIn"]
    assert body_of(volt, "charge-detailedchargingstatus")["value"] == charge["state"]
    limits = body_of(volt, "charge-chargelimits")
    assert limits["activeLimit"] / 100 == v2("charge/limit")["limit"]
    pressures = [one["tirePressure"] for one in body_of(volt, "wheel-tires")["values"]]
    assert pressures == list(v2("tires/pressure").values())
    codes = body_of(volt, "diagnostics-dtclist")["values"]
    assert codes == v2("diagnostics/dtcs")["activeCodes"]
    assert body_of(volt, "diagnostics-dtccount") == {"unit": "count", "value": 1}
    records = body_of(volt, "service-records")["values"]
    assert [one["time"] for one in records] == [one["serviceDate"] for one in v2("service/history")]


def test_the_header_selects_imperial_units(connect_v3):
    volt = connect_v3()
    metric = body_of(volt, "odometer-traveleddistance")["value"]
    imperial = body_of(volt, "odometer-traveleddistance", sc_unit_system="imperial")
    assert imperial == {"unit": "miles", "value": round(metric * 0.621371, 2)}
    assert body_of(volt, "wheel-tires", sc_unit_system="imperial")["unit"] == "psi"
    amount = body_of(volt, "internalcombustionengine-amountremaining", sc_unit_system="imperial")
    assert amount["unit"] == "gallons"
    assert body_of(volt, "climate-internaltemperature", sc_unit_system="imperial")["unit"] == "fahrenheit"
    percentage = body_of(volt, "tractionbattery-stateofcharge", sc_unit_system="imperial")
    assert percentage == body_of(volt, "tractionbattery-stateofcharge")
    assert_v3_error(
        volt("GET", "signals", sc_unit_system="nautical"), 400, "VALIDATION", "INVALID_INPUT_FORMAT"
    )


def test_closures_follow_the_lock_state(connect_v3):
    volt = connect_v3()
    assert body_of(volt, "closure-islocked") == {"value": False}
    volt.car.is_locked = True
    assert body_of(volt, "closure-islocked") == {"value": True}
    doors = body_of(volt, "closure-doors")
    assert doors["values"][3] == {"row": 1, "column": 1, "isOpen": False, "isLocked": True}
    assert (doors["rowCount"], doors["columnCount"]) == (2, 2)


def test_no_charge_limit_is_active_while_unplugged(connect_v3):
    volt = connect_v3()
    volt.car.is_plugged_in = False
    limits = body_of(volt, "charge-chargelimits")
    assert limits["activeLimit"] is None
    assert limits["values"] == [{"type": "GLOBAL", "limit": 90, "condition": None}]


def test_an_incapable_signal_fails_no_other(connect_v3):
    tesla = connect_v3(make="TESLA")
    incapable = ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
    assert signal_error_of(tesla, "internalcombustionengine-fuellevel") == incapable
    statuses = {
        one["id"]: one["attributes"]["status"]["value"] for one in tesla("GET", "signals").json()["data"]
    }
    failing = {code for code, status in statuses.items() if status == "ERROR"}
    assert failing == {code for code, signal in SIGNALS.items() if signal.needs == "tank"}
    assert failing > {code for code in SIGNALS if code.startswith("internal")} | {"closure-enginecover"}
    honda = connect_v3("h@example.com", make="HONDA")
    assert signal_error_of(honda, "tractionbattery-stateofcharge") == incapable
    assert signal_error_of(honda, "charge-ischarging") == incapable
    assert body_of(honda, "internalcombustionengine-fuellevel")["unit"] == "percent"


def test_a_signal_without_permission_fails_no_other(connect_v3):
    limited = connect_v3(scope="read_odometer")
    assert body_of(limited, "odometer-traveleddistance")["unit"] == "kilometers"
    assert signal_error_of(limited, "vehicleidentification-vin") == ("PERMISSION", "UNKNOWN")
    response = limited("GET", "signals").json()["data"]
    assert [one["id"] for one in response if "body" in one["attributes"]] == ["odometer-traveleddistance"]


def test_all_signals_but_the_identification_fail_for_an_error_account(connect_v3):
    car = connect_v3("smartcar@voa-000.vehicle-owner-action-required.com")
    assert body_of(car, "vehicleidentification-vin") == {"value": car.car.vin}
    failed = ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")
    for code in SIGNALS:
        if code.startswith("vehicleidentification-"):
            assert body_of(car, code)
            continue
        assert signal_error_of(car, code) == failed
    assert car("GET", "signals").status_code == 200
    limited = connect_v3("smartcar@vs-000.vehicle-state-error.com", scope="read_vin")
    assert signal_error_of(limited, "odometer-traveleddistance") == ("PERMISSION", "UNKNOWN")


def test_no_signals_are_stored_for_an_application_without_webhooks(connect_v3, settings):
    volt = connect_v3()
    settings.SMARTCAR_SIMULATOR_SIGNALS = False
    response = volt("GET", "signals")
    assert response.status_code == 200
    assert response.json()["data"] == []
    assert response.json()["meta"]["totalCount"] == 0
    for code in SIGNALS:
        assert_v3_error(volt("GET", f"signals/{code}"), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_a_disabled_or_unknown_signal_is_not_found(connect_v3, settings):
    volt = connect_v3()
    settings.SMARTCAR_SIMULATOR_SIGNALS_OFF = {"vehicleidentification-vin"}
    for code in ("vehicleidentification-vin", "nonsense", "Odometer-TraveledDistance"):
        assert_v3_error(volt("GET", f"signals/{code}"), 404, "RESOURCE_NOT_FOUND", "PATH")
    assert volt("GET", "signals").json()["meta"]["totalCount"] == len(SIGNALS) - 1


@pytest.mark.parametrize("path", ["signals", "signals/odometer-traveleddistance"])
def test_signals_require_the_user_id_header(connect_v3, v3, path):
    volt = connect_v3()
    error = assert_v3_error(
        v3("GET", f"vehicles/{volt.car.id}/{path}"), 400, "VALIDATION", "MISSING_PARAMETER"
    )
    assert error["detail"] == "missing userId"
    malformed = v3("GET", f"vehicles/{volt.car.id}/{path}", "x")
    assert_v3_error(malformed, 400, "VALIDATION", "INVALID_INPUT_FORMAT")


def test_the_vehicle_of_another_user_is_refused(connect_v3, v3):
    volt, other = connect_v3(), connect_v3("other@example.com")
    for vehicle_id, user in [(volt.car.id, other.user), (UNKNOWN_ID, volt.user), (volt.car.id, UNKNOWN_ID)]:
        assert_v3_error(v3("GET", f"vehicles/{vehicle_id}/signals", user), 403, "PERMISSION")
    connection = v3("GET", "connections", volt.user).json()["data"][0]["id"]
    v3("DELETE", f"connections/{connection}")
    assert_v3_error(volt("GET", "signals"), 403, "PERMISSION")
    assert other("GET", "signals").status_code == 200


def test_the_token_is_checked_before_the_user_id(v3):
    assert_v3_error(
        v3("GET", f"vehicles/{UNKNOWN_ID}/signals", token="x"), 401, "AUTHENTICATION", "UNAUTHORIZED"
    )


def test_the_sdk_and_the_simulator_agree_on_the_permission_of_each_signal():
    assert len(PERMISSIONS) == 93
    assert {code: signal.scope for code, signal in SIGNALS.items()} == PERMISSIONS
    assert set(PERMISSIONS.values()) <= set(SCOPES)
