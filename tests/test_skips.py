"""A test that lacks a program or a package says so, is counted as skipped, and fails where CI is."""

import pytest

from . import official
from .browser import conftest


@pytest.fixture(params=[lambda: official.path_of("0.0.0"), lambda: conftest.program("no-such-program")])
def lacks_something(request):
    return request.param


def test_what_is_missing_is_named_and_skips_the_test(lacks_something, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="0.0.0|no-such-program"):
        lacks_something()


def test_what_is_missing_fails_the_test_in_ci(lacks_something, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="0.0.0|no-such-program"):
        lacks_something()
