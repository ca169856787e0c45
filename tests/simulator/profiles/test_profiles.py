"""What a car sends in each shape profile, in API v3, in API v2 and in webhooks."""

import json

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_smartcar.simulator import profiles, store
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.profiles import PROFILES, gaps, units
from django_smartcar.simulator.signals.catalog import SIGNALS, signal_resource
from django_smartcar.simulator.vehicles import test_accounts
from django_smartcar.simulator.vehicles.catalog import MAKES
from django_smartcar.simulator.vehicles.v2_readings import Units
from django_smartcar.simulator.webhooks import notify, payloads, queue, registry
from tests.simulator.conftest import assert_v3_error
from tests.simulator.events import connect_cars, enter, make_of, webhook_of

EPOCH, YEAR_2 = "1970-01-01T00:00:00.000Z", "0002-01-01T00:00:00.000Z"


@pytest.fixture
def shaped(connect_v3):
    """Connect a car of a profile; return the caller of its paths."""

    def connect(profile, make="", **options):
        call = connect_v3(make=make or make_of(profile), **options)
        call.car.profile = profile
        return call

    return connect


def resource_of(car, code, system="metric"):
    return signal_resource(SIGNALS[code], car, Units(system), list(SCOPES), "")


def body_of(car, code):
    return resource_of(car, code)["attributes"]["body"]


def error_of(car, code):
    attributes = resource_of(car, code)["attributes"]
    assert "body" not in attributes
    return attributes["status"]["error"]["type"], attributes["status"]["error"]["code"]


def car_of(profile, make="", number=0):
    _, cars = test_accounts.sign_in(f"{number + 1}-vehicles@smartcar.com", MAKES[make or make_of(profile)])
    cars[number].profile = profile
    return cars[number]


# Which car has which profile.


def test_the_setting_chooses_the_profile_of_new_cars(settings):
    assert car_of("documented").profile == "documented"
    settings.SMARTCAR_SIMULATOR_PROFILE = "polestar"
    assert test_accounts.sign_in("a@example.com", MAKES["HONDA"])[1][0].profile == "polestar"
    settings.SMARTCAR_SIMULATOR_PROFILE = "brand"
    for make, profile in {"POLESTAR": "polestar", "KIA": "hyundai", "HONDA": "documented"}.items():
        assert test_accounts.sign_in("b@example.com", MAKES[make])[1][0].profile == profile


def test_a_known_car_keeps_its_profile(settings):
    (car,) = test_accounts.sign_in("a@example.com", MAKES["HONDA"])[1]
    car.profile = "tesla"
    settings.SMARTCAR_SIMULATOR_PROFILE = "audi"
    assert test_accounts.sign_in("a@example.com", MAKES["HONDA"])[1] == [car]
    assert car.profile == "tesla"


def test_an_unknown_profile_is_an_error_of_the_settings(settings):
    settings.SMARTCAR_SIMULATOR_PROFILE = "Polestar"
    with pytest.raises(ImproperlyConfigured, match="'Polestar'. Choose one of: brand, documented, "):
        test_accounts.sign_in("a@example.com", MAKES["HONDA"])


def test_each_brand_of_a_profile_is_a_make_and_has_one_profile():
    brands = [brand for profile in PROFILES.values() for brand in profile.brands]
    assert set(brands) <= set(MAKES)
    assert len(set(brands)) == len(brands)
    assert all(profiles.for_make(brand) != "documented" for brand in brands)
    assert profiles.for_make("HONDA") == "documented"
    assert sum(bool(profile.brands) for profile in PROFILES.values()) >= 6
    assert all(key == key.lower() and str(profile.title) for key, profile in PROFILES.items())


def test_the_profile_survives_a_restart(settings, tmp_path):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    settings.SMARTCAR_SIMULATOR_PROFILE = "polestar"
    store.restart()
    (car,) = test_accounts.sign_in("a@example.com", MAKES["HONDA"])[1]
    store.restart()
    assert store.car(car.id).profile == "polestar"


# REST and webhooks have the same shape.


