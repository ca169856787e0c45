"""Which tests are skipped, for want of a program or package, and which are marked as slow."""

import re
import shutil
from pathlib import Path

import pytest

from . import official
from .browser import axe, conftest
from .conftest import SLOW_FIXTURES

MISSING = "0.0.0|no-such-program|Node is not installed"


@pytest.fixture(
    params=[
        lambda: official.path_of("0.0.0"),
        lambda: official.node_sdk("0.0.0"),
        lambda: axe.script("0.0.0"),
        lambda: conftest.program("no-such-program"),
    ]
)
def require_missing(request):
    return request.param


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_node_its_tests_are_skipped_but_fail_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(outcome, match="Node is not installed: Smartcar's SDK for it was not tried"):
        official.node_sdk("10.4.0")


def test_a_missing_program_or_package_skips_the_test(require_missing, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=MISSING):
        require_missing()


def test_a_missing_program_or_package_fails_the_test_in_ci(require_missing, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        require_missing()


@pytest.mark.parametrize("name", sorted(SLOW_FIXTURES))
def test_no_other_fixture_has_the_name_of_one_that_marks_tests_as_slow(name):
    sources = [path.read_text() for path in Path(__file__).parent.rglob("*.py")]
    assert sum(len(re.findall(rf"@pytest\.fixture.*\ndef {name}\(", source)) for source in sources) == 1
