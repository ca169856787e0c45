import pytest

from django_smartcar.diagnostics.results import Context


@pytest.fixture
def examination():
    """Of a site at https://your.site, all of whose hosts answer."""
    return Context("https://your.site")


@pytest.fixture
def find(examination):
    """What a step finds: ``(outcome, text, advice)`` of each."""

    def find(step):
        return [(finding.outcome, finding.text, finding.advice) for finding in step(examination)]

    return find


@pytest.fixture
def find_one(find):
    def find_one(step):
        (finding,) = find(step)
        return finding

    return find_one
