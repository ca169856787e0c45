import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.db import connection, connections

from django_smartcar.diagnostics import local
from django_smartcar.models import ApplicationToken
from django_smartcar.simulator import store

pytestmark = pytest.mark.django_db


@pytest.fixture
def silenced(settings):
    """Silence two more warnings about the settings of the tests."""
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, "smartcar.W005", "smartcar.W030"]


class TestSettings:
    def test_no_problems(self, find_one, silenced):
        assert find_one(local.settings) == ("ok", "the system checks found no problems", "")

    def test_messages_of_the_system_checks_are_listed_errors_first(self, find, settings):
        settings.SMARTCAR_CLIENT_SECRET = ""
        settings.SMARTCAR_MODE = "lively"
        found = find(local.settings)
        assert [outcome for outcome, _, _ in found] == ["wrong", "wrong", "warning", "warning"]
        assert ("wrong", "SMARTCAR_MODE is 'lively'. (smartcar.E005)") in [one[:2] for one in found]
        said = [
            message
            for message in run_checks(include_deployment_checks=True)
            if "smartcar." in message.id and not message.is_silenced()
        ]
        assert sorted(text for _, text, _ in found) == sorted(f"{one.msg} ({one.id})" for one in said)
        assert sorted(hint for _, _, hint in found) == sorted(one.hint for one in said)

    def test_published_values_are_reported_unless_the_site_is_being_developed(self, find_one, settings):
        settings.SILENCED_SYSTEM_CHECKS = ["smartcar.W009", "smartcar.W030", "smartcar.W042", "smartcar.W093"]
        settings.SMARTCAR_API_VERSION = "3"
        settings.SMARTCAR_CLIENT_ID = "client_01JABCDEF"
        settings.SMARTCAR_APPLICATION_ID = "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11"
        settings.SMARTCAR_CLIENT_SECRET = store.M2M_CLIENT_SECRET
        outcome, text, _ = find_one(local.settings)
        assert (outcome, "(smartcar.W041)" in text) == ("warning", True)
        settings.DEBUG = True
        assert find_one(local.settings)[0] == "ok"

    def test_missing_urls_are_reported(self, find_one, silenced, settings):
        settings.ROOT_URLCONF = "django_smartcar.simulator.urls"
        outcome, text, hint = find_one(local.settings)
        assert (outcome, "(smartcar.E009)" in text) == ("wrong", True)
        assert 'path("cars/", include("django_smartcar.urls"))' in hint


class TestDatabase:
    def test_the_database_is_up_to_date(self, find_one):
        assert find_one(local.database)[0] == "ok"

    def test_a_table_is_missing(self, find_one):
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE smartcar_vehiclesignal")
        outcome, text, hint = find_one(local.database)
        assert (outcome, text) == ("wrong", "tables missing: 1, migrations not applied: 0")
        assert "manage.py migrate" in hint

    def test_a_migration_is_not_applied(self, find_one):
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'smartcar'")
        outcome, text, hint = find_one(local.database)
        assert (outcome, text) == ("wrong", "tables missing: 0, migrations not applied: 1")
        assert "manage.py migrate" in hint

    def test_the_database_does_not_respond(self, find_one, tmp_path, monkeypatch):
        away = connection.copy()
        away.settings_dict["NAME"] = str(tmp_path / "not" / "there.sqlite3")
        away.settings_dict["ENGINE"] = "django.db.backends.sqlite3"
        monkeypatch.setitem(connections.__dict__["_connections"].__dict__, "default", away)
        outcome, text, hint = find_one(local.database)
        assert (outcome, text) == ("wrong", "the database 'default' does not respond (OperationalError)")
        assert "DATABASES" in hint


class TestEncryption:
    def test_the_keys_decrypt_everything(self, find_one, account):
        assert find_one(local.encryption) == ("ok", "the keys decrypt all stored secrets: 2", "")

    def test_nothing_is_stored(self, find_one):
        assert find_one(local.encryption)[:2] == ("ok", "nothing is stored yet")

    def test_some_values_cannot_be_decrypted(self, find_one, make_account, anna, lose_key):
        make_account(anna)
        make_account(anna)
        lose_key()
        ApplicationToken.objects.create(client_id="client_x", access_token="new")
        outcome, text, hint = find_one(local.encryption)
        assert (outcome, text) == ("wrong", "stored secrets that no key decrypts: 4 of 5")
        assert "at the end of SMARTCAR_ENCRYPTION_KEYS" in hint

    @pytest.mark.parametrize("keys", [[], ["not a key"], "not a list"])
    def test_there_is_no_valid_key(self, find_one, settings, account, keys):
        settings.SMARTCAR_ENCRYPTION_KEYS = keys
        assert find_one(local.encryption)[0] == "not checked"

    def test_the_check_stops_after_a_timeout(self, find_one, make_account, anna, monkeypatch, settings):
        make_account(anna)
        monkeypatch.setattr(local, "DECRYPTION_TIMEOUT", 0.0)
        settings.SMARTCAR_ENCRYPTION_KEYS = [
            *settings.SMARTCAR_ENCRYPTION_KEYS,
            Fernet.generate_key().decode(),
        ]
        assert "not all were checked" in find_one(local.encryption)[1]
