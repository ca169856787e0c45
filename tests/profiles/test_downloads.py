"""Of each profile: what a car truly has, beside what the page of its owner and the downloads say."""

import csv
import html
import io
import json
import re
from datetime import datetime

import pytest

from django_smartcar.sdk.readings import SOURCES
from django_smartcar.services import vehicles

from . import known_differences, texts, truth
from .test_events import differences, without_reasons
from .test_reads import SCENARIOS

pytestmark = pytest.mark.django_db(transaction=True)

ROW = re.compile(r"<dt>(?:<svg.*?</svg> )?(.*?)</dt>\s*<dd><bdi>(.*?)</bdi> <small>", re.DOTALL)


@pytest.fixture
def read_car(smartcar, connect_car, client):
    """Connect a car of a profile, parked, and read all of it; return it with its owner's browser."""

    def read(profile, unit_system="metric"):
        connected = connect_car(profile)
        connected.vehicle.unit_system = unit_system
        connected.vehicle.save()
        vehicles.read(connected.vehicle, SOURCES)
        client.force_login(connected.vehicle.account.smartcar_user.user)
        return connected, client

    return read


in_all_profiles = pytest.mark.parametrize(
    ("profile", "smartcar"), [row for row in SCENARIOS if "asleep" not in row[0]], indirect=["smartcar"]
)


def cell_of(text, value):
    """Return the text of a cell as a value of the type of another one."""
    if isinstance(value, str):
        return text.removeprefix("'") if text[1:2] in "=+-@" else text
    return {"True": True, "False": False}.get(text) if isinstance(value, bool) else json.loads(text)


@in_all_profiles
def test_the_downloads_say_what_is_stored(read_car, profile):
    connected, browser = read_car(profile)
    stored = {name: state for name, state in connected.vehicle.signals.items() if state.has_value}
    in_json = json.loads(browser.get("/cars/readings.json").getvalue())
    in_csv = list(
        csv.DictReader(io.StringIO(browser.get("/cars/readings.csv").getvalue().decode("utf-8-sig")))
    )
    assert len(in_csv) == len(in_json) == len(stored)
    for row, line in zip(in_json, in_csv, strict=True):
        state = stored.pop(row["signal"])
        assert texts.of_stored(row["value"], row["unit"]) == texts.of_state(state)
        assert (row["vehicle"], row["unit"]) == (connected.car.id, state.unit)
        assert texts.time(datetime.fromisoformat(row["recorded_at"])) == texts.time(state.at)
        assert (line["signal"], line["unit"]) == (row["signal"], row["unit"])
        assert cell_of(line["value"], row["value"]) == row["value"]
        assert datetime.fromisoformat(line["recorded_at"]) == state.at
    assert not stored


@pytest.mark.parametrize("unit_system", ["metric", "imperial"])
@in_all_profiles
def test_the_page_says_what_the_car_has(read_car, settings, profile, unit_system):
    connected, browser = read_car(profile, unit_system)
    page = browser.get(f"/cars/{connected.vehicle.pk}/").text
    rows = ROW.findall(html.unescape(page.replace("\N{NO-BREAK SPACE}", " ")))
    true = truth.of_page(connected.car, unit_system)
    is_v2 = settings.SMARTCAR_API_VERSION != "3"
    table = known_differences.V2_PAGE if is_v2 else known_differences.PAGE
    if is_v2:
        del true["Temperature"]  # API v2 tells none
    expected = {
        label: (true[label], told[unit_system == "imperial"])
        for label, told in without_reasons(table.get(profile, {})).items()
    }
    assert differences(true, dict(rows)) == expected
