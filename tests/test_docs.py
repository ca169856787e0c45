"""README.rst is a page that a package index can show; it and the translations agree with the code."""

import re
from gettext import GNUTranslations
from pathlib import Path

import pytest

import django_smartcar

from .missing import skip_or_fail

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.rst").read_text()


def test_the_readme_is_one_page():
    assert len(README.splitlines()) <= 150


def test_the_readme_renders_without_a_warning_and_without_relative_links():
    """An index has no Sphinx, inserts no file, and does not have those of the source."""
    try:
        from docutils import core, nodes
    except ModuleNotFoundError:
        skip_or_fail("the README is rendered with docutils")
    strict = {"halt_level": 2, "raw_enabled": False, "file_insertion_enabled": False, "_disable_config": True}
    page = core.publish_doctree(README, settings_overrides=strict)
    links = [node.get("refuri", "") for node in page.findall(nodes.reference)]
    assert links
    assert not [link for link in links if not link.startswith(("https://", "http://127.0.0.1:8000/"))]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"``([\w./]+\.rst|LICENSE|docs|docs/\w+)``", README))))
def test_a_file_that_the_readme_names_exists(name):
    assert (ROOT / name).exists() or (ROOT / "docs" / "howto" / name).exists()


def test_supported_versions_match_the_metadata():
    metadata = (ROOT / "setup.cfg").read_text()
    for django in ("5.2", "6.0", "6.1"):
        assert django in README
        assert f"Framework :: Django :: {django}" in metadata
    for python in ("3.11", "3.12", "3.13"):
        assert python in README
        assert f"Python :: {python}" in metadata


def test_the_images_of_the_readme_exist():
    for name in re.findall(r"image:: (docs/\S+)", README):
        assert (ROOT / name).is_file()


def test_the_package_has_a_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", django_smartcar.__version__)


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("django_smartcar/**/*.po")), ids=lambda path: path.parts[-3]
)
def test_a_translation_is_complete_and_compiled(path):
    catalogue = path.read_text()
    assert "fuzzy" not in catalogue
    assert not re.findall(r'^msgstr(?:\[\d\])? ""\n(?!")', catalogue, re.M), "a message has no translation"
    with path.with_suffix(".mo").open("rb") as compiled:
        words = GNUTranslations(compiled)._catalog
    messages = {key[0] if isinstance(key, tuple) else key for key in words} - {""}
    assert len(messages) == len(re.findall(r"^msgid ", catalogue, re.M)) - 1
