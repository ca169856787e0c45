"""The bodies of the signals: what they say while a car is parked, drives and charges."""

import pytest

from django_smartcar.sdk import signals as app_signals
from django_smartcar.simulator import store
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.behaviour import motion
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.vehicles import systems
from django_smartcar.simulator.vehicles.catalog import MAKES
from django_smartcar.simulator.vehicles.factory import build_car
from django_smartcar.simulator.vehicles.signal_names import SIGNAL_CODES
from django_smartcar.simulator.vehicles.v2_readings import Units

#: The permissions that the documentation names for a group, or for one signal.
DOCUMENTED_SCOPES = {
    "charge": "read_charge",
    "charge-chargerecords": "read_charge_records",
    "climate": "read_thermometer",
    "closure": "read_security",
    "connectivitystatus": "read_vehicle_info",
    "connectivitysoftware": "read_extended_vehicle_info",
    "diagnostics": "read_diagnostics",
    "hvac": "read_climate",
    "internalcombustionengine": "read_fuel",
    "internalcombustionengine-oillife": "read_engine_oil",
    "location": "read_location",
    "motion": "read_speedometer",
    "odometer": "read_odometer",
    "service": "read_service_history",
    "tractionbattery": "read_battery",
    "vehicleidentification": "read_extended_vehicle_info",
    "vehicleidentification-vin": "read_vin",
    "vehicleuseraccount": "read_user_profile",
    "wheel-tires": "read_tires",
}


@pytest.fixture
def car():
    """Return the function that builds a vehicle of a powertrain."""

    def build(powertrain="BEV", seed="a car", make="TESLA"):
        return build_car(seed, owner_id="owner", make=MAKES[make], now=store.now(), powertrain=powertrain)

    return build


def body(car, code, system="metric"):
    return SIGNALS[code].body(car, Units(system))


def value(car, code, system="metric"):
    return body(car, code, system)["value"]


def test_the_simulator_has_the_signals_of_the_app():
    assert len(SIGNAL_CODES) == 93
    assert list(SIGNALS) == list(SIGNAL_CODES)
    assert set(SIGNALS) == set(app_signals.SIGNALS)


def test_the_permissions_are_the_documented_ones():
    for code, signal in SIGNALS.items():
        expected = DOCUMENTED_SCOPES.get(code) or DOCUMENTED_SCOPES.get(code.partition("-")[0])
        assert signal.scope in SCOPES
        assert expected in (None, signal.scope), code


@pytest.mark.parametrize("system", ["metric", "imperial"])
@pytest.mark.parametrize("powertrain", ["BEV", "PHEV", "ICE"])
@pytest.mark.parametrize("state", ["parked", "driving", "charging", "asleep"])
def test_the_app_reads_every_body(car, powertrain, state, system):
    vehicle = car(powertrain)
    if state == "charging" and powertrain == "ICE":
        return
    motion.enter(vehicle, state)
    missing = {"BEV": "tank", "ICE": "plug"}.get(powertrain)
    for code, signal in SIGNALS.items():
        if signal.needs == missing:
            continue
        found = app_signals.read({"code": code, "body": body(vehicle, code, system)}, system)
        assert found["status"] == "SUCCESS"
        kind = app_signals.SIGNALS[code].quantity
        # Minutes come without a unit, as documented; every other measured number has one that the app knows.
        assert kind is None or found["unit"] in app_signals_units(kind), (code, found)


def app_signals_units(kind):
    return app_signals.conversion(None, kind).word, app_signals.conversion(None, kind, "imperial").word


def test_measures_have_imperial_units(car):
    vehicle = car("PHEV")
    motion.enter(vehicle, "driving")
    assert body(vehicle, "motion-currentspeed") == {"unit": "kph", "value": 60.0}
    assert body(vehicle, "motion-currentspeed", "imperial") == {"unit": "mph", "value": 37.28}
    motion.enter(vehicle, "charging")
    rate = value(vehicle, "charge-chargerate")
    imperial = body(vehicle, "charge-chargerate", "imperial")
    assert imperial == {"unit": "miles_per_hour", "value": pytest.approx(rate * 0.621371, abs=0.01)}
    assert body(vehicle, "hvac-cabintargettemperature", "imperial") == {"unit": "fahrenheit", "value": 69.8}


