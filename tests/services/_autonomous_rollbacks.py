"""A refresh inside a transaction that is rolled back: the new tokens are kept, whatever the database."""

import json
import threading
import time
from contextlib import closing, suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.urls import path
from django.utils import timezone

from django_smartcar import services
from django_smartcar.exceptions import ReconnectRequired, TransactionNotAllowed
from django_smartcar.models import ApplicationToken, ConnectedVehicle, RateLimit, SmartcarAccount
from django_smartcar.services import _transactions, connect, tokens, vehicles
from django_smartcar.services.connect._ownership import Callback
from django_smartcar.services.tokens import _refresh_lock
from django_smartcar.simulator import store

from .. import urls
from ..mock_api import TOKEN

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("smartcar", ["2.0"], indirect=True),
]


class RolledBack(Exception):
    """Rolls back the caller's transaction."""


@pytest.fixture
def vehicle(connect_driver):
    vehicle = connect_driver().vehicles[0]
    SmartcarAccount.objects.update(access_expires_at=timezone.now())
    vehicle.refresh_from_db()
    yield vehicle
    SmartcarAccount.objects.all().delete()


def newest_token_is_stored():
    """Return whether the newest refresh token is stored and the lease is released."""
    row = SmartcarAccount.objects.get()
    return row.refresh_token == list(store.state().refresh_tokens)[-1] and row.refresh_lease is None


def is_sqlite():
    return connection.vendor == "sqlite"


def test_the_new_tokens_survive_the_rollback_of_the_callers_block(vehicle):
    with suppress(RolledBack), transaction.atomic():
        vehicles_seen = ConnectedVehicle.objects.count()
        tokens.access_token(vehicle.account)
        raise RolledBack
    assert vehicles_seen == 1
    assert store.counters["refreshes"] == 1
    assert newest_token_is_stored()
    tokens.access_token(SmartcarAccount.objects.get())
    assert store.counters["refreshes"] == 1


def test_a_read_in_a_transaction_is_counted_after_it(vehicle):
    def requests():
        return RateLimit.objects.get(key=vehicle.smartcar_vehicle_id).requests

    vehicles.odometer(vehicle)
    before = requests()
    with transaction.atomic():
        vehicles.odometer(vehicle)
        assert requests() == before
    assert requests() == before + 1


def read_and_raise(request):
    vehicles.odometer(ConnectedVehicle.objects.get())
    raise RolledBack


urlpatterns = [path("rolled-back/", read_and_raise), *urls.urlpatterns]


def test_the_new_tokens_survive_a_view_that_raises_under_atomic_requests(vehicle, client, settings, anna):
    settings.ROOT_URLCONF = __name__
    client.force_login(anna)
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        with pytest.raises(RolledBack):
            client.get("/rolled-back/")
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert newest_token_is_stored()
    assert not ConnectedVehicle.objects.get().signals, "the view's own writes are rolled back"


def test_the_new_tokens_survive_the_rollback_of_nested_blocks(vehicle):
    with suppress(RolledBack), transaction.atomic(), transaction.atomic():
        tokens.access_token(vehicle.account)
        raise RolledBack
    assert newest_token_is_stored()


def test_the_caller_continues_its_transaction_with_the_new_token(vehicle, anna):
    with transaction.atomic(), transaction.atomic():
        assert ConnectedVehicle.objects.count() == 1
        token = tokens.access_token(vehicle.account)
        anna.first_name = "Anna-Lena"
        anna.save()
        assert connection.in_atomic_block
    anna.refresh_from_db()
    assert (token, anna.first_name) == (vehicle.account.access_token, "Anna-Lena")


def test_a_transaction_that_has_locked_the_row_is_refused_before_any_request(vehicle, monkeypatch):
    monkeypatch.setattr(_transactions, "LOCK_WAIT", 1)
    with transaction.atomic():
        SmartcarAccount.objects.update(mode="live")
        with pytest.raises(TransactionNotAllowed, match="Commit first"):
            tokens.access_token(vehicle.account)
    assert store.counters["refreshes"] == 0
    assert SmartcarAccount.objects.get().refresh_lease is None
    tokens.access_token(SmartcarAccount.objects.get())


def test_another_write_blocks_the_refresh_on_sqlite_only(vehicle, anna, monkeypatch):
    monkeypatch.setattr(_transactions, "LOCK_WAIT", 1)

    def refresh_after_a_write():
        with transaction.atomic():
            anna.first_name = "Anna-Lena"
            anna.save()
            tokens.access_token(vehicle.account)
            raise RolledBack

    with pytest.raises(TransactionNotAllowed if is_sqlite() else RolledBack):
        refresh_after_a_write()
    assert store.counters["refreshes"] == (0 if is_sqlite() else 1)
    assert is_sqlite() or newest_token_is_stored()


def test_an_uncommitted_row_is_refused_before_any_request(vehicle, monkeypatch):
    monkeypatch.setattr(_transactions, "LOCK_WAIT", 1)
    with transaction.atomic():
        account = SmartcarAccount.objects.get()
        account.pk = None
        account.save()
        with pytest.raises(TransactionNotAllowed):
            tokens.access_token(account)
    assert store.counters["refreshes"] == 0


def test_a_rejected_refresh_token_marks_the_account_despite_the_rollback(vehicle):
    with store.changes() as state:
        state.refresh_tokens.clear()
    with suppress(RolledBack), transaction.atomic():
        with pytest.raises(ReconnectRequired):
            tokens.access_token(vehicle.account)
        raise RolledBack
    assert SmartcarAccount.objects.get().reconnect_required_at is not None


