import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import resolve

from django_smartcar.models import ConnectedVehicle, VehicleCommand
from django_smartcar.services import readings

from ..wire import API, IN_MOTION, UPSTREAM, v2_error

pytestmark = pytest.mark.django_db

LIST = "/admin/smartcar/connectedvehicle/"
READINGS = "/admin/smartcar/vehiclereading/"


@pytest.fixture
def boss(admin_client):
    return admin_client


@pytest.fixture
def cars(vehicle, make_vehicle, account):
    return [vehicle, make_vehicle(account, "car-2", make="TESLA", model="Model S", year=2014)]


def act(client, action, cars, *, confirmed=True, follow=True):
    form = {"action": action, "_selected_action": [str(car.pk) for car in cars]}
    return client.post(LIST, form | ({"confirmed": "yes"} if confirmed else {}), follow=follow)


def history(car):
    return [entry.get_change_message() for entry in LogEntry.objects.filter(object_id=str(car.pk))]


@pytest.mark.parametrize("action", ["lock", "unlock", "start_charge", "stop_charge", "disconnect"])
def test_an_action_asks_first_and_lists_the_cars(boss, cars, wire, action):
    page = act(boss, action, cars, confirmed=False).text
    for car in cars:
        assert f"<li>{car.name} · anna</li>" in page
        assert f'name="_selected_action" value="{car.pk}"' in page
    assert not wire.mock.calls
    assert not VehicleCommand.objects.exists()


@pytest.mark.parametrize(("action", "word"), [("lock", "locked"), ("unlock", "unlocked")])
def test_each_car_gets_a_result_of_its_own_and_an_entry_in_its_history(boss, cars, wire, action, word):
    wire.commands("car-1", IN_MOTION, status=409)
    wire.commands("car-2")
    page = act(boss, action, cars).text
    assert f"2014 Tesla Model S: {word}" in page
    assert "2021 Chevrolet Bolt: The car is moving. Try again once it has stopped." in page
    assert "(IN_MOTION)" in page
    assert history(cars[0]) == [f"Not {word}: IN_MOTION"]
    assert history(cars[1]) == [word]
    outcomes = {command.vehicle_id: command.status for command in VehicleCommand.objects.all()}
    assert outcomes == {cars[0].pk: "failed", cars[1].pk: "succeeded"}


def test_the_record_names_the_operator(boss, cars, wire, admin_user):
    wire.commands("car-1")
    act(boss, "lock", cars[:1])
    assert VehicleCommand.objects.get().actor == admin_user


PERMISSIONS = {
    "lock": "lock",
    "unlock": "unlock",
    "start_charge": "charge",
    "stop_charge": "charge",
    "locate": "locate",
    "disconnect": "disconnect",
    "reload": "reload",
}


@pytest.mark.parametrize("action", PERMISSIONS)
def test_an_operator_without_the_permission_cannot(staff, cars, wire, action):
    others = set(PERMISSIONS.values()) - {PERMISSIONS[action]}
    operator = staff(
        "view_connectedvehicle", "change_connectedvehicle", *(f"{other}_connectedvehicle" for other in others)
    )
    page = act(operator, action, cars).text
    assert f'<option value="{action}">' not in page
    assert "No action selected." in page
    assert not wire.mock.calls
    assert ConnectedVehicle.objects.connected().count() == 2


@pytest.mark.parametrize(("action", "wired"), [("start_charge", "START"), ("stop_charge", "STOP")])
def test_an_operator_who_may_charges(staff, make_vehicle, account, wire, action, wired):
    car = make_vehicle(account, permissions=["control_charge"])
    wire.mock.add("POST", f"{API}/vehicles/car-1/charge", json={"status": "success"})
    operator = staff("view_connectedvehicle", "charge_connectedvehicle")
    assert "2021 Chevrolet Bolt: asked to" in act(operator, action, [car]).text
    (sent,) = wire.sent("POST", "/charge")
    assert wired in str(sent.body)


def test_a_reason_can_be_given_and_is_searched_for(boss, cars, wire):
    wire.commands("car-1")
    page = act(boss, "lock", cars[:1], confirmed=False).text
    assert 'name="reason"' in page
    form = {
        "action": "lock",
        "_selected_action": [str(cars[0].pk)],
        "confirmed": "yes",
        "reason": "ticket 12",
    }
    boss.post(LIST, form)
    assert VehicleCommand.objects.get().reason == "ticket 12"
    assert "succeeded" in boss.get("/admin/smartcar/vehiclecommand/", {"q": "ticket 12"}).text


