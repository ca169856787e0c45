"""README.rst and the translations agree with the code."""

import re
from gettext import GNUTranslations
from pathlib import Path

import pytest

import django_smartcar
from django_smartcar.conf import Settings
from django_smartcar.simulator.conf import Settings as SimulatorSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.rst").read_text()


def test_every_setting_that_is_mentioned_exists():
    assert set(re.findall(r"\bSMARTCAR_[A-Z_]+\b", README)) <= {*vars(Settings), *vars(SimulatorSettings)}


@pytest.mark.parametrize("name", re.findall(r"^\s+\$ python3 (run\.py \w+)", README, re.M))
def test_a_command_of_the_readme_exists(name):
    file, verb = name.split()
    assert f"def {verb}(" in (ROOT / file).read_text()


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
