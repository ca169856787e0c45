"""Search every place that could show a secret: the database, pages, logs, fixtures, error reports.

`tests/error_reports` has the error reports of every service, view and command.
"""

import json
import logging
from contextlib import nullcontext
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connection
from django.forms import model_to_dict, modelform_factory
from django.views.debug import ExceptionReporter

from django_smartcar import signals
from django_smartcar.exceptions import DecryptionError
from django_smartcar.fields import PREFIX, EncryptedTextField
from django_smartcar.models import ApplicationToken, SmartcarAccount, WebhookEvent
from django_smartcar.services import tokens
from django_smartcar.services.client import ApiCredentials
from django_smartcar.services.tokens import _refresh_lock
from django_smartcar.services.webhooks import _queue

from . import webhooks

pytestmark = pytest.mark.django_db

# Made of parts: an error report quotes the source code.
ACCESS, REFRESH = "aCCe" * 6, "rEFr" * 6


@pytest.fixture
def account(make_account, anna):
    make_account(anna, access_token=ACCESS, refresh_token=REFRESH)
    return SmartcarAccount.objects.get()


@pytest.fixture
def search(settings):
    """Return a function that fails if a text holds a token, a key or an encrypted value.

    With ``allows_encrypted``, the text may hold encrypted values: that of a SQL statement does.
    """

    def search_text(text, allows_encrypted=False):
        encrypted = () if allows_encrypted else (PREFIX, "gAAAA")
        for secret in (ACCESS, REFRESH, *encrypted, *settings.SMARTCAR_ENCRYPTION_KEYS):
            assert secret not in text

    return search_text


def fail(execute, sql, params, many, context):
    raise OperationalError("the database is gone")


def report_of(error, request):
    """Return what Django mails to ADMINS: the variables of every frame, without those of the test."""
    frames = error.tb
    while "/tests/" in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    # An exception with a context is reported with its own traceback.
    reporter = ExceptionReporter(request, error.type, error.value.with_traceback(frames), frames)
    return reporter.get_traceback_html() + reporter.get_traceback_text()


def test_both_tokens_have_an_encrypted_field():
    fields = {type(SmartcarAccount._meta.get_field(name)) for name in ("access_token", "refresh_token")}
    assert fields == {EncryptedTextField}


def test_the_database(account, search):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM smartcar_smartcaraccount")
        text = repr(cursor.fetchall())
    assert text.count(PREFIX) == 2
    search(text, allows_encrypted=True)


def test_repr_and_str(account, search):
    rows = SmartcarAccount.objects.all()
    search(f"{account} {account!r} {vars(account)!r} {rows!r} {rows.values()!r} {list(rows.values_list())!r}")
    new = SmartcarAccount(access_token=ACCESS, refresh_token=REFRESH)
    search(f"{new} {new!r} {vars(new)!r} {new.access_token!r} {tokens.access_token(account)!r}")


@pytest.mark.parametrize("form", ["json", "jsonl", "xml", "python"])
def test_fixtures(account, search, form):
    text = str(serializers.serialize(form, SmartcarAccount.objects.all()))
    search(text)
    assert "refresh_token" in text


def test_dumpdata_and_loaddata(account, search):
    out = StringIO()
    call_command("dumpdata", "smartcar", stdout=out)
    search(out.getvalue())
    for row in serializers.deserialize("json", out.getvalue()):
        row.save()
    loaded = SmartcarAccount.objects.get()
    assert (loaded.access_token, loaded.refresh_token, loaded.needs_reconnecting) == ("", "", True)


def test_forms(account, search):
    form = modelform_factory(SmartcarAccount, fields="__all__")(instance=account)
    search(f"{form} {form.initial} {model_to_dict(account)}")
    assert not {"access_token", "refresh_token"} & set(form.fields)


@pytest.mark.parametrize(
    "place", ["", "{pk}/change/", "{pk}/history/", "{pk}/delete/", "?q=driver-a", "actions"]
)
def test_admin_pages(admin_client, account, mock_api, search, place):
    mock_api.tokens_fail(description=f"Invalid refresh_token: {REFRESH}.")
    url = "/admin/smartcar/smartcaraccount/"
    if place == "actions":
        form = {"action": "refresh_tokens", "_selected_action": [str(account.pk)]}
        search(admin_client.post(url, form, follow=True).text)
        search(str([vars(entry) for entry in LogEntry.objects.all()]))
        place = "{pk}/history/"
    search(admin_client.get(url + place.format(pk=account.pk)).text)


@pytest.mark.parametrize("key_is_lost", [False, True])
def test_logs_and_command_output(account, mock_api, search, caplog, capsys, lose_key, key_is_lost):
    caplog.set_level(logging.DEBUG)
    if key_is_lost:
        lose_key()
    mock_api.tokens_fail(status=500)
    out = StringIO()
    for command in ("refresh_smartcar_tokens --all", "rotate_smartcar_keys"):
        try:
            call_command(*command.split(), stdout=out)
        except Exception as error:
            out.write(f"{error} {error!r}")
    logging.getLogger("a.project").debug("%r %s", account.__dict__, account)
    assert "a.project" in caplog.text
    search(caplog.text + out.getvalue() + "".join(capsys.readouterr()))


