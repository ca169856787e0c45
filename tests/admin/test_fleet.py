"""The fleet dashboard: who may see it, its numbers, and that each links to a list of as many rows."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_smartcar.models import (
    ApplicationToken,
    ConnectedVehicle,
    RateLimit,
    SmartcarAccount,
    VehicleCommand,
    WebhookEndpoint,
    WebhookEvent,
)
from django_smartcar.services import fleet, readings

pytestmark = pytest.mark.django_db

URL = "/admin/smartcar/connectedvehicle/fleet/"
VIEWS = [
    "view_connectedvehicle",
    "view_vehiclecommand",
    "view_webhookevent",
    "view_smartcaraccount",
    "view_applicationtoken",
]


@pytest.fixture
def cars(make_account, make_vehicle, anna, bert):
    """Six cars in different states."""
    now = timezone.now()
    anna_account = make_account(anna, "smartcar-anna")
    bert_account = make_account(bert, "smartcar-bert")
    SmartcarAccount.objects.filter(pk=bert_account.pk).update(reconnect_required_at=now)
    good = make_vehicle(anna_account, "good", last_seen_at=now, permissions=["read_battery"])
    make_vehicle(anna_account, "never")
    make_vehicle(
        anna_account,
        "old",
        last_seen_at=now - timedelta(days=2),
        permissions=["read_odometer", "read_battery"],
    )
    make_vehicle(anna_account, "login", last_seen_at=now, reauthentication_required_at=now)
    make_vehicle(bert_account, "lost", last_seen_at=now)
    make_vehicle(anna_account, "sold", last_seen_at=now, disconnected_at=now, permissions=["read_battery"])
    readings.save(good, "battery_level", 0.5, "fraction")
    for car in ConnectedVehicle.objects.filter(smartcar_vehicle_id__in=["old", "sold"]):
        readings.save(car, "battery_level", 0.1, "fraction")
    ConnectedVehicle.objects.filter(smartcar_vehicle_id="old").update(last_seen_at=now - timedelta(days=2))
    return good


def figures(page):
    """Return each figure of the page: its text, and its link or ""."""
    found = re.findall(r'<(?:a href="([^"]*)"|span)><strong>(.*?)</strong> (.*?)</(?:a|span)>', page.text)
    return {label: (number, unescape(link)) for link, number, label in found}


def rows_of(client, link):
    page = client.get(link)
    assert page.status_code == 200, link
    return page.context["cl"].paginator.count


class TestWhoMaySeeIt:
    def test_an_operator_with_the_permission(self, staff, cars):
        assert "connected" in figures(staff("view_fleet").get(URL))

    @pytest.mark.parametrize("permissions", [[], VIEWS, ["change_connectedvehicle"]])
    def test_another_operator_may_not(self, staff, cars, permissions):
        client = staff(*permissions)
        assert client.get(URL).status_code == 403
        assert "Fleet dashboard" not in client.get("/admin/").text

    def test_a_user_who_is_no_operator_is_sent_to_the_login(self, client, anna, cars):
        client.force_login(anna)
        assert client.get(URL).url == f"/admin/login/?next={URL}"

    def test_the_lists_are_linked_only_for_those_who_may_see_them(self, staff, cars):
        shown = figures(staff("view_fleet", "view_vehiclecommand").get(URL))
        assert shown["connected"] == ("5", "")
        assert shown["failed"][1] == "" or "vehiclecommand" in shown["failed"][1]
        assert {link.split("/")[3] for _, link in shown.values() if link} == {"vehiclecommand"}

    def test_it_is_linked_where_operators_look(self, staff, cars):
        client = staff("view_fleet", "view_connectedvehicle")
        assert f'href="{URL}"' in client.get("/admin/smartcar/").text
        assert f'href="{URL}"' in client.get("/admin/smartcar/connectedvehicle/").text


def test_the_numbers_of_vehicles_and_their_lists(staff, cars):
    client = staff("view_fleet", *VIEWS)
    shown = figures(client.get(URL))
    expected = {
        "connected": 5,
        "with values of the last day": 3,
        "without values of the last day": 2,
        "need a login at the brand": 1,
        "need to be connected again": 1,
        "with a low battery": 1,
        "disconnected": 1,
        "accounts to connect again": 1,
    }
    assert {label: shown[label][0] for label in expected} == {
        label: str(number) for label, number in expected.items()
    }
    assert {label: rows_of(client, shown[label][1]) for label in expected} == expected


@pytest.mark.parametrize("permissions", [[], ["read_charge"], ["read_battery_health"]])
def test_a_low_battery_that_the_driver_does_not_share_is_not_counted(staff, cars, permissions):
    readings.save(cars, "battery_level", 0.1, "fraction")
    client = staff("view_fleet", *VIEWS)
    number, link = figures(client.get(URL))["with a low battery"]
    assert (number, rows_of(client, link)) == ("2", 2)
    ConnectedVehicle.objects.filter(pk=cars.pk).update(permissions=permissions)
    number, link = figures(client.get(URL))["with a low battery"]
    assert (number, rows_of(client, link)) == ("1", 1)


def test_the_commands_of_the_last_day(staff, cars):
    for number, status in enumerate(["succeeded", "succeeded", "failed", "unknown"]):
        VehicleCommand.objects.create(
            vehicle=cars, action="lock", status=status, idempotency_key=f"key-{number}"
        )
    old = VehicleCommand.objects.create(vehicle=cars, action="lock", status="unknown", idempotency_key="old")
    VehicleCommand.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    client = staff("view_fleet", *VIEWS)
    page = client.get(URL)
    shown = figures(page)
    for label, number in {"succeeded": 2, "unknown": 1}.items():
        assert shown[label][0] == str(number)
        assert rows_of(client, shown[label][1]) == number
    assert page.text.count('class="alert"') == 6  # login, reconnect (2), battery, failed, unknown


def test_the_requests_of_the_month(staff, cars, settings):
    settings.SMARTCAR_MONTHLY_REQUESTS = 500
    month = f"{timezone.now():%Y-%m}"
    RateLimit.objects.create(key="good", month=month, requests=500)
    RateLimit.objects.create(key="old", month=month, requests=20)
    RateLimit.objects.create(key="never", month="2020-01", requests=300)
    RateLimit.objects.create(key="application:3", month=month, requests=7000)
    RateLimit.objects.create(key="sold", month=month, requests=600)
    client = staff("view_fleet", *VIEWS)
    shown = figures(client.get(URL))
    assert rows_of(client, shown["vehicles without any left"][1]) == 1, "not of the one sold"
    assert [shown[label][0] for label in ("sent", "in the plan", "vehicles without any left")] == [
        "1,120",
        "2,500",
        "1",
    ]


def test_the_webhook_events(staff, cars):
    now = timezone.now()

    def event(number, state, **columns):
        WebhookEvent.objects.create(
            event_id=f"event-{number}", payload="{}", size=2, key_position=1, state=state, **columns
        )

    event(1, "processed", next_attempt_at=None)
    event(2, "received", next_attempt_at=now - timedelta(minutes=12))
    event(3, "failed", next_attempt_at=now + timedelta(hours=1))
    event(4, "dead", next_attempt_at=None, received_at=now - timedelta(days=1))
    WebhookEndpoint.objects.create(
        endpoint="", refused=1, refused_at=now - timedelta(hours=3), refused_size=2
    )
    client = staff("view_fleet", *VIEWS)
    shown = figures(client.get(URL))
    assert {label: shown[label][0] for label in ("received in the last hour", "due", "dead")} == {
        "received in the last hour": "3",
        "due": "1",
        "dead": "1",
    }
    assert shown["the oldest is due since"][0] == "12\xa0minutes"
    assert shown["last refused signature"][0] == "3\xa0hours ago"
    lists = {label: rows_of(client, shown[label][1]) for label in shown if "webhookevent" in shown[label][1]}
    assert lists == {
        "received in the last hour": 3,
        "due": 1,
        "the oldest is due since": 1,
        "failed": 1,
        "dead": 1,
    }


def test_an_overdue_token_leads_to_its_account(staff, cars, make_account, anna):
    now = timezone.now()
    for minutes in (31, 29):
        account = make_account(anna, f"v2-{minutes}", api_version="2.0")
        SmartcarAccount.objects.filter(pk=account.pk).update(
            access_expires_at=now - timedelta(minutes=minutes)
        )
    client = staff("view_fleet", *VIEWS)
    number, link = figures(client.get(URL))["overdue"]
    assert (number, rows_of(client, link)) == ("1", 1)


def test_an_application_whose_refresh_failed_leads_to_its_token(staff, cars):
    ApplicationToken.objects.create(client_id="good")
    ApplicationToken.objects.create(client_id="bad", refresh_error="invalid_client")
    client = staff("view_fleet", *VIEWS)
    number, link = figures(client.get(URL))["applications whose refresh failed"]
    assert (number, rows_of(client, link)) == ("1", 1)


def test_each_number_of_rows_leads_to_its_list(staff, cars):
    shown = figures(staff("view_fleet", *VIEWS).get(URL))
    assert {label for label, (_, link) in shown.items() if "?" not in link} == {"sent", "in the plan"}


def test_a_large_number_is_not_counted_to_its_end(staff, cars, monkeypatch):
    monkeypatch.setattr(fleet, "MAX_COUNTED", 2)
    for number in range(4):
        VehicleCommand.objects.create(
            vehicle=cars, action="lock", status="unknown", idempotency_key=str(number)
        )
    shown = figures(staff("view_fleet").get(URL))
    assert shown["connected"][0] == shown["unknown"][0] == "more than 2"


def test_no_statement_counts_all_rows_of_a_table_that_grows(staff, cars):
    """The requests of the plan are a row for each vehicle; commands, events and signals are many more."""
    client = staff("view_fleet", *VIEWS)
    with CaptureQueriesContext(connection) as statements:
        client.get(URL)
    counts = [query["sql"] for query in statements if "COUNT(" in query["sql"]]
    assert len(counts) > 15
    unlimited = [sql for sql in counts if f"LIMIT {fleet.MAX_COUNTED + 1}" not in sql]
    assert not [sql for sql in unlimited if "smartcar_connectedvehicle" not in sql]
    assert len(unlimited) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for sql in counts:
                if "smartcar_vehiclecommand" in sql or "smartcar_webhookevent" in sql:
                    cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                    assert not [row[3] for row in cursor.fetchall() if row[3].startswith("SCAN smartcar_")]


def test_the_number_of_statements_does_not_grow(staff, cars, make_vehicle, django_assert_max_num_queries):
    client = staff("view_fleet", *VIEWS)
    for number in range(20):
        make_vehicle(cars.account, f"car-{number}")
    with django_assert_max_num_queries(28):
        client.get(URL)


def test_an_empty_site(staff):
    shown = figures(staff("view_fleet", *VIEWS).get(URL))
    assert shown["connected"][0] == "0"
    assert shown["the oldest is due since"][0] == "–"
