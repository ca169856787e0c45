"""Tests of the benchmarks: each side does the work that is measured, and a claim can fail."""

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import bench as benches
from benchmarks import growth, pages, reading, receiving, refreshing, starting, syncing, working

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(tmp_path):
    return benches.Bench(f"sqlite:///{tmp_path / 'db.sqlite3'}")


@pytest.fixture
def smartcar(bench):
    with bench.smartcar(0) as smartcar:
        yield smartcar


def assert_is_measurement(result):
    assert result["ended"] > result["started"]
    assert result["seconds"] > 0
    assert result["cpu"] > 0
    assert result["peak"] > 1_000


def test_both_sides_refresh_every_account(bench, smartcar):
    for side in (["sdk"], ["ours", 2]):
        (result,) = refreshing.run(bench, 3, *side)
        assert result["remaining"] == 0
        assert_is_measurement(result)


def test_a_run_that_left_out_an_account_is_discarded(bench, smartcar):
    with pytest.raises(SystemExit, match="measurement is discarded"):
        refreshing.run(bench, 3, "prepare", 3)


def test_each_side_reads_the_given_number_of_times(bench, smartcar):
    results = reading.measure(bench, calls=3, times=1)
    for result in results.values():
        assert_is_measurement(result)
    # One more for each side, which is not measured.
    assert smartcar.requests() == len(results) * 4


def test_the_requests_for_six_readings_are_counted_at_the_server(bench, smartcar):
    bench.run("reading", "prepare", 1)
    assert reading.six_readings(bench, smartcar) == (1, 6)
    bench.run("reading", "sdk_alone", 3)
    assert smartcar.requests() == 5


def test_a_run_that_did_not_save_a_reading_is_discarded(bench, smartcar):
    bench.run("reading", "prepare", 1)
    bench.run("reading", "service", 1)
    run = bench.run
    bench.run = lambda subject, side, *args: {} if side == "prepare" else run(subject, side, *args)
    with pytest.raises(SystemExit, match="measurement is discarded"):
        reading.measure(bench, calls=1, times=1)


def test_every_vehicle_is_synced(bench, smartcar):
    assert_is_measurement(syncing.run(bench, 3))
    assert smartcar.requests() == 3


def test_a_failing_side_stops_the_benchmark(bench, smartcar):
    bench.environment["BENCH_SMARTCAR_URL"] = "https://127.0.0.1:1"
    with pytest.raises(SystemExit, match="has failed"):
        syncing.run(bench, 1)


def test_each_side_stores_what_it_receives(bench):
    results = receiving.measure(bench, ["ours", "bare"], events=3, times=1)
    for result in results.values():
        assert result["stored"] == 4
        assert_is_measurement(result)


def test_a_run_that_did_not_store_an_event_is_discarded(bench):
    bench.run("receiving", "prepare")
    bench.run("receiving", "bare", 1)
    with pytest.raises(SystemExit, match="measurement is discarded"):
        receiving.measure(bench, ["ours", "bare"], events=1, times=1)


@pytest.mark.parametrize("processes", [1, 2])
def test_each_side_processes_every_event(database, processes):
    bench = benches.Bench(database)
    results = working.measure(bench, events=6, cars=3, processes=processes, times=1)
    assert set(results) == {"ours", "limit"}
    for result in results.values():
        assert result["seconds"] > 0
        assert (result["processed"], result["cars"]) == (6, 3)


def test_a_run_that_did_not_process_an_event_is_discarded(bench):
    run = bench.run
    bench.run = lambda subject, side, *args: run(subject, side, *(["7", "3"] if side == "prepare" else args))
    with pytest.raises(SystemExit, match="measurement is discarded"):
        working.measure(bench, events=6, cars=3, processes=1, times=1)


def test_only_postgresql_has_a_claim_about_processing(tmp_path, monkeypatch):
    measured = {"ours": {"seconds": 4}, "limit": {"seconds": 1}}
    monkeypatch.setattr(working, "measure", lambda *args: measured)
    for url, is_met in (("sqlite:///db", True), ("mysql://db", True), ("postgres://db", False)):
        claims = list(working.claims(benches.Bench(url)))
        assert [claim.is_met for claim in claims] == [is_met, True] * 2
        assert claims[0].measured == "0.25 ×"


