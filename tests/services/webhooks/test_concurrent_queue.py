"""Each event is processed once, and the latest readings are kept, with several workers, and with killed ones.

INBOX_EVENTS=10000 is the long form.
"""

import os
from signal import SIGKILL

from ... import databases

EVENTS = int(os.environ.get("INBOX_EVENTS", "300"))


def newest(sent):
    """Return the expected readings: the last of each signal by recording time, then by sequence."""
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


def test_each_event_is_handled_once_and_the_newest_reading_stays(database, smartcar, tmp_path):
    options = {"events": EVENTS, "cars": max(EVENTS // 50, 8), "workers": 4}
    result = databases.run("processes.concurrent_queue", options, database, tmp_path, smartcar, seconds=1200)
    print({what: round(seconds, 1) for what, seconds in result["seconds"].items()})  # noqa: T201 (pytest -s)
    assert result["killed"]
    assert result["exits"] == [-SIGKILL, 0, 0, 0]
    assert result["workers"] > 1
    assert sorted(result["handled"]) == sorted(event["eventId"] for event in result["sent"])
    assert result["states"] == ["processed"]
    assert result["readings"] == newest(result["sent"])


def test_two_workers_share_a_backlog_and_do_not_block_each_other(database, smartcar, tmp_path):
    """Many events of few cars in random order: a deadlock would be an error of the database."""
    options = {"events": 1000, "cars": 150, "workers": 2, "is_backlog": True}
    result = databases.run("processes.concurrent_queue", options, database, tmp_path, smartcar, seconds=300)
    assert (result["exits"], result["errors"]) == ([0, 0], 0)
    assert result["workers"] == 2 or database.startswith("sqlite")  # which lets one writer wait for long
    assert sorted(result["handled"]) == sorted(event["eventId"] for event in result["sent"])
    assert result["states"] == ["processed"]
    assert result["readings"] == newest(result["sent"])


def test_each_event_is_handled_once_whenever_a_worker_is_killed(database, smartcar, tmp_path):
    options = {"events": 4, "cars": 2}
    results = databases.run("processes.kill_worker", options, database, tmp_path, smartcar, seconds=300)
    assert len(results) > 30
    assert [result["killed"] for result in results] == [True] * (len(results) - 1) + [False]
    # The killed worker has marked all of the events, or none.
    assert {result["processed_by_the_killed"] for result in results} == {0, 4}
    for result in results:
        assert result["is_handled_once"]
        assert result["states"] == ["processed"]
        assert result["latest"] == result["expected"]
