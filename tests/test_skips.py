"""A missing program or package skips a test, or fails it in CI, with a message that names it."""

import pytest

from . import official
from .browser import conftest


@pytest.fixture(params=[lambda: official.path_of("0.0.0"), lambda: conftest.program("no-such-program")])
def require_missing(request):
    return request.param


def test_a_missing_program_or_package_skips_the_test(require_missing, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="0.0.0|no-such-program"):
        require_missing()


def test_a_missing_program_or_package_fails_the_test_in_ci(require_missing, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="0.0.0|no-such-program"):
        require_missing()
