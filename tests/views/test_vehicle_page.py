import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from django_smartcar.models import PERMISSION_NAMES
from django_smartcar.sdk.signals import TYPES
from django_smartcar.services import readings
from django_smartcar.services.command_specs import COMMANDS

pytestmark = pytest.mark.django_db


@pytest.fixture
def driven(make_vehicle, account):
    """Anna's car, with values of three days and of three weeks ago."""
    vehicle = make_vehicle(account, permissions=["read_odometer", "read_battery", "read_location"])
    now = timezone.now()
    readings.save(vehicle, "odometer", 1000, "km", now - timedelta(days=21))
    readings.save(vehicle, "odometer", 1100, "km", now - timedelta(days=3))
    readings.save(vehicle, "battery_level", 0.5, "fraction", now - timedelta(days=3))
    return vehicle


@pytest.fixture
def annas(client, anna):
    client.force_login(anna)
    return client


def url_of(vehicle):
    return f"/cars/{vehicle.pk}/"


def test_the_owner_sees_the_history_of_a_week(annas, driven):
    page = annas.get(url_of(driven))
    assert [chart.signal for chart in page.context["charts"]] == ["battery_level", "odometer"]
    assert "<td>1,100.0</td>" in page.text
    assert "<td>1,000.0</td>" not in page.text
    assert '<a href="?period=week#smartcar-history" aria-current="true">Week</a>' in page.text
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(
    ("period", "shown"), [("day", []), ("week", ["1,100.0"]), ("month", ["1,000.0", "1,100.0"])]
)
def test_a_period_can_be_chosen(annas, driven, period, shown):
    page = annas.get(url_of(driven), {"period": period})
    assert [
        row.average for chart in page.context["charts"] if chart.signal == "odometer" for row in chart.rows
    ] == shown
    assert ("There are no values in this period yet." in page.text) is (period == "day")


@pytest.mark.parametrize("period", ["", "decade", "<b>", "\x00"])
def test_an_unknown_period_is_a_week(annas, driven, period):
    assert annas.get(url_of(driven), {"period": period}).context["period"] == "week"


def test_another_user_gets_a_404(bert, driven):
    client = Client()
    client.force_login(bert)
    assert client.get(url_of(driven)).status_code == 404


def test_an_anonymous_user_is_sent_to_the_login(client, driven):
    assert client.get(url_of(driven)).url == f"/login/?next={url_of(driven)}"


def test_a_disconnected_car_has_no_page(annas, driven):
    driven.disconnected_at = timezone.now()
    driven.save()
    assert annas.get(url_of(driven)).status_code == 404


def test_a_post_is_refused(annas, driven):
    assert annas.post(url_of(driven)).status_code == 405


def test_the_number_of_statements_does_not_depend_on_the_history(
    annas, driven, django_assert_max_num_queries
):
    for hours in range(1, 40):
        readings.save(driven, "battery_level", 0.5, "fraction", timezone.now() - timedelta(hours=hours))
    # Session, user, car, commands, signals, refused commands and history.
    with django_assert_max_num_queries(7):
        annas.get(url_of(driven))


def test_the_list_links_to_it(annas, driven):
    assert f'<a href="{url_of(driven)}"' in annas.get("/cars/").text


def test_everything_that_is_shared_is_named(annas, make_vehicle, account, settings):
    settings.SMARTCAR_SCOPE = ["required:read_odometer", "read_location", "read_alerts"]
    car = make_vehicle(account, permissions=["control_trunk", "read_vin", "read_odometer"])
    page = annas.get(url_of(car)).text
    assert "Shared with this site: VIN, odometer, control trunk." in page
    assert "Not shared with this site: location, read alerts." in page


def test_each_permission_of_a_signal_or_a_command_has_a_name():
    needed = {signal.permission for signal in TYPES.values()} | {spec.scope for spec in COMMANDS.values()}
    assert needed - {""} == set(PERMISSION_NAMES)


def test_a_page_from_right_to_left_keeps_names_and_values_together(annas, driven, settings):
    settings.LANGUAGES = [("ar", "Arabic")]
    page = annas.get(url_of(driven), headers={"accept-language": "ar"}).text
    assert '<html lang="ar" dir="rtl">' in page
    assert "<bdi>2021 Chevrolet Bolt</bdi></h1>" in page
    assert re.search(r"<dd><bdi>1,?100[.,]0\xa0km</bdi> <small>", page)