def test_a_car_that_cannot_be_told_stops_no_other(boss, cars, wire):
    wire.commands("car-2")
    ConnectedVehicle.objects.filter(pk=cars[0].pk).update(unit_system="")
    page = act(boss, "lock", cars).text
    assert "2021 Chevrolet Bolt: Something went wrong" in page
    assert "2014 Tesla Model S: locked" in page


def test_what_to_do_is_a_link_where_smartcar_gives_one(boss, vehicle, wire):
    resolution = {"type": "ACTION_REQUIRED", "url": "https://www.tesla.com/_ak/smartcar.com"}
    error = v2_error(400, "CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED", resolution=resolution)
    wire.commands("car-1", error, status=400)
    assert '<a href="https://www.tesla.com/_ak/smartcar.com">' in act(boss, "lock", [vehicle]).text


def test_who_may_sees_where_the_cars_are_and_the_history_says_so(staff, make_vehicle, account, wire):
    car = make_vehicle(account)
    readings.save(car, "location", {"latitude": 37.4292, "longitude": 122.1381})
    operator = staff("view_connectedvehicle", "locate_connectedvehicle")
    assert "37.4292, 122.1381" in act(operator, "locate", [car]).text
    assert history(car) == ["location viewed"]
    assert "37.42" not in operator.get(LIST).text


def test_the_list_says_how_often_a_car_was_asked_this_month(boss, cars, wire, settings):
    settings.SMARTCAR_MONTHLY_REQUESTS = 300
    wire.commands("car-1")
    act(boss, "lock", cars[:1])
    for page in (boss.get(LIST).text, boss.get(f"{LIST}{cars[0].pk}/change/").text):
        assert "1 / 300" in page
    assert "0 / 300" in boss.get(f"{LIST}{cars[1].pk}/change/").text


def test_a_record_links_to_its_car_and_person_and_shows_the_request(boss, vehicle, admin_user, wire):
    wire.commands("car-1", IN_MOTION, status=409)
    act(boss, "lock", [vehicle])
    page = boss.get(f"/admin/smartcar/vehiclecommand/{VehicleCommand.objects.get().pk}/change/").text
    assert f'href="{LIST}{vehicle.pk}/change/"' in page
    assert f">{admin_user}<" in page  # a link where the site's admin has people
    assert IN_MOTION["requestId"] in page


def test_an_operator_with_the_permission_to_lock_locks(staff, cars, wire):
    wire.commands("car-1")
    operator = staff("view_connectedvehicle", "lock_connectedvehicle")
    assert "2021 Chevrolet Bolt: locked" in act(operator, "lock", cars[:1]).text


def test_a_user_who_is_no_operator_does_not_get_in(client, anna, cars, wire):
    client.force_login(anna)
    assert act(client, "lock", cars, follow=False).status_code == 302
    assert not wire.mock.calls


def test_an_action_needs_a_csrf_token(admin_user, cars, wire):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)
    assert act(strict, "lock", cars).status_code == 403
    assert not wire.mock.calls


def test_reload_asks_smartcar_anew(boss, vehicle, wire):
    wire.car("car-1", make="OPEL", model="Corsa", year=2022)
    wire.batch("car-1", {"odometer": {"distance": 9}, "location": {"latitude": 1, "longitude": 2}})
    act(boss, "reload", [vehicle])
    vehicle.refresh_from_db()
    assert (vehicle.name, vehicle.latest()["odometer"].value) == ("2022 Opel Corsa", 9)


def test_disconnect_goes_on_after_a_failure(boss, cars, wire):
    wire.disconnects("car-1", UPSTREAM, status=502)
    wire.disconnects("car-2")
    act(boss, "disconnect", cars)
    assert [car.smartcar_vehicle_id for car in ConnectedVehicle.objects.connected()] == ["car-1"]
    assert history(cars[0]) == ["Not disconnected: NO_RESPONSE"]


@pytest.mark.parametrize("word", ["bolt", "chevrolet", "car-1", "anna"])
def test_cars_can_be_searched(boss, vehicle, word):
    page = boss.get(LIST, {"q": word}).text
    assert "2021 Chevrolet Bolt" in page
    assert "0 results" not in page


def test_a_vin_is_not_searched_for_since_it_would_stand_in_the_address(boss, make_vehicle, account):
    make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    assert "0 results" in boss.get(LIST, {"q": "0SCAUDI037A5ADB1C"}).text


