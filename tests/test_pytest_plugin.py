"""The fixtures in a project that uses the package: every block of docs/testing.rst, and more.

docs/testing.rst marks each block that is a file of that project, with a comment right before it::

    .. file: tests/test_cars.py

    .. code-block:: python

The project is the one that README.rst describes, without credentials and environment variables.
"""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .test_packaging import marked_code

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "testing.rst").read_text()
PLUGIN = (ROOT / "django_smartcar" / "pytest_plugin.py").read_text()

BLOCK = re.compile(r"^\.\. file: (\S+)\n\n\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.M)
FILES = {name: textwrap.dedent(code) for name, code in BLOCK.findall(PAGE)}
FIXTURES = re.findall(r"^@pytest.fixture(?:\(.*\))?\ndef (smartcar_\w+)", PLUGIN, re.M)


class Project:
    def __init__(self, folder):
        self.folder = folder
        excluded = ("DJANGO_", "SMARTCAR_", "PYTEST", "TEST_")
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(excluded)}
        self.environment = inherited | {"PYTHONPATH": str(ROOT)}
        self.run("-m", "django", "startproject", "mysite", ".")
        self.write(
            "pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = mysite.settings\nfilterwarnings = error\n"
        )
        self.write("tests/__init__.py", "")
        for step in ("settings", "urls"):
            self.write(f"mysite/{step}.py", "\n" + marked_code()[step])

    def write(self, name, text):
        """Append to a file of the project."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write(textwrap.dedent(text))

    def use_a_database_file(self):
        """Use a database file, which allows a second connection, like other databases."""
        self.write(
            "mysite/settings.py",
            """
            DATABASES["default"]["TEST"] = {"NAME": BASE_DIR / "test.sqlite3"}
            DATABASES["default"]["OPTIONS"] = {"init_command": "PRAGMA journal_mode=WAL"}
            """,
        )

    def run(self, *arguments, status=0):
        """Run Python in the project; returns the output."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def pytest(self, *arguments, status=0):
        return self.run("-m", "pytest", "-p", "no:cacheprovider", *arguments, status=status)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def documented(project):
    for name, code in FILES.items():
        project.write(name, code)
    return project


def test_every_block_of_the_page_is_tested():
    assert PAGE.count(".. code-block::") == len(FILES) == 8


def test_the_page_documents_every_fixture():
    tests = "".join(FILES.values())
    assert len(FIXTURES) == 6
    for name in FIXTURES:
        assert f"   * - ``{name}``\n" in PAGE
        assert re.search(rf"def test_\w+\(.*\b{name}\b|\"{name}\"|def vehicle\({name}\)", tests), name


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_the_tests_of_the_page_pass(documented, kind):
    if kind == "file":
        documented.use_a_database_file()
    said = documented.pytest()
    assert re.search(r"^=+ (\d+) passed in", said, re.M)[1] == str(number_of_tests())
    # Django copies the database file for each process, but not SQLite's journal files.
    said = documented.run("manage.py", "test", *(["--parallel", "2"] if kind == "memory" else []))
    assert "Found 4 test(s)" in said
    assert "\nOK\n" in said


def number_of_tests():
    code = "".join(FILES.values())
    return code.count("    def test_") + len(re.findall(r"^def test_", code, re.M)) + 1  # one is parametrized


def test_without_the_plugin_nothing_changes(project):
    project.write(
        "tests/test_it.py",
        """
        import socket
        import sys

        real = socket.getaddrinfo


        def test_it(request, pytestconfig):
            assert socket.getaddrinfo is real
            assert "django_smartcar.testing" not in sys.modules
            assert not pytestconfig.pluginmanager.has_plugin("django_smartcar.pytest_plugin")
        """,
    )
    project.pytest()


