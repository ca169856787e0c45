import zlib
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from django_smartcar import fields
from django_smartcar.fields import COMPRESSED_FERNET_PREFIX, COMPRESSED_PREFIX, FERNET_PREFIX, PREFIX, encrypt
from django_smartcar.models import SmartcarAccount, WebhookEvent
from django_smartcar.secret_types import Secret
from django_smartcar.services import tokens

from ...people.models import Vault

pytestmark = pytest.mark.django_db

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def keys(settings):
    """Return a function that sets the encryption keys."""

    def use(*given):
        settings.SMARTCAR_ENCRYPTION_KEYS = list(given)

    use(OLD)
    return use


@pytest.fixture
def accounts(keys, make_account, anna):
    """Create five accounts, encrypted with the old key."""
    return [
        make_account(anna, access_token=f"access-of-{number}", refresh_token=f"refresh-of-{number}")
        for number in range(5)
    ]


def run(*args, out=None):
    out = out or StringIO()
    try:
        call_command("rotate_smartcar_keys", *args, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue().splitlines(), str(error)
    return out.getvalue().splitlines(), None


def stored():
    """Return the tokens of all accounts as they are stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM smartcar_smartcaraccount ORDER BY id")
        return [text for row in cursor.fetchall() for text in row]


def store_refresh_token(account, text):
    """Store this refresh token without the encrypted field."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE smartcar_smartcaraccount SET refresh_token = %s WHERE id = %s", [text, account.pk]
        )


def decrypted_with(key):
    """Return all tokens, each decrypted with this key, for its own column."""
    columns = ("access_token", "refresh_token") * 5
    return [
        fields._opened(Secret(text), context_of(name), (Secret(key),)).decode()
        for text, name in zip(stored(), columns, strict=False)
    ]


def context_of(name):
    return SmartcarAccount._meta.get_field(name).context


def fernet(key, text, prefix=FERNET_PREFIX):
    """Encrypt as earlier versions did."""
    return f"{prefix}{Fernet(key).encrypt(text).decode()}"


def all_tokens():
    return [text for number in range(5) for text in (f"access-of-{number}", f"refresh-of-{number}")]


@pytest.mark.parametrize("size", ["1", "2", "5", "500"])
def test_everything_can_be_decrypted_with_the_new_key_alone(accounts, keys, size):
    keys(NEW, OLD)
    lines, error = run("--batch-size", size)
    assert error is None
    assert lines[-1] == "10 encrypted with the first key, 0 that no key decrypts"
    assert decrypted_with(NEW) == all_tokens()
    keys(NEW)
    assert [account.refresh_token for account in SmartcarAccount.objects.all()] == all_tokens()[1::2]


def test_nothing_else_of_a_row_changes(accounts, keys):
    def others():
        return [
            {name: value for name, value in row.items() if "_token" not in name}
            for row in SmartcarAccount.objects.values()
        ]

    before = others()
    keys(NEW, OLD)
    run()
    assert others() == before


def test_values_already_encrypted_with_the_first_key_are_not_written(accounts, keys):
    before = stored()
    assert run()[0][-1] == "0 encrypted with the first key, 0 that no key decrypts"
    assert stored() == before
    keys(NEW, OLD)
    run()
    before = stored()
    assert run()[0][-1] == "0 encrypted with the first key, 0 that no key decrypts"
    assert stored() == before


def test_unencrypted_values_are_encrypted(accounts):
    store_refresh_token(accounts[0], "refresh-of-0")
    assert run()[0][-1] == "1 encrypted with the first key, 0 that no key decrypts"
    assert decrypted_with(OLD) == all_tokens()


def test_empty_values_stay_empty(accounts, keys):
    SmartcarAccount.objects.update(access_token="", refresh_token="")
    Vault.objects.create(code=None)
    keys(NEW, OLD)
    lines, error = run()
    assert lines == ["0 encrypted with the first key, 0 that no key decrypts"]
    assert set(stored()) == {""}
    assert Vault.objects.get().code is None


def test_encrypted_fields_of_the_project_are_rotated_too(keys):
    Vault.objects.create(code="1234")
    keys(NEW, OLD)
    run()
    keys(NEW)
    assert Vault.objects.get().code == "1234"


def test_a_compressed_value_stays_compressed(keys):
    text = '{"signals": []}' * 100
    WebhookEvent.objects.create(event_id="e", payload=text, size=len(text), key_position=1)
    keys(NEW, OLD)
    assert run()[0][-1] == "1 encrypted with the first key, 0 that no key decrypts"
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM smartcar_webhookevent")
        (stored,) = cursor.fetchone()
    assert stored.startswith(COMPRESSED_PREFIX)
    assert len(stored) < len(text) / 4
    keys(NEW)
    assert WebhookEvent.objects.get().payload == text