def test_neither_vin_nor_position_nor_token_is_shown(boss, make_vehicle, account):
    car = make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    place = readings.save(car, "location", {"latitude": 37.4292, "longitude": 122.1381})
    of_place = f"{READINGS}{place.pk}/change/"
    assert boss.get(of_place).status_code == 302, "it is not there"
    for url in (
        LIST,
        f"{LIST}{car.pk}/change/",
        f"{LIST}{car.pk}/history/",
        READINGS,
        f"{READINGS}?q=location",
    ):
        page = boss.get(url).text
        for secret in ("0SCAUDI037A5ADB1C", "37.42", "122.13", "access-0", "refresh-0"):
            assert secret not in page, url


def test_cars_cannot_be_made_by_hand(boss):
    assert boss.get(f"{LIST}add/").status_code == 403


def test_the_list_takes_the_same_number_of_queries_for_any_number_of_cars(
    boss, make_vehicle, account, django_assert_max_num_queries
):
    for number in range(12):
        make_vehicle(account, f"car-{number}")
    with django_assert_max_num_queries(10):
        boss.get(LIST)


def test_records_are_read_only(boss, vehicle, wire):
    wire.commands("car-1")
    act(boss, "lock", [vehicle])
    url = f"/admin/smartcar/vehiclecommand/{VehicleCommand.objects.get().pk}/change/"
    assert "2021 Chevrolet Bolt" in boss.get(url).text
    assert boss.post(url, {"status": "failed"}).status_code == 403
    assert boss.get("/admin/smartcar/vehiclecommand/add/").status_code == 403
    assert "succeeded" in boss.get("/admin/smartcar/vehiclecommand/", {"q": "bolt"}).text


@pytest.mark.parametrize(("connection", "shown"), [("connected", "Bolt"), ("disconnected", "Model S")])
def test_cars_can_be_filtered_by_connection(boss, cars, connection, shown):
    ConnectedVehicle.objects.filter(pk=cars[1].pk).update(disconnected_at="2026-01-01T00:00Z")
    page = boss.get(LIST, {"connection": connection}).text
    assert {name for name in ("Bolt", "Model S") if f"{name}</a>" in page} == {shown}


@pytest.mark.parametrize(("webhooks", "shown"), [("due", {"Bolt", "Model S"}), ("failed", {"Model S"})])
def test_cars_that_are_not_subscribed_as_set_are_found_with_the_reason(boss, cars, settings, webhooks, shown):
    assert "Bolt</a>" not in boss.get(LIST, {"webhooks": webhooks}).text
    settings.SMARTCAR_WEBHOOKS = ["hook-1"]
    ConnectedVehicle.objects.filter(pk=cars[1].pk).update(webhooks_error="NoResponseException")
    page = boss.get(LIST, {"webhooks": webhooks}).text
    assert {name for name in ("Bolt", "Model S") if f"{name}</a>" in page} == shown
    assert "NoResponseException" in boss.get(f"{LIST}{cars[1].pk}/change/").text
    ConnectedVehicle.objects.update(webhooks="hook-1")
    assert "Bolt</a>" not in boss.get(LIST, {"webhooks": "due"}).text


@pytest.mark.parametrize(
    "lookup", ["vin__startswith=0", "readings__value__latitude__gte=37", "account__access_token=access-0"]
)
def test_a_secret_cannot_be_guessed_through_the_address(boss, make_vehicle, account, lookup):
    make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    assert boss.get(f"{LIST}?{lookup}").status_code in (302, 400)


def test_an_action_takes_a_hundred_cars_at_once_and_no_more(boss, make_vehicle, account, wire):
    many = [make_vehicle(account, f"car-{number}") for number in range(101)]
    assert "Please choose at most 100 at once." in act(boss, "lock", many, confirmed=False).text
    assert "Lock these cars?" in act(boss, "lock", many[1:], confirmed=False).text


def test_records_are_not_deleted_by_hand(boss, vehicle, wire):
    wire.commands("car-1")
    act(boss, "lock", [vehicle])
    pk = VehicleCommand.objects.get().pk
    assert boss.post(f"/admin/smartcar/vehiclecommand/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in boss.get("/admin/smartcar/vehiclecommand/").text


def test_a_command_is_on_record_before_it_is_sent_under_atomic_requests():
    match = resolve(LIST)
    assert "default" in match.func._non_atomic_requests