def test_the_new_tokens_survive_the_rollback_of_a_manual_transaction(vehicle):
    transaction.set_autocommit(False)
    try:
        ConnectedVehicle.objects.count()
        tokens.access_token(vehicle.account)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert newest_token_is_stored()


def test_the_connection_of_a_manual_transaction_is_kept(vehicle):
    transaction.set_autocommit(False)
    try:
        ConnectedVehicle.objects.count()
        _transactions.release_connection(ConnectedVehicle)
        assert connection.connection is not None
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


def test_the_token_of_the_application_survives_too(vehicle, smartcar, settings):
    smartcar.point(settings, "3")
    with suppress(RolledBack), transaction.atomic():
        services.as_application(lambda token: token)
        raise RolledBack
    assert ApplicationToken.objects.get().access_token in store.state().application_tokens
    assert store.counters["application_tokens"] == 1


def test_a_connection_is_not_completed_inside_a_transaction(vehicle, anna, smartcar):
    url = connect.begin(anna, session_key="s", redirect_uri="https://testserver/cars/callback/")
    callback = smartcar.visit(url)
    attempt = connect.consume(callback["state"], user=anna, session_key="s")
    with pytest.raises(TransactionNotAllowed), transaction.atomic():
        connect.complete(attempt, Callback(callback["code"]))
    assert store.counters["code_exchanges"] == 1  # that of the fixture vehicle
    assert connect.complete(attempt, Callback(callback["code"])).vehicles


def test_no_connection_is_left_open(vehicle):
    before = connections["default"]
    with transaction.atomic():
        tokens.access_token(vehicle.account)
    assert connections["default"] is before
    if connection.vendor == "postgresql":
        count_connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        deadline = time.monotonic() + 5
        while fetch_value(count_connections) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert fetch_value(count_connections) == 1


def fetch_value(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


LOCKS = {
    "sqlite": ("PRAGMA busy_timeout = 100", "BEGIN EXCLUSIVE"),
    "postgresql": (
        "SET lock_timeout = '100ms'",
        "BEGIN; LOCK TABLE smartcar_smartcaraccount IN ACCESS EXCLUSIVE MODE",
    ),
    "mysql": ("SET lock_wait_timeout = 1", "LOCK TABLES smartcar_smartcaraccount WRITE"),
}


@pytest.fixture
def token_endpoint(smartcar, settings, mock_api):
    """Mock Smartcar's token endpoint; the simulator has the rest."""
    settings.SMARTCAR_AUTH_URL = TOKEN
    return mock_api


@pytest.fixture
def locked_account(make_account, anna, token_endpoint):
    """Create a due account whose table is locked for two seconds once the token endpoint has responded."""
    set_timeout, lock = LOCKS[connection.vendor]
    locked, threads = threading.Event(), []

    def hold_lock():
        with connection.cursor() as cursor:
            cursor.execute(lock)
            locked.set()
            time.sleep(2)
        connection.close()

    def respond(request):
        with connection.cursor() as cursor:
            cursor.execute(set_timeout)
        threads.append(threading.Thread(target=hold_lock))
        threads[0].start()
        assert locked.wait(5)
        return 200, {}, json.dumps({"access_token": "a", "refresh_token": "new", "expires_in": 7200})

    token_endpoint.mock.add_callback("POST", TOKEN, respond, content_type="application/json")
    yield make_account(anna, access_for=timedelta(0))
    threads[0].join()
    connection.close()


def test_saving_is_retried_while_the_database_is_unavailable(locked_account, token_endpoint, caplog):
    """Smartcar has responded, and the tokens cannot be saved at once."""
    assert tokens.access_token(locked_account) == "a"
    assert "yet, retrying" in caplog.text
    assert SmartcarAccount.objects.get().refresh_token == "new"
    assert len(token_endpoint.sent("POST")) == 1


def test_a_database_that_stays_unavailable_is_logged_as_critical(locked_account, monkeypatch, caplog):
    monkeypatch.setattr(_refresh_lock, "SAVE_FOR", 0)
    with pytest.raises(OperationalError):
        tokens.access_token(locked_account)
    (record,) = [record for record in caplog.records if record.levelname == "CRITICAL"]
    account = f"Smartcar account {locked_account.pk}"
    assert record.getMessage() == f"could not save the new tokens of {account}: OperationalError"


def test_a_connection_that_the_database_has_closed_is_opened_again(make_account, anna, token_endpoint):
    account = make_account(anna, access_for=timedelta(0))
    kill = {"postgresql": "SELECT pg_terminate_backend(%d)", "mysql": "KILL %d"}.get(connection.vendor)
    if kill is None:
        pytest.skip("SQLite has no server that could close a connection")

    def respond(request):
        is_mysql = connection.vendor == "mysql"
        connection_id = fetch_value("SELECT connection_id()" if is_mysql else "SELECT pg_backend_pid()")
        with closing(connection.copy()) as other, other.cursor() as cursor:
            cursor.execute(kill % connection_id)
        return 200, {}, json.dumps({"access_token": "a", "refresh_token": "new", "expires_in": 7200})

    token_endpoint.mock.add_callback("POST", TOKEN, respond, content_type="application/json")
    assert tokens.access_token(account) == "a"
    assert SmartcarAccount.objects.get().refresh_token == "new"