def test_each_page_is_measured_in_a_database_with_this_many_cars(bench):
    database = {"DJANGO_SETTINGS_MODULE": "benchmarks.growth_settings"}
    assert bench.run("growth", "prepare", 30, **database) == {
        "vehicles": 59,  # the first driver has a fleet
        "readings": 59 * 50,
        "events": 59 * 10,
        "signals": 59 * 10,
        "commands": 59 * 5,
    }
    found = bench.run("growth", "measure", 1, **database)
    assert set(found) == set(growth.MAXIMA)
    for numbers in found.values():
        assert numbers["total"] > numbers["database"] > 0
        assert numbers["statements"] > 2


def test_growth_is_measured_at_two_sizes(bench, monkeypatch):
    monkeypatch.setitem(growth.SIZES, "sqlite", (3, 30))
    claims = list(growth.claims(bench))
    assert [claim.what for claim in claims[:3]] == [
        "readings, 30 cars, 5 statements",
        "    of that in the database",
        "    compared with 3 cars",
    ]
    assert len(claims) == 3 * len(growth.MAXIMA)


def test_the_pages_of_a_driver_are_measured(bench, monkeypatch):
    monkeypatch.setattr(pages, "TIMES", 3)
    monkeypatch.setattr(pages, "REPEATS", 1)
    claims = {claim.what: claim for claim in pages.claims(bench)}
    assert claims["your cars, 5 cars, statements"].is_met
    assert claims["    more than with one car"].measured == "0"
    assert float(claims["    of that compressed by gzip, as many servers do"].measured.split()[0]) > 3


def test_a_failed_installation_of_dj_stripe_is_reported(bench, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(receiving, "FOLDER", tmp_path / "dj-stripe")
    monkeypatch.setattr(receiving, "PACKAGES", ["--no-index", "dj-stripe==0"])
    assert not receiving.has_djstripe()
    assert "could not be installed" in capfd.readouterr().out


def test_dj_stripe_stores_what_it_receives(bench):
    if not receiving.FOLDER.is_dir():
        pytest.skip("dj-stripe is installed by the benchmark, and only there")
    results = receiving.measure(bench, ["djstripe"], events=3, times=1)
    assert results["djstripe"]["stored"] == 4


def test_the_median_of_each_number_counts():
    numbers = iter([1, 10, 5, 50, 3, 30])
    runs = {name: lambda: {"cpu": next(numbers)} for name in ("ours", "peer")}
    assert benches.medians(3, runs) == {"ours": {"cpu": 3}, "peer": {"cpu": 30}}


def test_a_claim_that_is_not_met_is_marked(capsys):
    claims = [benches.at_least("faster", 13, 12.9, " ×"), benches.at_most("memory", 1.1, 1.0, " ×")]
    assert not benches.report("SQLite", iter(claims))
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("  NOT MET")
    assert second.endswith("  met")
    assert benches.report("SQLite", iter(claims[1:]))


def test_a_number_for_comparison_has_no_verdict(capsys):
    assert benches.report("SQLite", iter([benches.for_comparison("theirs", 4.2, " ×")]))
    assert capsys.readouterr().out.endswith("4.2 ×\n")


def test_all_subjects_run_unless_some_are_named(capsys):
    everything = [starting, refreshing, reading, syncing, receiving, working, growth, pages]
    assert benchmarks.parse_subjects([]) == everything
    assert benchmarks.parse_subjects(["syncing", "reading"]) == [syncing, reading]
    with pytest.raises(SystemExit):
        benchmarks.parse_subjects(["syncin"])
    assert "unknown subject syncin" in capsys.readouterr().err


def test_the_start_of_both_sites_is_measured():
    assert all(milliseconds > 0 for milliseconds in starting.measure(times=1))