@pytest.mark.parametrize("variant", payloads.VARIANTS)
@pytest.mark.parametrize("state", ["parked", "charging", "asleep"])
@pytest.mark.parametrize("profile", PROFILES)
def test_webhooks_send_what_responses_tell(profile, state, variant):
    for connection in connect_cars(profile):
        enter(connection.car, state)
        event = payloads.vehicle_state(webhook_of(variant), connection, ["closure-islocked"])
        sent = {signal["code"]: signal for signal in event["data"]["signals"]}
        assert set(sent) == set(SIGNALS) - PROFILES[profile].omitted
        for code, signal in sent.items():
            attributes = resource_of(connection.car, code)["attributes"]
            body, status = attributes.get("body"), attributes.get("status")
            if body and variant != "documented" and body.get("unit") == "kilometers":
                body = body | {"unit": "km"}
            assert signal.get("body") == body
            assert ("meta" in signal) == (body is not None)
            assert (signal.get("status") or {}).get("value") == (status or {}).get("value")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_single_signal_equals_its_entry_in_the_list(profile, shaped, v3):
    call = shaped(profile)
    url, listed = f"vehicles/{call.car.id}/signals", {}
    while url:
        page = v3("GET", url, call.user).json()
        listed |= {one["id"]: one["attributes"] for one in page["data"]}
        url = page["links"]["next"]
    assert set(listed) == set(SIGNALS) - PROFILES[profile].omitted
    for code in listed:
        assert call("GET", f"signals/{code}").json()["data"]["attributes"] == listed[code]
    for code in PROFILES[profile].omitted:
        assert_v3_error(call("GET", f"signals/{code}"), 404, "RESOURCE_NOT_FOUND", "PATH")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_changes_no_signal_that_fails(profile, shaped):
    call = shaped(profile, scope="read_odometer")
    for one in call("GET", "signals").json()["data"]:
        if one["id"] != "odometer-traveleddistance":
            assert one["attributes"]["status"]["error"]["code"] == "UNKNOWN"


def test_a_profile_does_not_change_the_car():
    for profile in PROFILES:
        car = car_of(profile)
        before = json.dumps(vars(car), default=str)
        for code in SIGNALS:
            first = resource_of(car, code)
            second = resource_of(car, code)
            assert first["attributes"] == second["attributes"]
        assert json.dumps(vars(car), default=str) == before


def test_the_documented_profile_changes_nothing():
    car = car_of("documented")
    for code, signal in SIGNALS.items():
        resource = resource_of(car, code)
        assert profiles.shape_signal(resource, car) is resource
        assert "body" not in resource["attributes"] or resource["attributes"]["body"] == signal.body(
            car, Units("metric")
        )


# The shapes, by profile.


def test_polestar():
    car = car_of("polestar")
    assert body_of(car, "odometer-traveleddistance") == {"value": car.odometer_km, "unit": "km"}
    assert body_of(car, "charge-amperagemax")["unit"] == "ampere"
    assert body_of(car, "tractionbattery-nominalcapacity")["unit"] == "kWh"
    assert body_of(car, "closure-fronttrunk") == {"isLocked": None, "isOpen": False}
    assert body_of(car, "closure-sunroof") == {"isOpen": None}
    assert body_of(car, "charge-chargelimits") == {"values": [], "activeLimit": 90, "unit": "percent"}
    ranged = body_of(car, "tractionbattery-range")
    assert (ranged["type"], ranged["additionalValues"]) == ("DEFAULT", [])
    assert set(body_of(car, "location-preciselocation")) == {"latitude", "longitude", "locationType"}
    assert error_of(car, "charge-chargetimers") == ("SERVER", "INTERNAL")


def test_static_times_are_zero_in_events():
    (connection,) = connect_cars("polestar", "driver@example.com")
    (signal,) = payloads.vehicle_state(webhook_of(signals=["vehicleidentification-vin"]), connection, [])[
        "data"
    ]["signals"]
    assert signal["meta"] == {"oemUpdatedAt": 0, "retrievedAt": 0}


def test_volkswagen():
    car = car_of("volkswagen")
    odometer = resource_of(car, "odometer-traveleddistance")
    assert "status" not in odometer["attributes"]
    assert set(resource_of(car, "charge-ischarging")["meta"]) == {"ingestedAt"}
    incapable = ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
    assert error_of(car, "connectivitystatus-isonline") == incapable
    assert error_of(car, "tractionbattery-range") == incapable
    assert error_of(car, "closure-islocked") == ("PERMISSION", None)
    assert error_of(car, "closure-fronttrunk") == ("PERMISSION", "UNKNOWN")
    resolution = resource_of(car, "closure-islocked")["attributes"]["status"]["error"]["resolution"]
    assert resolution == {"type": "REAUTHENTICATE"}


