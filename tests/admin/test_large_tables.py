"""Lists of the admin in large tables: pages, counts, searches, filters and the number of statements."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_smartcar.admin import paginator, search
from django_smartcar.models import (
    ApplicationToken,
    ConnectedVehicle,
    SmartcarUser,
    VehicleCommand,
    VehicleProblem,
    VehicleReading,
    VehicleSignal,
    WebhookEndpoint,
    WebhookEvent,
)

pytestmark = pytest.mark.django_db

ADMIN = "/admin/smartcar/"
#: The lists, and how many statements each takes, however long it is: session, user, count, keys and rows.
LISTS = {
    "applicationtoken": 5,
    "connectedvehicle": 7,  # and the makes of the filter, and the signals with a column
    "smartcaraccount": 5,
    "smartcaruser": 5,
    "vehiclecommand": 5,
    "vehicleproblem": 5,
    "vehiclereading": 5,
    "vehiclesignal": 5,
    "webhookendpoint": 5,
    "webhookevent": 5,
}

#: What finds the rows of Anna: beginnings of her username, her address, and Smartcar's ids.
FOUND = {
    "connectedvehicle": ["anna", "ann", "ANNA@example.com", "car-of-anna", "smartcar-anna"],
    "smartcaraccount": ["anna", "ann", "ANNA@example.com", "smartcar-anna"],
    "smartcaruser": ["anna", "ann", "ANNA@example.com", "smartcar-anna"],
    "vehiclecommand": ["anna", "ann", "anna@example.com", "car-of-anna", "smartcar-anna", "request-anna"],
    "vehiclereading": ["anna", "ann", "anna@example.com", "car-of-anna", "smartcar-anna", "anna odometer"],
    "vehiclesignal": ["anna", "ann", "anna@example.com", "car-of-anna", "smartcar-anna", "anna odom"],
    "webhookevent": ["event-anna", "car-of-anna", "smartcar-anna"],
}


@pytest.fixture
def make_rows(django_user_model, make_account, make_vehicle):
    """Create users with these names, each with a car and a row of each kind."""

    def make_rows(*names):
        for name in names:
            user = django_user_model.objects.create_user(name, f"{name}@example.com", "password")
            car = make_vehicle(make_account(user, f"smartcar-{name}"), f"car-of-{name}")
            at = timezone.now()
            common = {"vehicle": car, "signal": "odometer", "value": 1, "recorded_at": at, "received_at": at}
            ApplicationToken.objects.create(client_id=name)
            WebhookEndpoint.objects.create(endpoint=name)
            VehicleSignal.objects.create(status_at=at, **common)
            VehicleReading.objects.create(**common)
            VehicleProblem.objects.create(vehicle=car, type="UPSTREAM")
            VehicleCommand.objects.create(
                vehicle=car, action="lock", request_id=f"request-{name}", idempotency_key=name
            )
            WebhookEvent.objects.create(
                event_id=f"event-{name}", smartcar_user_id=f"smartcar-{name}", size=1, key_position=0,
                smartcar_vehicle_id=f"car-of-{name}", payload="{}", kind="VEHICLE_STATE",
            )  # fmt: skip

    return make_rows


def rows_of(page):
    """Return the keys of the rows of a page, in order."""
    return re.findall(r'name="_selected_action" value="([^"]+)"', page)


def count(client, url, **query):
    """Return how many rows a list says it has."""
    found = re.search(r"(\d+) (?:connected|Smartcar|vehicle|webhook)", client.get(url, query).text)
    return int(found[1])


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_as_many_statements_however_long_it_is(admin_client, make_rows, monkeypatch, name):
    monkeypatch.setattr("django_smartcar.admin.actions.SmartcarModelAdmin.list_per_page", 2)
    url, numbers = f"{ADMIN}{name}/", []
    make_rows("anna", "bert", "carla")
    for _ in range(2):
        with CaptureQueriesContext(connection) as statements:
            assert admin_client.get(url).status_code == 200
        numbers.append(len(statements))
        make_rows(*(f"driver-{number}" for number in range(9 * (len(numbers) == 1))))
    assert numbers == [LISTS[name]] * 2


@pytest.mark.parametrize("name", FOUND)
def test_a_search_takes_as_many_statements_however_long_the_table_is(admin_client, make_rows, name):
    url, numbers = f"{ADMIN}{name}/", []
    make_rows("anna")
    for _ in range(2):
        with CaptureQueriesContext(connection) as statements:
            assert count(admin_client, url, q=FOUND[name][0]) == 1
        numbers.append(len(statements))
        make_rows(*(f"driver-{number}" for number in range(9 * (len(numbers) == 1))))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("name", LISTS)
def test_no_statement_of_a_list_counts_or_joins_all_rows(admin_client, make_rows, monkeypatch, name):
    """A count is limited, and only the query for the rows of a page joins: it has their keys."""
    monkeypatch.setattr("django_smartcar.admin.actions.SmartcarModelAdmin.list_per_page", 2)
    make_rows("anna", "bert", "carla")
    with CaptureQueriesContext(connection) as statements:
        admin_client.get(f"{ADMIN}{name}/", {"p": 2})
    quote = connection.ops.quote_name
    table = f"FROM {quote(f'smartcar_{name}')}"
    of_table = [query["sql"] for query in statements if table in query["sql"]]
    for sql in of_table:
        if "COUNT(*)" in sql:
            assert f"LIMIT {paginator.MAX_COUNTED + 1}" in sql
        elif "JOIN" in sql:
            assert f"{quote('id')} IN (" in sql
    assert any("LIMIT 1 OFFSET 2" in sql and "JOIN" not in sql for sql in of_table)


def test_pages_have_each_row_once_in_order(admin_client, make_rows, monkeypatch):
    monkeypatch.setattr("django_smartcar.admin.actions.SmartcarModelAdmin.list_per_page", 2)
    make_rows("anna", "bert", "carla", "dora", "emil")
    url = f"{ADMIN}connectedvehicle/"
    pages = [rows_of(admin_client.get(url, {"p": number}).text) for number in (1, 2, 3)]
    keys = [str(pk) for pk in ConnectedVehicle.objects.order_by("pk").values_list("pk", flat=True)]
    assert pages == [keys[:2], keys[2:4], keys[4:]]
    assert admin_client.get(url, {"p": 4}).status_code == 302


def test_only_so_many_rows_are_counted_and_have_pages(admin_client, make_rows, monkeypatch):
    monkeypatch.setattr("django_smartcar.admin.actions.SmartcarModelAdmin.list_per_page", 2)
    monkeypatch.setattr(paginator, "MAX_COUNTED", 3)
    url = f"{ADMIN}connectedvehicle/"
    make_rows("anna", "bert", "carla")
    page = admin_client.get(url).text
    assert "3 connected vehicles" in page
    assert "There are more." not in page
    make_rows("dora", "emil")
    page = admin_client.get(url).text
    assert "There are more. Only the first 3 are counted" in page
    assert "?p=2" in page
    assert "?p=3" not in page
    assert len(rows_of(admin_client.get(url, {"p": 2}).text)) == 1
    assert "car-of-emil" in admin_client.get(f"{url}{search.vehicles('emil')[0]}/change/").text
    assert count(admin_client, url, q="emil") == 1, "a search finds what has no page"


@pytest.mark.parametrize(("name", "term"), [(name, term) for name, terms in FOUND.items() for term in terms])
def test_a_search_finds_the_rows_of_one_user(admin_client, make_rows, name, term):
    make_rows("anna", "bert")
    url = f"{ADMIN}{name}/"
    assert count(admin_client, url) == 2
    assert count(admin_client, url, q=term) == 1


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("term", ["nobody", "anna bert", "%", "_", "' OR 1=1", "anna nobody"])
def test_a_search_finds_nothing_else(admin_client, make_rows, name, term):
    make_rows("anna", "bert")
    assert count(admin_client, f"{ADMIN}{name}/", q=term) == 0


@pytest.mark.parametrize("name", ["vehiclereading", "vehiclesignal"])
def test_readings_are_found_by_signal(admin_client, make_rows, name):
    make_rows("anna", "bert")
    model = {"vehiclereading": VehicleReading, "vehiclesignal": VehicleSignal}[name]
    model.objects.filter(vehicle__smartcar_vehicle_id="car-of-anna").update(signal="made_up_signal")
    url = f"{ADMIN}{name}/"
    assert [count(admin_client, url, q=term) for term in ("odometer", "odo", "made_up_signal")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("term", "number"),
    [("bolt", 1), ("model", 2), ("tesla model", 1), ("ford", 1), ('"Model S"', 1), ("tesla bolt", 0)],
)
def test_vehicles_are_found_by_parts_of_make_and_model(admin_client, account, make_vehicle, term, number):
    make_vehicle(account, "car-1", make="CHEVROLET", model="Bolt")
    make_vehicle(account, "car-2", make="TESLA", model="Model S")
    # The make of one match with the model of another is no match.
    make_vehicle(account, "car-3", make="FORD", model="Model T")
    make_vehicle(account, "car-4", make="TESLA", model="Roadster")
    assert count(admin_client, f"{ADMIN}connectedvehicle/", q=term) == number


def test_commands_are_found_by_a_part_of_their_reason_and_by_who_sent_them(admin_client, make_rows, bert):
    make_rows("anna", "carla")
    command = VehicleCommand.objects.order_by("pk")[0]
    VehicleCommand.objects.filter(pk=command.pk).update(reason="Locked out at the Airport", actor=bert)
    url = f"{ADMIN}vehiclecommand/"
    for term in ("airport", "out airport", bert.username):
        assert count(admin_client, url, q=term) == 1


def test_a_short_word_that_begins_many_names_is_only_compared_with_whole_names(make_rows, monkeypatch):
    monkeypatch.setattr(search, "MAX_USERS", 2)
    make_rows("ann", "anna", "annabel")
    assert len(search.users("anna")) == 2
    assert len(search.users("ann")) == 1
    assert search.users("an") == []


def test_implausible_readings_and_states_can_be_filtered(admin_client, make_rows):
    make_rows("anna", "bert", "carla")
    VehicleReading.objects.filter(vehicle__smartcar_vehicle_id="car-of-anna").update(is_outlier=True)
    VehicleSignal.objects.filter(vehicle__smartcar_vehicle_id="car-of-anna").update(status="error")
    WebhookEvent.objects.filter(event_id="event-anna").update(state="dead", kind="VEHICLE_ERROR")
    VehicleProblem.objects.filter(vehicle__smartcar_vehicle_id="car-of-anna").update(type="PERMISSION")
    for name, query in [
        ("vehiclereading", {"is_outlier": "1"}),
        ("vehiclesignal", {"status__exact": "error"}),
        ("webhookevent", {"state__exact": "dead"}),
        ("webhookevent", {"kind": "VEHICLE_ERROR"}),
        ("vehicleproblem", {"type": "PERMISSION"}),
    ]:
        assert count(admin_client, f"{ADMIN}{name}/", **query) == 1


def test_the_choices_of_filters_are_not_read_from_events_and_problems(admin_client, make_rows):
    make_rows("anna")
    for name in ("webhookevent", "vehicleproblem", "vehiclereading", "vehiclesignal", "vehiclecommand"):
        with CaptureQueriesContext(connection) as statements:
            page = admin_client.get(f"{ADMIN}{name}/").text
        assert not [query["sql"] for query in statements if "DISTINCT" in query["sql"]]
        assert "CHARGING_STARTED" in page or name != "webhookevent"


@pytest.mark.parametrize(
    ("name", "columns"),
    [("vehiclereading", 0), ("vehiclesignal", 0), ("vehiclecommand", 1), ("webhookevent", 1)],
)
def test_large_tables_are_only_sorted_by_columns_with_an_index(admin_client, make_rows, name, columns):
    make_rows("anna")
    page = admin_client.get(f"{ADMIN}{name}/").text
    assert len(re.findall(r'<th[^>]*class="[^"]*sortable', page)) == columns


@pytest.mark.parametrize("name", FOUND)
def test_a_search_needs_the_permission_to_view(staff, make_rows, name):
    make_rows("anna")
    others = [f"view_{other}" for other in LISTS if other != name]
    assert staff(*others).get(f"{ADMIN}{name}/", {"q": "anna"}).status_code == 403


def test_the_health_filter_counts_connected_vehicles_only(admin_client, make_rows):
    make_rows("anna", "bert", "carla")
    SmartcarUser.objects.get(pk="smartcar-anna").accounts.update(api_version="3", refresh_token="")
    SmartcarUser.objects.get(pk="smartcar-bert").accounts.update(api_version="3", refresh_token="")
    ConnectedVehicle.objects.filter(smartcar_vehicle_id="car-of-bert").update(
        disconnected_at=timezone.now() - timedelta(days=1)
    )
    url = f"{ADMIN}smartcaraccount/"
    assert count(admin_client, url, health="good") == 2
    assert count(admin_client, url, health="disconnected") == 1
    assert re.findall(r'field-vehicle_count">(\d)<', admin_client.get(url).text) == ["1", "0", "1"]


@pytest.mark.parametrize(
    ("name", "query"),
    [(name, {"q": term}) for name, terms in FOUND.items() for term in (*terms, "nobody")]
    + [("vehiclereading", {"is_outlier": "1"}), ("vehiclesignal", {"status__exact": "error"})]
    + [("webhookevent", {"kind": "VEHICLE_ERROR"}), ("webhookevent", {"state__exact": "dead"})]
    + [("webhookevent", {"due": "now"}), ("webhookevent", {"received_at__gte": "2026-11-20T12:00:00+00:00"})],
)
def test_searches_and_filters_use_an_index(admin_client, make_rows, name, query):
    """What finds rows is the query that counts them. SQLite tells its plan however small a table is."""
    make_rows("anna", "bert")
    with CaptureQueriesContext(connection) as statements:
        admin_client.get(f"{ADMIN}{name}/", query)
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for statement in statements:
            if "COUNT(*)" in statement["sql"]:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement['sql']}")
                plan = [row[3] for row in cursor.fetchall()]
                assert not [step for step in plan if step.startswith("SCAN smartcar_")]
