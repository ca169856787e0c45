"""What each process of a site imports at its start: nothing that only a request to Smartcar needs."""

import subprocess
import sys

import pytest

from django_smartcar.admin import display
from django_smartcar.services.fleet import Health

SETUP = """
import django
from django.conf import settings
names = "admin auth contenttypes messages sessions staticfiles".split()
apps = [*(f"django.contrib.{name}" for name in names), "django_smartcar"]
settings.configure(INSTALLED_APPS=apps, STATIC_URL="/static/")
django.setup()
"""


def imported_by(code):
    """Return the modules that a new Python imports."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_setup_imports_neither_requests_nor_cryptography_nor_the_services():
    modules = imported_by(SETUP)
    assert {"django_smartcar.models", "django_smartcar.admin.vehicles"} <= modules
    packages = ("sdk", "services", "charts", "urls", "views")
    late = {"requests", "urllib3", "cryptography", *(f"django_smartcar.{name}" for name in packages)}
    assert not modules & late


@pytest.mark.parametrize("code", ["import django_smartcar", SETUP, f"{SETUP}import django_smartcar.urls"])
def test_the_simulator_is_not_imported(code):
    modules = imported_by(code)
    assert "django_smartcar" in modules
    assert not [name for name in modules if name.startswith("django_smartcar.simulator")]


def test_the_package_itself_imports_nothing_of_its_own():
    assert not [name for name in imported_by("import django_smartcar") if name.startswith("django_smartcar.")]


def test_each_state_of_a_vehicle_has_its_color():
    assert set(Health.values) - set(display.COLORS) == {Health.DISCONNECTED}
