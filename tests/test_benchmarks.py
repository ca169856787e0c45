"""The benchmarks themselves: both sides do what they are measured at, and a claim can fail."""

import pytest

from benchmarks import __main__ as benchmarks


@pytest.fixture
def bench(tmp_path):
    bench = benchmarks.Bench(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    with bench.asking(0):
        yield bench


def test_both_sides_refresh_every_account(bench):
    for side in (["sdk"], ["ours", 2]):
        (told,) = bench.run(3, *side)
        assert told["left"] == 0
        assert told["until"] > told["since"]
        assert told["cpu"] > 0


def test_nothing_is_measured_where_an_account_was_left_out(bench):
    with pytest.raises(SystemExit, match="nothing is measured"):
        bench.run(3, "make", 3)


def test_a_claim_that_is_not_met_is_told_as_such(capsys):
    claims = [benchmarks.at_least("faster", 13, 12.9, " ×"), benchmarks.at_most("memory", 1.1, 1.0, " ×")]
    assert not benchmarks.report("SQLite", iter(claims))
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("  NOT MET")
    assert second.endswith("  met")
    assert benchmarks.report("SQLite", iter(claims[1:]))
