import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import resolve

from django_smartcar.models import ConnectedVehicle, VehicleCommand
from django_smartcar.services import readings

from ..mock_api import API, IN_MOTION, UPSTREAM, v2_error

pytestmark = pytest.mark.django_db

LIST = "/admin/smartcar/connectedvehicle/"
READINGS = "/admin/smartcar/vehiclereading/"
STATES = "/admin/smartcar/vehiclesignal/"


@pytest.fixture
def admin(admin_client):
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
def test_an_action_asks_for_confirmation_and_lists_the_vehicles(admin, cars, mock_api, action):
    page = act(admin, action, cars, confirmed=False).text
    for car in cars:
        assert f"<li>{car.name} · anna</li>" in page
        assert f'name="_selected_action" value="{car.pk}"' in page
    assert not mock_api.mock.calls
    assert not VehicleCommand.objects.exists()


@pytest.mark.parametrize("action", ["lock", "unlock"])
def test_each_vehicle_has_its_own_command_and_history_entry(admin, cars, mock_api, action):
    mock_api.commands("car-1", IN_MOTION, status=409)
    mock_api.commands("car-2")
    page = act(admin, action, cars).text
    assert '2 commands are queued. <a href="/admin/smartcar/vehiclecommand/">' in page
    assert history(cars[0]) == history(cars[1]) == [f"queued: {action}"]
    outcomes = {command.vehicle_id: command.status for command in VehicleCommand.objects.all()}
    assert outcomes == {cars[0].pk: "failed", cars[1].pk: "succeeded"}


def test_the_command_log_names_the_operator(admin, cars, mock_api, admin_user):
    mock_api.commands("car-1")
    act(admin, "lock", cars[:1])
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
def test_an_operator_without_the_permission_has_no_such_action(staff, cars, mock_api, action):
    others = set(PERMISSIONS.values()) - {PERMISSIONS[action]}
    operator = staff(
        "view_connectedvehicle", "change_connectedvehicle", *(f"{other}_connectedvehicle" for other in others)
    )
    page = act(operator, action, cars).text
    assert f'<option value="{action}">' not in page
    assert "No action selected." in page
    assert not mock_api.mock.calls
    assert ConnectedVehicle.objects.connected().count() == 2


@pytest.mark.parametrize(("action", "expected"), [("start_charge", "START"), ("stop_charge", "STOP")])
def test_an_operator_with_the_permission_controls_charging(
    staff, make_vehicle, account, mock_api, action, expected
):
    car = make_vehicle(account, permissions=["control_charge"])
    mock_api.mock.add("POST", f"{API}/vehicles/car-1/charge", json={"status": "success"})
    operator = staff("view_connectedvehicle", "charge_connectedvehicle")
    assert "1 command is queued.</li>" in act(operator, action, [car]).text, (
        "without a link that is forbidden"
    )
    (sent,) = mock_api.sent("POST", "/charge")
    assert expected.encode() in sent.body


def test_a_reason_is_stored_and_searchable(admin, cars, mock_api):
    mock_api.commands("car-1")
    page = act(admin, "lock", cars[:1], confirmed=False).text
    assert 'name="reason"' in page
    form = {
        "action": "lock",
        "_selected_action": [str(cars[0].pk)],
        "confirmed": "yes",
        "reason": "ticket 12",
    }
    admin.post(LIST, form)
    assert VehicleCommand.objects.get().reason == "ticket 12"
    assert "succeeded" in admin.get("/admin/smartcar/vehiclecommand/", {"q": "ticket 12"}).text


def test_a_failing_vehicle_does_not_stop_the_others(admin, cars, mock_api):
    mock_api.commands("car-2")
    ConnectedVehicle.objects.filter(pk=cars[0].pk).update(unit_system="")
    act(admin, "lock", cars)
    assert set(VehicleCommand.objects.values_list("vehicle_id", "status")) == {
        (cars[0].pk, "failed"),
        (cars[1].pk, "succeeded"),
    }


def test_a_refused_vehicle_is_named_and_does_not_stop_the_others(admin, cars, mock_api, settings):
    settings.SMARTCAR_COMMAND_EXECUTION = "command"
    act(admin, "lock", cars[:1])
    page = act(admin, "lock", cars).text
    assert "2021 Chevrolet Bolt: That is still under way." in page
    assert "(DuplicateCommand)" in page
    assert "1 command is queued." in page
    assert "Not queued: lock: DuplicateCommand" in history(cars[0])
    assert set(VehicleCommand.objects.values_list("status", flat=True)) == {"queued"}
    assert not mock_api.mock.calls


