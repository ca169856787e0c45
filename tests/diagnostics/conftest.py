import pytest

from django_smartcar.diagnostics.results import Context


@pytest.fixture
def context():
    """Return the context of a run for https://your.site, with all hosts reachable."""
    return Context("https://your.site")


@pytest.fixture
def find(context):
    """Run a check; returns ``(outcome, text, hint)`` of each result."""

    def find(check):
        return [(result.outcome, result.text, result.hint) for result in check(context)]

    return find


@pytest.fixture
def find_one(find):
    """Run a check that has one result, and return that."""

    def find_one(check):
        (result,) = find(check)
        return result

    return find_one