def test_logged_statements(account, caplog, settings, search):
    """`django.db.backends` logs each with its parameters."""
    settings.DEBUG = True
    connection.force_debug_cursor = True
    caplog.set_level(logging.DEBUG, "django.db.backends")
    try:
        account.save(update_fields=account.TOKEN_FIELDS)
        SmartcarAccount.objects.update(access_token=ACCESS)
        SmartcarAccount.objects.bulk_update([account], ["refresh_token"])
    finally:
        connection.force_debug_cursor = False
    assert caplog.text.count("UPDATE") >= 3
    search(caplog.text, allows_encrypted=True)


WRITES = {
    "save": lambda account: account.save(update_fields=account.TOKEN_FIELDS),
    "save as new": lambda account: SmartcarAccount(
        smartcar_user_id="driver-a", access_token=account.access_token, refresh_token=account.refresh_token
    ).save(),
    "update": lambda account: SmartcarAccount.objects.update(refresh_token=account.refresh_token),
    "bulk_update": lambda account: SmartcarAccount.objects.bulk_update([account], ["refresh_token"]),
    "refresh_from_db": lambda account: account.refresh_from_db(),
    "tokens.refresh": tokens.refresh,
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_error_reports_when_the_database_fails(account, write, debug, settings, rf, search):
    settings.DEBUG = debug
    with connection.execute_wrapper(fail), pytest.raises(OperationalError) as raised:
        write(account)
    report = report_of(raised, rf.get("/"))
    assert "the database is gone" in report
    search(report, allows_encrypted=True)


def test_error_reports_when_new_tokens_cannot_be_stored(account, mock_api, rf, search, monkeypatch):
    monkeypatch.setattr(_refresh_lock, "SAVE_FOR", 0)

    def fail_to_write_tokens(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "access_token" in sql:
            raise OperationalError("the database is gone")
        return execute(sql, params, many, context)

    mock_api.tokens(access_token=ACCESS[::-1], refresh_token=REFRESH[::-1])
    with connection.execute_wrapper(fail_to_write_tokens), pytest.raises(OperationalError) as raised:
        tokens.refresh(account)
    report = report_of(raised, rf.get("/"))
    assert "the database is gone" in report
    search(report, allows_encrypted=True)
    search(report[::-1], allows_encrypted=True)


@pytest.mark.parametrize("debug", [False, True])
def test_error_reports_when_no_key_decrypts_a_token(account, lose_key, settings, rf, search, debug):
    settings.DEBUG = debug
    before = settings.SMARTCAR_ENCRYPTION_KEYS[0]
    lose_key()
    with pytest.raises(DecryptionError) as raised:
        tokens.refresh(SmartcarAccount.objects.get())
    report = report_of(raised, rf.get("/"))
    assert "DecryptionError" in report
    search(report)
    assert before not in report


@pytest.mark.parametrize(
    "use",
    [
        lambda account: account.save(update_fields=["refresh_token"]),
        lambda account: account.refresh_from_db(),
        lambda account: call_command("rotate_smartcar_keys"),
    ],
    ids=["save", "read", "rotate"],
)
def test_error_reports_when_a_key_is_invalid(account, use, settings, rf, search):
    settings.SMARTCAR_ENCRYPTION_KEYS = ["kEYk" * 6, *settings.SMARTCAR_ENCRYPTION_KEYS]
    with pytest.raises(ImproperlyConfigured) as raised:
        use(account)
    search(report_of(raised, rf.get("/")), allows_encrypted=True)


def test_the_application_token(admin_client, rf, caplog, search):
    """It gives access to the vehicles of all users, so the same places are searched."""
    caplog.set_level(logging.DEBUG)
    ApplicationToken.objects.create(client_id="client_1", access_token=ACCESS)
    row = ApplicationToken.objects.get()
    out = StringIO()
    call_command("dumpdata", "smartcar", stdout=out)
    admin = "/admin/smartcar/applicationtoken/"
    pages = [admin_client.get(url).text for url in (admin, f"{admin}{row.pk}/change/")]
    assert "client_1" in pages[1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM smartcar_applicationtoken")
        search(repr(cursor.fetchall()), allows_encrypted=True)
    with connection.execute_wrapper(fail), pytest.raises(OperationalError) as raised:
        row.save(update_fields=row.TOKEN_FIELDS)
    text = f"{row} {row!r} {vars(row)!r} {ApiCredentials('3', row.access_token, 'user-1')!r}"
    search(text + out.getvalue() + "".join(pages) + caplog.text)
    search(report_of(raised, rf.get("/")), allows_encrypted=True)


class TestWebhooks:
    """The data of a webhook and its signature, when receiving or processing it fails in any way."""

    # Made of parts, as above; a token of digits would be found anywhere.
    LATITUDE, LONGITUDE, VIN = 48 + 0.137154, 11 + 0.576124, "WVWZZZ1J" + "ZXW000001"
    TOKENS = {"": "mANa" * 6, "nobody-guesses-this": "oTHe" * 6}
    CHALLENGE = "cHAl" * 6

    @pytest.fixture(autouse=True)
    def site(self, settings, vehicle):
        settings.SMARTCAR_MANAGEMENT_TOKENS = [self.TOKENS[""]]
        settings.SMARTCAR_WEBHOOK_TOKENS = {"nobody-guesses-this": [self.TOKENS["nobody-guesses-this"]]}
        settings.SMARTCAR_WEBHOOK_WORK = "command"
        vehicle.permissions = ["read_location"]
        vehicle.save()

    @pytest.fixture
    def body(self):
        vin = webhooks.signal("vehicleidentification-vin", self.VIN, 1_790_000_000)
        sent = [webhooks.location(self.LATITUDE, self.LONGITUDE, 1_790_000_000), vin]
        return json.dumps(webhooks.event(*sent, vin=self.VIN)).encode()

    def search(self, text, body):
        for secret in (
            str(self.LATITUDE),
            str(self.LONGITUDE),
            self.VIN,
            self.CHALLENGE,
            *self.TOKENS.values(),
        ):
            assert secret not in text
        for token in self.TOKENS.values():
            assert webhooks.sign(body, token) not in text

    @pytest.mark.parametrize("is_signed", [True, False])
    @pytest.mark.parametrize("place", ["view", "service", "database", "VERIFY"])
    def test_error_reports_when_receiving_fails(self, client, body, caplog, monkeypatch, place, is_signed):
        def fail(*args, **kwargs):
            raise ArithmeticError("a bug")  # an error that nothing handles

        if place == "view":
            monkeypatch.setattr("django_smartcar.views.webhook.JsonResponse", lambda *args, **kwargs: fail())
        elif place == "service":
            monkeypatch.setattr("hmac.compare_digest", fail)
        elif place == "VERIFY":
            body = json.dumps({**json.loads(body), **webhooks.verify(self.CHALLENGE)}).encode()
        name = "nobody-guesses-this"
        token = self.TOKENS[name] if is_signed else "another token"
        client.raise_request_exception = False
        with connection.execute_wrapper(fail) if place in ("database", "VERIFY") else nullcontext():
            response = webhooks.post(client, body, token, path=f"/cars/webhook/{name}/")
        assert response.status_code == 500
        (record,) = [record for record in caplog.records if record.exc_info]
        reporter = ExceptionReporter(record.request, *record.exc_info)
        report = reporter.get_traceback_html() + reporter.get_traceback_text()
        assert "django_smartcar/views/webhook.py" in report
        self.search(report + caplog.text + response.text, body)

    def receive(self, client, body):
        assert webhooks.post(client, body, self.TOKENS[""]).status_code == 200
        return WebhookEvent.objects.get()

    @pytest.mark.parametrize("table", ["smartcar_vehiclereading", "smartcar_vehiclesignal"])
    def test_logs_and_the_row_when_processing_fails(self, client, body, caplog, table):
        def fail(execute, sql, params, many, context):
            if table in sql:
                raise OperationalError(f"the database is gone\nDETAIL: {params} {body}")
            return execute(sql, params, many, context)

        row = self.receive(client, body)
        with connection.execute_wrapper(fail):
            assert _queue.process_due() == 1
        row.refresh_from_db()
        assert "OperationalError" in row.last_error
        assert row.last_error in caplog.text
        self.search(f"{row.last_error} {row!r} {vars(row)!r} {caplog.text}", body)

    @pytest.mark.parametrize("is_async", [False, True])
    def test_logs_and_the_row_when_a_receiver_fails(self, client, body, caplog, is_async):
        def receive(event, update, **named):
            raise ArithmeticError(f"{event.payload} {update}")

        async def receive_async(**named):
            receive(**named)

        receiver = receive_async if is_async else receive
        row = self.receive(client, body)
        signals.webhook_received.connect(receiver)
        try:
            _queue.process_due()
        finally:
            signals.webhook_received.disconnect(receiver)
        row.refresh_from_db()
        assert "ArithmeticError" in row.last_error
        assert row.last_error in caplog.text
        self.search(f"{row.last_error} {row!r} {vars(row)!r} {caplog.text}", body)

    @pytest.mark.parametrize("place", ["applying", "receiver", "finishing"])
    def test_error_reports_when_a_worker_is_interrupted(self, client, body, rf, place):
        """The worker is interrupted by a BaseException, or while it saves the result."""

        def stop():
            raise KeyboardInterrupt("stop")

        def execute_or_stop(execute, sql, params, many, context):
            is_last = sql.startswith("UPDATE") and "processed_at" in sql
            if (place == "applying" and "smartcar_vehiclereading" in sql) or (
                place == "finishing" and is_last
            ):
                stop()
            return execute(sql, params, many, context)

        def receive(event, update, **named):
            if place == "receiver":
                stop()

        self.receive(client, body)
        signals.webhook_received.connect(receive)
        try:
            with connection.execute_wrapper(execute_or_stop), pytest.raises(KeyboardInterrupt) as raised:
                _queue.process_due()
        finally:
            signals.webhook_received.disconnect(receive)
        report = report_of(raised, rf.get("/"))
        assert "services/webhooks/_queue.py" in report
        self.search(report, body)