def test_a_charging_car_says_so_in_all_its_signals(car):
    vehicle = car()
    motion.set_battery(vehicle, 0.5)
    motion.enter(vehicle, "parked")
    assert {value(vehicle, f"charge-{name}") for name in ("amperage", "wattage", "timetocomplete")} == {0}
    motion.enter(vehicle, "charging")
    assert body(vehicle, "charge-amperage") == {"unit": "amps", "value": 32.0}
    assert body(vehicle, "charge-voltage") == {"unit": "volts", "value": 240.0}
    assert body(vehicle, "charge-wattage") == {"unit": "watts", "value": 7680}
    assert value(vehicle, "charge-chargerate") == pytest.approx(46.1)
    hours = 0.4 * vehicle.battery_capacity_kwh / 7.68
    assert value(vehicle, "charge-timetocomplete") == round(hours * 60)
    names = ("ischarging", "ischargingcableconnected", "ischargingcablelatched", "ischargingportflapopen")
    assert all(value(vehicle, f"charge-{name}") is True for name in names)
    assert value(vehicle, "charge-isfastchargerpresent") is False
    assert value(vehicle, "charge-fastchargertype") is None
    assert body(vehicle, "diagnostics-evcharging") == {"status": "OK", "description": "Charging"}
    before = vehicle.battery_percent, vehicle.battery_range_km
    store.advance(3600)
    motion.catch_up(vehicle)
    added = value(vehicle, "charge-energyadded")
    assert added == pytest.approx(7.68, abs=0.01)
    assert vehicle.battery_percent == pytest.approx(
        before[0] + added / vehicle.battery_capacity_kwh, abs=1e-3
    )
    assert vehicle.battery_range_km > before[1]


def test_a_fast_charger_gives_more_power_and_less_above_80_percent(car):
    vehicle = car()
    motion.set_battery(vehicle, 0.5)
    motion.enter(vehicle, "charging", is_fast=True)
    assert value(vehicle, "charge-isfastchargerpresent") is True
    assert value(vehicle, "charge-fastchargertype") == "NACS"
    assert value(vehicle, "charge-chargerphases") == 0
    assert value(vehicle, "charge-wattage") == 120_000
    assert value(vehicle, "charge-amperage") * value(vehicle, "charge-voltage") == pytest.approx(120_000)
    left = value(vehicle, "charge-timetocomplete")
    store.advance(60 * left - 240)
    motion.catch_up(vehicle)
    assert value(vehicle, "charge-wattage") == 40_000
    store.advance(600)
    motion.catch_up(vehicle)
    assert value(vehicle, "charge-detailedchargingstatus") == "FULLY_CHARGED"
    motion.enter(vehicle, "driving")
    assert value(vehicle, "charge-isfastchargerpresent") is False


def test_a_plug_in_hybrid_cannot_charge_fast(car):
    with pytest.raises(ValueError, match="fast charger"):
        motion.enter(car("PHEV"), "charging", is_fast=True)


def test_a_driving_car_has_speed_gear_and_direction(car):
    vehicle = car()
    assert (value(vehicle, "motion-currentspeed"), value(vehicle, "transmission-gearstate")) == (0, "PARK")
    motion.enter(vehicle, "driving")
    assert (value(vehicle, "motion-currentspeed"), value(vehicle, "transmission-gearstate")) == (60, "DRIVE")
    assert value(vehicle, "hvac-iscabinhvacactive") is True
    place = body(vehicle, "location-preciselocation")
    assert place["locationType"] == "CURRENT"
    assert place["heading"] == vehicle.heading
    assert value(vehicle, "location-isathome") is True
    store.advance(600)
    motion.catch_up(vehicle)
    assert value(vehicle, "location-isathome") is False


@pytest.mark.parametrize(
    ("heading", "direction"),
    [(0, "N"), (22, "N"), (23, "NE"), (90, "E"), (200, "S"), (338, "N"), (315, "NW")],
)
def test_the_direction_follows_from_the_heading(car, heading, direction):
    vehicle = car()
    vehicle.heading = heading
    assert body(vehicle, "location-preciselocation")["direction"] == direction