def test_volkswagen_sends_no_times_and_no_status_in_events():
    (connection,) = connect_cars("volkswagen", "driver@example.com")
    webhook = webhook_of("captured-early", signals=["charge-ischarging", "charge-detailedchargingstatus"])
    event = payloads.vehicle_state(webhook, connection, ["charge-ischarging"])
    (signal,) = event["data"]["signals"]
    assert signal == {
        "code": "charge-ischarging",
        "name": "IsCharging",
        "group": "Charge",
        "body": {"value": False},
        "meta": {},
    }
    assert event["meta"]["signalCount"] == 1
    error = payloads.vehicle_state(webhook_of(signals=["closure-islocked"]), connection, [])
    assert error["data"]["signals"][0]["status"]["error"] == {"type": "PERMISSION", "code": None}


@pytest.mark.parametrize("code", ["charge-chargerate", "charge-timetocomplete", "charge-wattage"])
def test_a_value_that_is_outdated_is_sent_beside_its_error(code):
    car = car_of("volkswagen")
    documented = {"value": "SUCCESS"}
    resource = resource_of(car, "odometer-traveleddistance") | {"id": code}
    resource["attributes"]["status"] = documented
    enter(car, "charging")
    assert "status" not in profiles.shape_signal(resource, car)["attributes"]
    enter(car, "parked")
    attributes = profiles.shape_signal(resource, car)["attributes"]
    assert attributes["status"]["error"]["code"] == "NOT_CHARGING"
    assert attributes["body"]["value"] == car.odometer_km
    assert resource["attributes"]["status"] is documented


def test_volkswagen_complains_about_what_nobody_asked_for():
    (connection,) = connect_cars("volkswagen", "driver@example.com")
    event = payloads.complaints(webhook_of("captured-early"), connection)
    assert event["eventType"] == "VEHICLE_ERROR"
    capable, swapped, broad = event["data"]["errors"]
    assert capable["signals"][0] == "VehicleUserAccount.Role"
    assert swapped["signals"] == [{"name": "Closure", "group": "IsLocked", "code": "closure-islocked"}]
    assert "signals" not in broad
    for error in (swapped, broad):
        assert (error["type"], error["code"], error["state"]) == ("PERMISSION", None, "ERROR")
        assert error["resolution"] == {"type": "REAUTHENTICATE"}
        assert error["docURL"].endswith("/permission-errors#null")


def test_volkswagen_in_other_responses(shaped, v3, settings):
    call = shaped("volkswagen")
    vehicle = v3("GET", f"vehicles/{call.car.id}").json()["data"]["attributes"]
    assert (vehicle["make"], vehicle["powertrainType"]) == ("VOLKSWAGEN", None)
    settings.SMARTCAR_SIMULATOR_SIGNALS = False
    assert_v3_error(call("GET", "signals"), 404, "RESOURCE_NOT_FOUND", "PATH")
    call.car.profile = "documented"
    assert call("GET", "signals").json()["data"] == []


@pytest.mark.parametrize("profile", ["audi", "bmw", "volkswagen"])
def test_some_brands_tell_only_the_percentage_of_fuel_in_v2(volt, profile, make_webhook, receiver):
    percentage_only = {
        "range": None,
        "percentRemaining": volt.car.fuel_percent,
        "amountRemaining": None,
    }
    webhook = make_webhook(volt.car, version="2.0")
    assert volt("GET", "fuel").json()["range"] is not None
    volt.car.profile = profile
    assert volt("GET", "fuel").json() == percentage_only
    (item,) = volt("POST", "batch", {"requests": [{"path": "/fuel"}]}).json()["responses"]
    assert item["body"] == percentage_only
    registry.send_schedule(webhook)
    queue.run()
    (vehicle,) = receiver.events[-1].body["payload"]["vehicles"]
    assert percentage_only in [item["body"] for item in vehicle["data"]]


@pytest.mark.parametrize("profile", ["audi", "jaguar", "polestar", "volkswagen"])
def test_what_never_changes_has_times_of_zero(profile):
    car = car_of(profile)
    for code in ("vehicleidentification-vin", "tractionbattery-nominalcapacity"):
        meta = resource_of(car, code)["meta"]
        assert (meta["oemUpdatedAt"], meta["retrievedAt"]) == (EPOCH, EPOCH)
    assert resource_of(car, "closure-sunroof")["meta"]["retrievedAt"] != EPOCH


@pytest.mark.parametrize("profile", ["bmw", "jaguar", "polestar", "volkswagen"])
def test_units_are_short(profile):
    car = car_of(profile)
    assert body_of(car, "odometer-traveleddistance") == {"value": car.odometer_km, "unit": "km"}


