"""Each event once, the newest reading of each signal, however many workers there are and whoever is killed.

INBOX_EVENTS=10000 is the long form.
"""

import json
import os
import subprocess
import sys

import pytest

from .demo import ROOT, environment

RUN = """
import json, sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests import inbox_crowd
json.dump(inbox_crowd.main(json.load(sys.stdin)), sys.stdout)
"""
EVENTS = int(os.environ.get("INBOX_EVENTS", "400"))


def run(told, folder, **more):
    variables = environment(
        folder,
        DJANGO_SETTINGS_MODULE="tests.crowd_settings",
        PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
        **more,
    )
    told = json.dumps(told)
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=told, env=variables, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def newest(sent):
    """What the cars should read: per signal, by when it was recorded and then by the sequence."""
    found = {}
    for event in sent:
        car, sequence = event["data"]["vehicle"]["id"], event["meta"]["sequence"]
        for signal in event["data"]["signals"]:
            rank = (signal["meta"]["oemUpdatedAt"], sequence)
            found[car, signal["code"]] = max(
                found.get((car, signal["code"]), (rank, signal["body"])),
                (rank, signal["body"]),
                key=lambda x: x[0],
            )
    cars = {car for car, _ in found}
    return {
        car: [
            found[car, "odometer-traveleddistance"][1]["value"],
            found[car, "location-preciselocation"][1]["latitude"],
            found[car, "location-preciselocation"][1]["longitude"],
        ]
        for car in cars
    }


@pytest.mark.parametrize("kind", ["sqlite"])
def test_each_event_is_handled_once_and_the_newest_reading_stays(tmp_path, kind):
    told = run({"events": EVENTS, "cars": max(EVENTS // 50, 8), "workers": 4}, tmp_path)
    assert told["killed"]
    assert told["hands"] > 1
    assert sorted(told["handled"]) == sorted(event["eventId"] for event in told["sent"])
    assert told["states"] == ["worked"]
    assert told["readings"] == newest(told["sent"])