def test_an_error_links_to_smartcars_help(admin, vehicle, mock_api):
    resolution = {"type": "ACTION_REQUIRED", "url": "https://www.tesla.com/_ak/smartcar.com"}
    error = v2_error(400, "CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED", resolution=resolution)
    mock_api.commands("car-1", error, status=400)
    act(admin, "lock", [vehicle])
    page = admin.get(f"/admin/smartcar/vehiclecommand/{VehicleCommand.objects.get().pk}/change/").text
    assert '<a href="https://www.tesla.com/_ak/smartcar.com"' in page


def test_positions_need_a_permission_and_viewing_them_is_logged(staff, make_vehicle, account, mock_api):
    car = make_vehicle(account)
    readings.save(car, "location", {"latitude": 37.4292, "longitude": 122.1381})
    operator = staff("view_connectedvehicle", "locate_connectedvehicle")
    assert "37.4292, 122.1381" in act(operator, "locate", [car]).text
    assert history(car) == ["location viewed"]
    assert "37.42" not in operator.get(LIST).text


def test_the_list_shows_the_requests_of_this_month(admin, cars, mock_api, settings):
    settings.SMARTCAR_MONTHLY_REQUESTS = 300
    mock_api.commands("car-1")
    act(admin, "lock", cars[:1])
    for page in (admin.get(LIST).text, admin.get(f"{LIST}{cars[0].pk}/change/").text):
        assert "1 / 300" in page
    assert "0 / 300" in admin.get(f"{LIST}{cars[1].pk}/change/").text


def test_a_command_links_to_its_vehicle_and_actor_and_shows_the_request_id(
    admin, vehicle, admin_user, mock_api
):
    mock_api.commands("car-1", IN_MOTION, status=409)
    act(admin, "lock", [vehicle])
    page = admin.get(f"/admin/smartcar/vehiclecommand/{VehicleCommand.objects.get().pk}/change/").text
    assert f'href="{LIST}{vehicle.pk}/change/"' in page
    assert f">{admin_user}<" in page  # a link if users are in the site's admin
    assert IN_MOTION["requestId"] in page


def test_an_operator_with_the_permission_locks_vehicles(staff, cars, mock_api):
    mock_api.commands("car-1")
    operator = staff("view_connectedvehicle", "lock_connectedvehicle")
    assert "1 command is queued." in act(operator, "lock", cars[:1]).text
    assert VehicleCommand.objects.get().status == "succeeded"


def test_a_user_who_is_not_staff_has_no_access(client, anna, cars, mock_api):
    client.force_login(anna)
    assert act(client, "lock", cars, follow=False).status_code == 302
    assert not mock_api.mock.calls


def test_an_action_needs_a_csrf_token(admin_user, cars, mock_api):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)
    assert act(strict, "lock", cars).status_code == 403
    assert not mock_api.mock.calls


def test_reload_reads_the_vehicle_again(admin, vehicle, mock_api):
    mock_api.car("car-1", make="OPEL", model="Corsa", year=2022)
    mock_api.batch("car-1", {"odometer": {"distance": 9}, "location": {"latitude": 1, "longitude": 2}})
    act(admin, "reload", [vehicle])
    vehicle.refresh_from_db()
    assert (vehicle.name, vehicle.signals["odometer"].value) == ("2022 Opel Corsa", 9)


def test_disconnect_continues_after_a_failure(admin, cars, mock_api):
    mock_api.disconnects("car-1", UPSTREAM, status=502)
    mock_api.disconnects("car-2")
    act(admin, "disconnect", cars)
    assert [car.smartcar_vehicle_id for car in ConnectedVehicle.objects.connected()] == ["car-1"]
    assert VehicleCommand.objects.get(vehicle=cars[0]).error_code == "NO_RESPONSE"


@pytest.mark.parametrize("word", ["bolt", "chevrolet", "car-1", "anna"])
def test_vehicles_can_be_searched(admin, vehicle, word):
    page = admin.get(LIST, {"q": word}).text
    assert "2021 Chevrolet Bolt" in page
    assert "0 results" not in page


def test_vins_are_not_searchable_because_the_url_would_contain_them(admin, make_vehicle, account):
    make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    assert "0 results" in admin.get(LIST, {"q": "0SCAUDI037A5ADB1C"}).text