def test_values_of_earlier_versions_are_encrypted_for_their_column(accounts, keys):
    for number, account in enumerate(accounts):
        store_refresh_token(account, fernet(OLD, b"refresh-of-%d" % number))
    payload = fernet(OLD, zlib.compress(b"{}"), COMPRESSED_FERNET_PREFIX)
    WebhookEvent.objects.create(event_id="e", payload="other", size=2, key_position=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smartcar_webhookevent SET payload = %s", [payload])
    assert [account.refresh_token for account in SmartcarAccount.objects.all()] == all_tokens()[1::2]
    assert WebhookEvent.objects.get().payload == "{}"
    assert run()[0][-1] == "6 encrypted with the first key, 0 that no key decrypts"
    assert decrypted_with(OLD) == all_tokens()
    assert WebhookEvent.objects.get().payload == "{}"
    assert run()[0][-1] == "0 encrypted with the first key, 0 that no key decrypts"


def test_a_value_of_another_column_is_reported_as_one_that_no_key_decrypts(accounts, keys):
    store_refresh_token(accounts[0], stored()[0])
    keys(NEW, OLD)
    assert run()[1] == "9 encrypted with the first key, 1 that no key decrypts"


def test_progress_is_printed(accounts):
    lines, _ = run("--batch-size", "2")
    assert lines[:3] == [f"smartcar.SmartcarAccount.access_token: {number} checked" for number in (2, 4, 5)]


def test_an_undecryptable_value_is_reported_and_does_not_stop_the_others(accounts, keys):
    store_refresh_token(accounts[1], lost := fernet(LOST, b"lost"))
    keys(NEW, OLD)
    lines, error = run()
    assert error == "9 encrypted with the first key, 1 that no key decrypts"
    printed = [line for line in lines if "cannot be decrypted" in line]
    assert printed == [
        f"smartcar.SmartcarAccount.refresh_token of {accounts[1].pk}: "
        "cannot be decrypted with any key, left unchanged"
    ]
    assert stored()[3] == lost
    store_refresh_token(accounts[1], encrypt("refresh-of-1", context_of("refresh_token")))
    assert decrypted_with(NEW) == all_tokens()
    store_refresh_token(accounts[1], lost)
    assert run()[1] == "0 encrypted with the first key, 1 that no key decrypts"


def test_an_interrupted_run_is_finished_by_the_next(accounts, keys):
    class Interrupted(StringIO):
        def write(self, text):
            if "refresh_token: 2 checked" in text:
                raise KeyboardInterrupt
            return super().write(text)

    keys(NEW, OLD)
    with pytest.raises(KeyboardInterrupt):
        run("--batch-size", "2", out=Interrupted())
    assert [account.refresh_token for account in SmartcarAccount.objects.all()] == all_tokens()[1::2]
    assert run()[0][-1] == "3 encrypted with the first key, 0 that no key decrypts"
    assert decrypted_with(NEW) == all_tokens()


def before_statement(words, act):
    """Call ``act`` once, before the first statement with these words, as another process might."""
    pending = [act]

    def wrapper(execute, sql, params, many, context):
        if pending and all(word in sql for word in words):
            pending.pop()()
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)


def test_a_token_that_is_refreshed_meanwhile_is_not_overwritten(accounts, keys, mock_api):
    mock_api.tokens()
    keys(NEW, OLD)
    due = SmartcarAccount.objects.get(pk=accounts[0].pk)
    with before_statement(["UPDATE", "refresh_token"], lambda: tokens.refresh(due)):
        _, error = run()
    assert error is None
    assert mock_api.exchanges[0]["refresh_token"] == "refresh-of-0"
    assert decrypted_with(NEW) == ["access-1", "refresh-1", *all_tokens()[2:]]


def test_values_written_meanwhile_with_an_old_key_are_encrypted_too(accounts, keys):
    older = encrypt("newer", context_of("refresh_token"))
    keys(NEW, OLD)
    with before_statement(["UPDATE", "refresh_token"], lambda: store_refresh_token(accounts[0], older)):
        run()
    assert decrypted_with(NEW)[1] == "newer"


def test_a_row_deleted_meanwhile_is_ignored(accounts, keys):
    keys(NEW, OLD)
    with before_statement(["UPDATE", "refresh_token"], accounts[0].delete):
        lines, error = run()
    assert error is None
    assert len(stored()) == 8


def test_no_token_and_no_key_is_printed(accounts, keys):
    store_refresh_token(accounts[1], fernet(LOST, b"lost"))
    keys(NEW, OLD)
    lines, error = run()
    output = "".join(lines) + error
    for secret in ("access-of", "refresh-of", PREFIX, FERNET_PREFIX, "gAAAA", OLD, NEW):
        assert secret not in output


def test_the_command_does_not_start_without_keys(accounts, keys):
    keys()
    with pytest.raises(SystemCheckError, match="generate_key"):
        call_command("rotate_smartcar_keys", skip_checks=False)


@pytest.mark.parametrize("size", ["0", "-1", "many", "1.5"])
def test_an_invalid_batch_size_is_refused(size, db):
    _, error = run("--batch-size", size)
    assert "is not a number of rows" in error
