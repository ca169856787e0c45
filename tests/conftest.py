import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import hypothesis
import pytest
import responses
import time_machine
from cryptography.fernet import Fernet
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser
from django_smartcar.services import connect
from django_smartcar.services.connect import _state
from django_smartcar.services.connect._ownership import Callback
from django_smartcar.simulator import store

from . import databases
from .mock_api import MockApi
from .simulator_server import SimulatorServer
from .site_processes import Site
from .token_server import TokenServer

PERMISSIONS = ["read_vehicle_info", "read_odometer", "read_location", "control_security"]

#: Fixtures that start processes, database servers or browsers: every test that uses one is slow.
SLOW_FIXTURES = {"postgresql", "mariadb", "database", "site_in_processes", "chromium", "example", "dist"}

#: Fixtures that are expensive or heavy, and what their tests share: one worker runs all of them.
GROUPS = {"chromium": "browser", "dist": "packaging"}

# Examples have no time limit: a busy machine must not fail a test.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests as slow, and group them for pytest-xdist, by the fixtures that they use."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & SLOW_FIXTURES:
            item.add_marker("slow")
        for name in sorted(fixtures & GROUPS.keys()):
            item.add_marker(pytest.mark.xdist_group(GROUPS[name]))


@pytest.fixture
def mock_api():
    """Mock Smartcar's API with ``responses``; a request without a response that was set fails the test."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield MockApi(mock)


@pytest.fixture
def clock(monkeypatch):
    """Freeze the time, and advance it instead of sleeping; ``elapsed`` counts the seconds slept."""
    clock = SimpleNamespace(elapsed=0.0)
    started = time.monotonic()
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:

        def sleep(seconds):
            clock.elapsed += seconds
            traveller.shift(seconds)

        monkeypatch.setattr(time, "sleep", sleep)
        monkeypatch.setattr(time, "monotonic", lambda: started + clock.elapsed)
        yield clock


@pytest.fixture(scope="session")
def _smartcar():
    smartcar = SimulatorServer()
    yield smartcar
    smartcar.close()


@pytest.fixture
def smartcar(_smartcar, settings, request):
    """Run the Smartcar simulator with empty state; the site uses its API v3, or the version in ``param``."""
    store.reset()
    _smartcar.point(settings, getattr(request, "param", "3"))
    yield _smartcar
    store.reset()


@pytest.fixture(scope="session")
def sqlite():
    return ""


@pytest.fixture(scope="session")
def postgresql():
    with databases.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb():
    with databases.mariadb() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request, tmp_path):
    """Return the URL of a new database on each kind of server, for other processes (`databases.run`)."""
    server = request.getfixturevalue(request.param)
    with databases.created(request.param, server, tmp_path) as url:
        yield url


@pytest.fixture
def server():
    """Run a token endpoint for the processes of ``site_in_processes``."""
    server = TokenServer()
    yield server
    server.close()


@pytest.fixture
def site_in_processes(tmp_path, server):
    """Return a site with a database file of its own, whose commands and workers are processes."""
    return Site(tmp_path, server.url)


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna", password="anna")


@pytest.fixture
def bert(django_user_model):
    return django_user_model.objects.create_user("bert", password="bert")


@pytest.fixture
def connect_driver(smartcar, anna):
    """Return a function that connects a driver's vehicle to a local user, and returns the result."""

    def drive(email="driver@example.com", user=anna, make="CHEVROLET", **options):
        url = connect.begin(
            user, session_key="s", redirect_uri="https://testserver/cars/callback/", **options
        )
        query = smartcar.visit(url, email, make)
        attempt = _state.consume(query["state"], user=user, session_key="s")
        callback = Callback(query.get("code", ""), query.get("user_id", ""), query.get("external_id", ""))
        return connect.complete(attempt, callback)

    return drive


@pytest.fixture
def make_account(db):
    def make(user, smartcar_user_id="driver-a", *, access_for=timedelta(hours=2), **changes):
        owner, _ = SmartcarUser.objects.get_or_create(id=smartcar_user_id, defaults={"user": user})
        values = {
            "api_version": "2.0",
            "access_token": "access-0",
            "access_expires_at": timezone.now() + access_for,
            "refresh_token": "refresh-0",
            "refresh_expires_at": timezone.now() + timedelta(days=60),
            **changes,
        }
        return SmartcarAccount.objects.create(smartcar_user=owner, **values)

    return make


@pytest.fixture
def account(make_account, anna):
    """Return Anna's account, with an access token that is valid for two hours."""
    return make_account(anna)


@pytest.fixture
def lose_key(settings):
    """Return a function that replaces the encryption key, so that stored values cannot be decrypted."""

    def lose():
        settings.SMARTCAR_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    return lose


@pytest.fixture
def make_vehicle(db):
    def make(account, vehicle_id="car-1", **changes):
        values = {
            "make": "CHEVROLET",
            "model": "Bolt",
            "year": 2021,
            "permissions": PERMISSIONS,
            # Not so new that its page reads it.
            "connected_at": timezone.now() - timedelta(hours=1),
            **changes,
        }
        return ConnectedVehicle.objects.create(account=account, smartcar_vehicle_id=vehicle_id, **values)

    return make


@pytest.fixture
def vehicle(make_vehicle, account):
    """Return Anna's vehicle."""
    return make_vehicle(account)