@pytest.mark.parametrize("profile", ["hyundai", "jaguar"])
def test_the_low_voltage_battery_is_not_known(profile):
    car = car_of(profile)
    resource = resource_of(car, "tractionbattery-stateofcharge") | {"id": "lowvoltagebattery-stateofcharge"}
    attributes = profiles.shape_signal(resource, car)["attributes"]
    if profile == "hyundai":
        assert attributes["body"]["value"] == 255
    else:
        assert attributes["status"]["error"]["code"] == "INVALID_DATA"


def test_jaguar():
    car = car_of("jaguar")
    tires = body_of(car, "wheel-tires")
    front_left, front_right, back_left, back_right = car.tires_kpa
    assert tires["unit"] == "bar"
    assert [tire["tirePressure"] for tire in tires["values"]] == [699.9, front_left, back_right, back_left]
    assert min(car.tires_kpa) > 200
    assert set(body_of(car, "location-preciselocation")) == {"latitude", "longitude", "heading"}
    assert error_of(car, "diagnostics-dtccount") == ("PERMISSION", None)
    assert error_of(car, "charge-chargelimits") == ("UPSTREAM", "INVALID_DATA")
    for is_plugged_in in (True, False):
        car.is_plugged_in = is_plugged_in
        assert car.charge_state == "NOT_CHARGING"
        assert body_of(car, "charge-ischarging") == {"value": is_plugged_in}
    account, diagnostics = payloads.complaints(webhook_of(), connect_cars("jaguar")[0])["data"]["errors"]
    assert [signal["code"] for signal in diagnostics["signals"]] == [
        "diagnostics-dtccount",
        "diagnostics-dtclist",
    ]
    assert account["signals"][0] == {
        "name": "Role",
        "group": "VehicleUserAccount",
        "code": "vehicleuseraccount-role",
    }


def test_pages_and_times_were_different_early_in_2026(shaped, v3):
    call = shaped("early")
    page = call("GET", "signals").json()
    assert len(page["data"]) == 10
    assert page["meta"] == {"page": 1, "pageSize": 10, "totalCount": len(SIGNALS)}
    assert page["links"]["next"].endswith("/signals?page=2&pageSize=10")
    second = v3("GET", page["links"]["next"], call.user).json()
    assert second["meta"]["page"] == 2
    assert [one["id"] for one in second["data"]] == list(SIGNALS)[10:20]
    assert all(type(time) is int for one in second["data"] for time in one["meta"].values())


def test_tesla(shaped, v3):
    car = car_of("tesla")
    tires = body_of(car, "wheel-tires")
    assert tires["unit"] == "bar"
    assert [tire["tirePressure"] for tire in tires["values"]] == [
        round(pressure / 100, 2) for pressure in car.tires_kpa
    ]
    assert resource_of(car, "wheel-tires", "imperial")["attributes"]["body"]["unit"] == "psi"
    call = shaped("tesla")
    vehicle = v3("GET", f"vehicles/{call.car.id}").json()["data"]["attributes"]
    assert vehicle["year"] == str(call.car.year)
    (connection,) = connect_cars("tesla", "driver@example.com")
    event = payloads.vehicle_state(webhook_of(), connection, [])
    assert event["data"]["vehicle"]["year"] == str(connection.car.year)


def test_audi():
    car, petrol = car_of("audi"), car_of("audi", number=1)
    assert body_of(car, "tractionbattery-stateofcharge") == {"value": car.battery_percent}
    assert body_of(petrol, "internalcombustionengine-fuellevel") == {"value": petrol.fuel_percent}
    assert resource_of(car, "closure-doors")["meta"]["oemUpdatedAt"] == YEAR_2
    assert resource_of(car, "odometer-traveleddistance")["meta"]["oemUpdatedAt"] == EPOCH
    connection, _ = connect_cars("audi")
    webhook = webhook_of(signals=["closure-doors", "odometer-traveleddistance"])
    doors, odometer = payloads.vehicle_state(webhook, connection, [])["data"]["signals"]
    assert doors["meta"]["oemUpdatedAt"] == -62_104_060_800_000
    assert odometer["meta"]["oemUpdatedAt"] == 0 < odometer["meta"]["retrievedAt"]


