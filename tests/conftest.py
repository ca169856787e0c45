from datetime import timedelta

import pytest
import responses
from cryptography.fernet import Fernet
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser
from django_smartcar.services import connect
from django_smartcar.services.connect import _state
from django_smartcar.services.connect._ownership import Callback
from django_smartcar.simulator import store

from . import databases
from .site import Site
from .smartcar import Smartcar
from .token_server import TokenServer
from .wire import Wire

ALL = ["read_vehicle_info", "read_odometer", "read_location", "control_security"]


@pytest.fixture
def wire():
    """Smartcar, played by ``responses``; a request that no answer was set for fails the test."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Wire(mock)


@pytest.fixture(scope="session")
def _smartcar():
    smartcar = Smartcar()
    yield smartcar
    smartcar.close()


@pytest.fixture
def smartcar(_smartcar, settings, request):
    """The pretend Smartcar, new; the site speaks API v3 to it, unless the test is given another."""
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
    """The URL of a new database, on each kind of server: for processes of their own (`databases.run`)."""
    server = request.getfixturevalue(request.param)
    with databases.created(request.param, server, tmp_path) as url:
        yield url


@pytest.fixture
def server():
    """A token endpoint of its own, for the processes of ``site``."""
    server = TokenServer()
    yield server
    server.close()


@pytest.fixture
def site(tmp_path, server):
    return Site(tmp_path, server.url)


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna", password="anna")


@pytest.fixture
def bert(django_user_model):
    return django_user_model.objects.create_user("bert", password="bert")


@pytest.fixture
def drives(smartcar, anna):
    """Connect a driver's car to a local user; returns what came of it."""

    def drive(email="driver@example.com", user=anna, make="CHEVROLET", **options):
        url = connect.begin(
            user, session_key="s", redirect_uri="https://testserver/cars/callback/", **options
        )
        told = smartcar.visit(url, email, make)
        attempt = _state.consume(told["state"], user=user, session_key="s")
        said = Callback(told.get("code", ""), told.get("user_id", ""), told.get("external_id", ""))
        return connect.complete(attempt, said)

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
    """Anna's account, with an access token that is good for two hours."""
    return make_account(anna)


@pytest.fixture
def lose_key(settings):
    """Call it, and what has been stored until then opens no more."""

    def lose():
        settings.SMARTCAR_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    return lose


@pytest.fixture
def make_vehicle(db):
    def make(account, vehicle_id="car-1", **changes):
        values = {"make": "CHEVROLET", "model": "Bolt", "year": 2021, "permissions": ALL, **changes}
        return ConnectedVehicle.objects.create(account=account, smartcar_vehicle_id=vehicle_id, **values)

    return make


@pytest.fixture
def vehicle(make_vehicle, account):
    """Anna's car."""
    return make_vehicle(account)