def test_trouble_codes_light_the_warning_lamp(car):
    vehicle = car("ICE")
    assert value(vehicle, "diagnostics-dtccount") == 1
    assert body(vehicle, "diagnostics-mil") == {"status": "ALERT", "description": "Trouble code P0420"}
    vehicle.trouble_codes = []
    assert body(vehicle, "diagnostics-mil") == {"status": "OK", "description": None}


def test_systems_alert_by_the_values_that_they_watch(car):
    vehicle = car("ICE")
    assert body(vehicle, "diagnostics-tirepressure")["status"] == "OK"
    vehicle.tires_kpa = [220.0, 150.0, 220.0, 220.0]
    vehicle.oil_life = 0.05
    for name in ("tirepressure", "oillife"):
        assert body(vehicle, f"diagnostics-{name}")["status"] == "ALERT"
    for level, status in ((0.9, "GOOD"), (0.3, "WARN"), (0.1, "BAD")):
        vehicle.low_voltage_percent = level
        assert value(vehicle, "lowvoltagebattery-status") == status


def test_v2_lists_the_systems_that_v3_has_signals_for(connect, first_car, api, connect_v3):
    for email, make in (
        ("v@example.com", "CHEVROLET"),
        ("t@example.com", "TESLA"),
        ("h@example.com", "HONDA"),
    ):
        v3_car = connect_v3(email, make=make)
        token = connect(email, make, scope="read_diagnostics", approval_prompt="force")["access_token"]
        found = api("GET", f"vehicles/{v3_car.car.id}/diagnostics/system_status", token).json()["systems"]
        expected = [one for one in systems.SYSTEMS if systems.has(v3_car.car, one.needs)]
        assert [one["systemId"] for one in found] == [f"SYSTEM_{one.v2_id}" for one in expected]
        for system, one in zip(expected, found, strict=True):
            assert body(v3_car.car, f"diagnostics-{system.name.lower()}")["status"] == one["status"]
    assert {f"SYSTEM_{one.v2_id}" for one in systems.SYSTEMS} == set(app_signals.SYSTEMS.values())


def test_v2_and_v3_tell_the_same_of_a_tesla(connect, first_car, api):
    tokens = connect(make="TESLA", scope=" ".join(SCOPES))
    vehicle = store.car(first_car(tokens))

    def v2(path):
        return api("GET", f"vehicles/{vehicle.id}/tesla/{path}", tokens["access_token"]).json()

    for state in ("parked", "charging", "driving"):
        motion.enter(vehicle, state)
        assert v2("charge/ammeter")["amperage"] == value(vehicle, "charge-amperage")
        assert v2("charge/voltmeter")["voltage"] == value(vehicle, "charge-voltage")
        assert v2("charge/wattmeter")["wattage"] * 1000 == value(vehicle, "charge-wattage")
        assert v2("speedometer")["speed"] == value(vehicle, "motion-currentspeed")
        assert v2("compass")["heading"] == body(vehicle, "location-preciselocation")["heading"]
        assert v2("thermometer/interior")["temperature"] == value(vehicle, "climate-internaltemperature")
        assert v2("thermometer/exterior")["temperature"] == value(vehicle, "climate-externaltemperature")
        is_on = value(vehicle, "hvac-iscabinhvacactive")
        assert v2("climate/cabin")["status"] == ("ON" if is_on else "OFF")
        assert (v2("charge/completion")["time"] is None) == (value(vehicle, "charge-timetocomplete") == 0)
    attributes = v2("attributes")
    assert attributes["trimBadging"] == value(vehicle, "vehicleidentification-trim")
    assert attributes["nickname"] == value(vehicle, "vehicleidentification-nickname")
    records = body(vehicle, "charge-chargerecords")["values"]
    energies = [one["total"] for one in v2("charge/records")["records"]]
    assert energies == [one["energyAdded"] for one in reversed(records)]


def test_an_opened_boot_is_open_in_v3_as_well(connect_v3, connect, api):
    tesla = connect_v3(make="TESLA")
    token = connect(make="TESLA", scope=" ".join(SCOPES), approval_prompt="force")["access_token"]
    api("POST", f"vehicles/{tesla.car.id}/tesla/security/frunk", token, {"action": "OPEN"})
    assert body(tesla.car, "closure-fronttrunk")["isOpen"] is True
    assert body(tesla.car, "closure-reartrunk")["isOpen"] is False
