"""The version, the changelog, the tag and the metadata agree, as RELEASING.rst and docs/versions.rst say."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import run
from django_smartcar import __version__

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8")
VERSIONS = (ROOT / "docs" / "versions.rst").read_text(encoding="utf-8")
INSTALLATION = (ROOT / "docs" / "installation.rst").read_text(encoding="utf-8")
METADATA = configparser.ConfigParser()
METADATA.read(ROOT / "setup.cfg")
HEADING = re.compile(r"^(\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)\n=+$", re.M)


def tags_of_this_commit():
    """Return the tags of the commit that is checked out; in an unpacked sdist there are none."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return []
    command = ["git", "tag", "--points-at", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()


def problems(version, changelog, tags, has_urls):
    """Return what must be changed before these can be released, or be worked on after a release."""
    headings = HEADING.findall(changelog)
    if not headings or headings[0][0] != version:
        return ["the first heading of the changelog is not the version"]
    found = []
    is_released = headings[0][1] != "unreleased"
    if any(date == "unreleased" for _, date in headings[1:]):
        found.append("an earlier heading of the changelog has no date")
    if is_released and not has_urls:
        found.append("setup.cfg has no project_urls")
    if tags and (tags != [f"v{version}"] or not is_released):
        found.append("the tag is not that of a released version")
    return found


def test_the_version_the_changelog_and_the_tag_agree():
    has_urls = METADATA.has_option("metadata", "project_urls")
    assert problems(__version__, CHANGELOG, tags_of_this_commit(), has_urls) == []


OPEN = "0.2.0 (unreleased)\n==================\n\n0.1.0 (2027-01-01)\n==================\n"
RELEASED = OPEN.replace("unreleased", "2027-02-01")


@pytest.mark.parametrize(
    ("version", "changelog", "tags", "has_urls", "expected"),
    [
        ("0.2.0", OPEN, [], False, ""),
        ("0.2.0", RELEASED, ["v0.2.0"], True, ""),
        ("0.1.0", OPEN, [], True, "not the version"),
        ("0.2.0", "Unreleased\n==========\n", [], True, "not the version"),
        ("0.2.0", RELEASED.replace("2027-01-01", "unreleased"), [], True, "has no date"),
        ("0.2.0", RELEASED, [], False, "project_urls"),
        ("0.2.0", OPEN, ["v0.2.0"], True, "the tag"),
        ("0.2.0", RELEASED, ["v0.1.0"], True, "the tag"),
    ],
)
def test_a_disagreement_is_found(version, changelog, tags, has_urls, expected):
    found = problems(version, changelog, tags, has_urls)
    assert (expected in found[0] and len(found) == 1) if expected else found == []


def test_the_page_of_versions_names_those_that_the_matrix_tests():
    rows = re.findall(r"^   \* - (\d\.\d)\b.*\n     - (3\..+)$", VERSIONS, re.M)
    assert (
        sorted(f"{python} {django}" for django, pythons in rows for python in pythons.split(", "))
        == run.MATRIX
    )


def test_the_pages_of_installation_and_versions_name_the_requirements_and_extras():
    for requirement in METADATA["options"]["install_requires"].split():
        assert requirement.partition(">=")[0] in INSTALLATION
    assert re.findall(r"^   \* - ``(\w+)``$", INSTALLATION, re.M) == list(METADATA["options.extras_require"])
    (lowest,) = re.findall(r"Django>=([\d.]+)", METADATA["options"]["install_requires"])
    assert f"(from {lowest})" in VERSIONS