def test_neither_vin_nor_position_nor_token_is_shown(admin, make_vehicle, account):
    car = make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    readings.save(car, "location", {"latitude": 37.4292, "longitude": 122.1381})
    readings.save(car, "vin", "0SCAUDI037A5ADB1C")
    for url, rows in ((READINGS, car.readings), (STATES, car.signal_states)):
        assert rows.count() == 2
        for row in rows.all():
            assert admin.get(f"{url}{row.pk}/change/").status_code == 302, "it is not there"
    for url in (
        LIST,
        f"{LIST}{car.pk}/change/",
        f"{LIST}{car.pk}/history/",
        READINGS,
        f"{READINGS}?q=location",
        STATES,
        f"{STATES}?q=location",
    ):
        page = admin.get(url).text
        for secret in ("0SCAUDI037A5ADB1C", "37.42", "122.13", "access-0", "refresh-0"):
            assert secret not in page, url


def test_vehicles_cannot_be_added(admin):
    assert admin.get(f"{LIST}add/").status_code == 403


def test_the_number_of_queries_does_not_depend_on_the_number_of_vehicles(
    admin, make_vehicle, account, django_assert_max_num_queries
):
    for number in range(12):
        make_vehicle(account, f"car-{number}")
    with django_assert_max_num_queries(10):
        admin.get(LIST)


def test_the_command_log_is_read_only(admin, vehicle, mock_api):
    mock_api.commands("car-1")
    act(admin, "lock", [vehicle])
    url = f"/admin/smartcar/vehiclecommand/{VehicleCommand.objects.get().pk}/change/"
    assert "2021 Chevrolet Bolt" in admin.get(url).text
    assert admin.post(url, {"status": "failed"}).status_code == 403
    assert admin.get("/admin/smartcar/vehiclecommand/add/").status_code == 403
    assert "succeeded" in admin.get("/admin/smartcar/vehiclecommand/", {"q": "bolt"}).text


@pytest.mark.parametrize(("connection", "shown"), [("connected", "Bolt"), ("disconnected", "Model S")])
def test_vehicles_can_be_filtered_by_connection(admin, cars, connection, shown):
    ConnectedVehicle.objects.filter(pk=cars[1].pk).update(disconnected_at="2026-01-01T00:00Z")
    page = admin.get(LIST, {"connection": connection}).text
    assert {name for name in ("Bolt", "Model S") if f"{name}</a>" in page} == {shown}


@pytest.mark.parametrize(("webhooks", "shown"), [("due", {"Bolt", "Model S"}), ("failed", {"Model S"})])
def test_vehicles_with_wrong_subscriptions_can_be_filtered(admin, cars, settings, webhooks, shown):
    assert "Bolt</a>" not in admin.get(LIST, {"webhooks": webhooks}).text
    settings.SMARTCAR_WEBHOOKS = ["hook-1"]
    ConnectedVehicle.objects.filter(pk=cars[1].pk).update(webhooks_error="NoResponseException")
    page = admin.get(LIST, {"webhooks": webhooks}).text
    assert {name for name in ("Bolt", "Model S") if f"{name}</a>" in page} == shown
    assert "NoResponseException" in admin.get(f"{LIST}{cars[1].pk}/change/").text
    ConnectedVehicle.objects.update(webhooks="hook-1")
    assert "Bolt</a>" not in admin.get(LIST, {"webhooks": "due"}).text


@pytest.mark.parametrize(
    "lookup",
    [
        "vin__startswith=0",
        "readings__value__latitude__gte=37",
        "signal_states__value__latitude__gte=37",
        "account__access_token=access-0",
    ],
)
def test_lookups_in_the_url_cannot_reveal_a_vin(admin, make_vehicle, account, lookup):
    make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    assert admin.get(f"{LIST}?{lookup}").status_code in (302, 400)


def test_an_action_takes_at_most_a_hundred_vehicles(admin, make_vehicle, account, mock_api):
    many = [make_vehicle(account, f"car-{number}") for number in range(101)]
    assert "Please choose at most 100 at once." in act(admin, "lock", many, confirmed=False).text
    assert "Lock these cars?" in act(admin, "lock", many[1:], confirmed=False).text
    assert "Please choose at most 100 at once." in act(admin, "reload", many).text
    assert not VehicleCommand.objects.exists()


def test_commands_cannot_be_deleted(admin, vehicle, mock_api):
    mock_api.commands("car-1")
    act(admin, "lock", [vehicle])
    pk = VehicleCommand.objects.get().pk
    assert admin.post(f"/admin/smartcar/vehiclecommand/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin.get("/admin/smartcar/vehiclecommand/").text


def test_actions_run_outside_atomic_requests():
    match = resolve(LIST)
    assert "default" in match.func._non_atomic_requests