def test_bmw():
    hybrid = car_of("bmw", number=1)
    fuel = resource_of(hybrid, "internalcombustionengine-fuellevel")
    assert fuel["attributes"]["body"] == {"value": hybrid.fuel_percent}
    assert "status" not in fuel["attributes"]
    assert set(fuel["meta"]) == {"ingestedAt"}
    assert all(type(time) is int for time in fuel["attributes"]["meta"].values())
    connection = connect_cars("bmw")[1]
    webhook = webhook_of(signals=["internalcombustionengine-fuellevel"])
    (signal,) = payloads.vehicle_state(webhook, connection, [])["data"]["signals"]
    assert set(signal["meta"]) == {"oemUpdatedAt", "retrievedAt"}
    assert min(signal["meta"].values()) > 10**12
    assert set(body_of(hybrid, "location-preciselocation")) == {"latitude", "longitude", "locationType"}
    assert body_of(hybrid, "odometer-traveleddistance")["value"] == hybrid.odometer_km
    enter(hybrid, "asleep")
    assert body_of(hybrid, "odometer-traveleddistance") == {"value": 0, "unit": "km"}


def test_hyundai():
    car = car_of("hyundai")
    assert body_of(car, "tractionbattery-range")["value"] == 65535
    assert body_of(car, "tractionbattery-stateofcharge")["value"] == car.battery_percent * 100
    enter(car, "asleep")
    assert body_of(car, "tractionbattery-stateofcharge") == {"value": 255, "unit": "percent"}


def test_the_words_of_units_are_replaced():
    for documented, short in (("amps", "ampere"), ("kilometers_per_hour", "km/h"), ("volts", "volts")):
        resource = {"id": "x", "attributes": {"body": {"value": 1, "unit": documented}}}
        units.short_units(resource, None)
        assert resource["attributes"]["body"] == {"value": 1, "unit": short}
    resource = {"id": "x", "attributes": {"body": {"value": True}}}
    gaps.without("x", "value", "unknown")(resource, None)
    assert resource["attributes"]["body"] == {}


# What is sent when.


def test_complaints_follow_the_first_delivery(make_webhook, receiver, volt):
    webhook = make_webhook()
    volt.car.profile = "volkswagen"
    registry.subscribe(webhook.id, volt.car.owner_id, volt.car.id)
    queue.run()
    assert [event.kind for event in receiver.events] == ["VEHICLE_STATE", "VEHICLE_ERROR"]
    with notify.changing(volt.car):
        volt.car.odometer_km += 1
    queue.run()
    assert [event.kind for event in receiver.events][2:] == ["VEHICLE_STATE"]


def test_complaints_go_to_the_address_of_errors(make_webhook, receiver, volt):
    webhook = make_webhook(error_uri=f"{receiver.url}/errors")
    (connection,) = connect_cars("jaguar", "driver@example.com")
    registry.send_complaints(webhook, connection)
    queue.run()
    assert [event.path for event in receiver.events] == ["/hook/errors"]


def test_an_omitted_signal_triggers_no_event(make_webhook, receiver, volt):
    make_webhook(volt.car)
    volt.car.profile = "volkswagen"
    with notify.changing(volt.car):
        volt.car.charge_state = "FULLY_CHARGED"
    assert queue.run() == 0
    with notify.changing(volt.car):
        volt.car.charge_state = "CHARGING"
    queue.run()
    (event,) = receiver.events
    assert [trigger["code"] for trigger in event.body["data"]["triggers"]] == ["charge-ischarging"]


@pytest.mark.parametrize("variant", payloads.VARIANTS)
def test_the_test_event_is_about_a_car_that_nobody_has(make_webhook, receiver, variant):
    webhook = make_webhook(variant=variant)
    receiver.received.clear()
    registry.send_test(webhook)
    queue.run()
    (event,) = receiver.events
    assert event.is_signed
    assert event.body["meta"]["mode"] == "TEST"
    vehicle = event.body["data"]["vehicle"]
    assert (vehicle["make"], vehicle["model"]) == ("Tesla", "Model 3")
    assert vehicle["id"] not in {car.id for car in store.cars()}
    assert event.body["data"]["user"]["id"] not in {owner.id for owner in store.owners()}
    signals = event.body["data"]["signals"]
    assert signals
    assert all("body" in signal and "status" not in signal for signal in signals)
    assert event.body["meta"]["signalCount"] == len(signals)
    assert store.cars() == []


def test_an_event_of_the_past_has_its_time():
    (connection,) = connect_cars("documented", "driver@example.com")
    then = store.now().replace(year=2025, microsecond=0)
    event = payloads.vehicle_state(webhook_of(), connection, [], read_at=then)
    milliseconds = int(then.timestamp() * 1000)
    assert event["meta"]["sequence"] == milliseconds
    assert {signal["meta"]["retrievedAt"] for signal in event["data"]["signals"] if "meta" in signal} == {
        milliseconds
    }
