"""A limit holds for all processes of a site together."""

from .. import databases


def test_processes_together_grant_no_more_than_the_limit(database, smartcar, tmp_path):
    result = databases.run(
        "processes.concurrent_limits", {"workers": 4, "limit": 20}, database, tmp_path, smartcar
    )
    assert result["asked"] == 80
    assert result["granted"] == 20
    assert result["rows"] == 1
