"""The benchmarks themselves: each side does what it is measured at, and a claim can fail."""

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import bench as benches
from benchmarks import reading, receiving, refreshing, syncing

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(tmp_path):
    return benches.Bench(f"sqlite:///{tmp_path / 'db.sqlite3'}")


@pytest.fixture
def smartcar(bench):
    with bench.asking(0) as smartcar:
        yield smartcar


def assert_took(took):
    assert took["until"] > took["since"]
    assert took["seconds"] > 0
    assert took["cpu"] > 0
    assert took["peak"] > 1_000


def test_both_sides_refresh_every_account(bench, smartcar):
    for side in (["sdk"], ["ours", 2]):
        (told,) = refreshing.run(bench, 3, *side)
        assert told["left"] == 0
        assert_took(told)


def test_nothing_is_measured_where_an_account_was_left_out(bench, smartcar):
    with pytest.raises(SystemExit, match="nothing is measured"):
        refreshing.run(bench, 3, "make", 3)


def test_each_side_reads_as_often_as_it_is_told(bench, smartcar):
    took = reading.measure(bench, calls=3, times=1)
    for told in took.values():
        assert_took(told)
    # One more for each side: it is not measured.
    assert smartcar.requests() == len(took) * 4


def test_six_facts_are_counted_at_the_server(bench, smartcar):
    bench.run("reading", "make", 1)
    assert reading.six(bench, smartcar) == (1, 6)
    bench.run("reading", "sdk_alone", 3)
    assert smartcar.requests() == 5


def test_nothing_is_measured_where_a_reading_was_not_kept(bench, smartcar):
    bench.run("reading", "make", 1)
    bench.run("reading", "service", 1)
    run = bench.run
    bench.run = lambda subject, side, *args: {} if side == "make" else run(subject, side, *args)
    with pytest.raises(SystemExit, match="nothing is measured"):
        reading.measure(bench, calls=1, times=1)


def test_every_vehicle_is_synced(bench, smartcar):
    assert_took(syncing.run(bench, 3))
    assert smartcar.requests() == 3


def test_nothing_is_measured_where_a_side_fails(bench, smartcar):
    bench.environment["BENCH_SMARTCAR_URL"] = "https://127.0.0.1:1"
    with pytest.raises(SystemExit, match="has failed"):
        syncing.run(bench, 1)


def test_each_side_stores_what_it_receives(bench):
    took = receiving.measure(bench, ["ours", "bare"], events=3, times=1)
    for told in took.values():
        assert told["stored"] == 4
        assert_took(told)


def test_nothing_is_measured_where_an_event_was_not_stored(bench):
    bench.run("receiving", "make")
    bench.run("receiving", "bare", 1)
    with pytest.raises(SystemExit, match="nothing is measured"):
        receiving.measure(bench, ["ours", "bare"], events=1, times=1)


def test_where_dj_stripe_cannot_be_had_it_is_said(bench, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(receiving, "FOLDER", tmp_path / "dj-stripe")
    monkeypatch.setattr(receiving, "PACKAGES", ["--no-index", "dj-stripe==0"])
    assert not receiving.has_djstripe()
    assert "could not be installed" in capfd.readouterr().out


def test_dj_stripe_stores_what_it_receives(bench):
    if not receiving.FOLDER.is_dir():
        pytest.skip("dj-stripe is installed by the benchmark, and only there")
    took = receiving.measure(bench, ["djstripe"], events=3, times=1)
    assert took["djstripe"]["stored"] == 4


def test_the_median_of_each_figure_counts():
    figures = iter([1, 10, 5, 50, 3, 30])
    runs = {name: lambda: {"cpu": next(figures)} for name in ("ours", "peer")}
    assert benches.in_turn(3, runs) == {"ours": {"cpu": 3}, "peer": {"cpu": 30}}


def test_a_claim_that_is_not_met_is_told_as_such(capsys):
    claims = [benches.at_least("faster", 13, 12.9, " ×"), benches.at_most("memory", 1.1, 1.0, " ×")]
    assert not benches.report("SQLite", iter(claims))
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("  NOT MET")
    assert second.endswith("  met")
    assert benches.report("SQLite", iter(claims[1:]))


def test_a_figure_for_comparison_claims_nothing(capsys):
    assert benches.report("SQLite", iter([benches.told_only("theirs", 4.2, " ×")]))
    assert capsys.readouterr().out.endswith("4.2 ×\n")


def test_all_subjects_are_measured_unless_some_are_named(capsys):
    assert benchmarks.chosen([]) == [refreshing, reading, syncing, receiving]
    assert benchmarks.chosen(["syncing", "reading"]) == [syncing, reading]
    with pytest.raises(SystemExit):
        benchmarks.chosen(["syncin"])
    assert "there is no subject syncin" in capsys.readouterr().err