def test_a_test_that_sends_a_real_request_fails_with_a_hint(project):
    project.write("conftest.py", FILES["conftest.py"])
    project.write(
        "tests/test_it.py",
        """
        import pytest
        from django_smartcar import sdk, testing
        from django_smartcar.exceptions import SmartcarException

        @pytest.fixture(scope="session")
        def early():
            with pytest.raises(testing.NetworkBlocked):
                sdk.get_vehicle_ids("a token")

        def test_accident():
            try:
                sdk.get_vehicle_ids("a token")
            except SmartcarException:
                pass

        def test_a_fixture_of_the_session_is_no_way_round(early):
            pass

        @pytest.mark.smartcar_network
        def test_meant(monkeypatch):
            def arrived(*args, **kwargs):
                raise ConnectionAbortedError

            monkeypatch.setattr("urllib3.connectionpool.HTTPSConnectionPool.urlopen", arrived)
            with pytest.raises(SmartcarException, match="No response from Smartcar"):
                sdk.get_vehicle_ids("a token")
        """,
    )
    said = project.pytest("--strict-markers", status=1)
    assert re.search(r"1 failed, 2 passed", said)
    assert "NetworkBlocked: This test has no simulator for GET to api.smartcar.com." in said
    assert "Use the simulator: the fixture smartcar_simulator" in said
    assert "FAILED tests/test_it.py::test_accident" in said


def test_settings_are_restored_in_any_order_of_fixtures(project):
    project.write("conftest.py", FILES["conftest.py"])
    project.write(
        "tests/test_it.py",
        """
        import pytest
        from django.conf import settings as real

        NAMES = ("SMARTCAR_CLIENT_ID", "SMARTCAR_TIMEOUT", "SMARTCAR_API_URL", "ALLOWED_HOSTS")
        before = [getattr(real, name, None) for name in NAMES]

        def test_simulator_last(settings, smartcar_simulator):
            settings.SMARTCAR_TIMEOUT = 3
            settings.SMARTCAR_CLIENT_ID = "mine"

        def test_simulator_first(smartcar_live_simulator, settings):
            settings.SMARTCAR_TIMEOUT = 4
            settings.SMARTCAR_CLIENT_ID = "mine"

        def test_port_inside(smartcar_simulator):
            with smartcar_simulator.on_a_port() as url:
                assert real.SMARTCAR_API_URL.startswith(url)
            assert real.SMARTCAR_API_URL.startswith(smartcar_simulator.url)

        def test_zz_after():
            now = [getattr(real, name, None) for name in NAMES]
            assert now[:3] == before[:3]
            assert set(now[3]) == {*before[3], "testserver"}
        """,
    )
    assert "4 passed" in project.pytest("-p", "no:randomly")


@pytest.mark.parametrize("kind", ["db", "transactional_db"])
def test_a_token_survives_a_rollback_where_it_does_on_a_site(project, kind):
    project.write("conftest.py", FILES["conftest.py"])
    project.write(
        "tests/test_it.py",
        f"""
        import pytest
        from django.db import transaction
        from django_smartcar.models import ApplicationToken
        from django_smartcar.services import tokens, vehicles

        def test_it({kind}, smartcar_account):
            ApplicationToken.objects.update(access_token="", access_expires_at=None)
            with pytest.raises(KeyError), transaction.atomic():
                tokens.access_token(smartcar_account)
                raise KeyError
            assert bool(ApplicationToken.objects.get().access_token) is {kind == "transactional_db"}
            assert vehicles.odometer(smartcar_account.vehicles.get())["data"]["distance"] > 0
        """,
    )
    project.use_a_database_file()
    assert "1 passed" in project.pytest()


def test_the_plugin_may_be_loaded_before_django(project):
    project.write("tests/test_it.py", FILES["tests/test_cars.py"])
    assert "4 passed" in project.pytest("-p", "django_smartcar.pytest_plugin")


def test_the_package_does_not_need_pytest(project):
    code = """
        import os, sys
        sys.modules["pytest"] = None
        os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
        import django
        django.setup()
        import django_smartcar.urls
        assert "django_smartcar.testing" not in sys.modules
        import django_smartcar.testing
    """
    project.run("-c", textwrap.dedent(code))
