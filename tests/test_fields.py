import pickle
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection, models, transaction
from django.db.migrations.writer import MigrationWriter
from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.functions import Lower
from django.forms import modelform_factory
from django.test.utils import isolate_apps
from hypothesis import given
from hypothesis import strategies as st

from django_smartcar import exceptions, fields
from django_smartcar.fields import (
    COMPRESSED_FERNET_PREFIX,
    COMPRESSED_PREFIX,
    FERNET_PREFIX,
    MAX_COMPRESSED_BYTES,
    PREFIX,
    CompressedTextField,
    DecryptionError,
    EncryptedTextField,
)
from django_smartcar.models import ApplicationToken, ExternalId, WebhookEvent
from django_smartcar.secret_types import Secret

from .people.models import Vault

CODE = "people.vault.code"
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))

#: Everything that Python calls text, lone surrogates and all.
texts = st.text(st.characters())


def encrypt(text, **options):
    return fields.encrypt(text, CODE, **options)


def decrypt(stored):
    return fields.decrypt(stored, CODE)


def is_current(stored):
    return fields.is_current(stored, CODE)


@pytest.fixture
def keys(settings):
    """Return a function that sets the keys."""

    def use(*given):
        settings.SMARTCAR_ENCRYPTION_KEYS = list(given)

    use(OLD)
    return use


def stored_value(vault):
    """Return the stored value, read without the field."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM people_vault WHERE id = %s", [vault.pk])
        return cursor.fetchone()[0]


def store_value(vault, stored):
    """Write a value to the column without the field."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_vault SET code = %s WHERE id = %s", [stored, vault.pk])


@pytest.fixture
def vault(db, keys):
    return Vault.objects.create(name="mine", code="1234")


# Round trips.


@given(texts)
def test_any_text_round_trips(text):
    field = Vault._meta.get_field("code")
    stored = field.get_db_prep_save(text, connection)
    assert stored.startswith(PREFIX) if text else stored == ""
    assert field.from_db_value(stored, None, connection) == text


@given(texts, st.integers(0, 2))
def test_every_key_of_the_list_decrypts(text, position):
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    keys.insert(position, OLD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.SMARTCAR_ENCRYPTION_KEYS", [OLD])
        stored = encrypt(text)
        patch.setattr("django.conf.settings.SMARTCAR_ENCRYPTION_KEYS", keys)
        assert decrypt(stored) == text
        assert is_current(stored) == (position == 0)


def test_the_stored_value_does_not_contain_the_text_and_differs_each_time(vault):
    first = stored_value(vault)
    vault.save()
    assert first.startswith(PREFIX)
    assert stored_value(vault) != first
    assert "1234" not in first + stored_value(vault)
    assert Vault.objects.get().code == "1234"


WRITES = {
    "create": lambda: Vault.objects.create(code="new"),
    "bulk_create": lambda: Vault.objects.bulk_create([Vault(code="new")]),
    "save": lambda: Vault(code="new").save(),
    "update": lambda: (Vault().save(), Vault.objects.update(code="new")),
    "bulk_update": lambda: (
        Vault().save(),
        Vault.objects.bulk_update([Vault(pk=Vault.objects.get().pk, code="new")], ["code"]),
    ),
    "update_or_create": lambda: Vault.objects.update_or_create(name="x", defaults={"code": "new"}),
    "number": lambda: Vault.objects.create(code=type("Text", (), {"__str__": lambda self: "new"})()),
}


@pytest.mark.django_db
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_way_to_write_encrypts_once(write, keys):
    write()
    vault = Vault.objects.get()
    assert vault.code == "new"
    assert decrypt(stored_value(vault)) == "new"


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["", None])
def test_empty_and_null_are_stored_in_plain_text(code, keys):
    vault = Vault.objects.create(code=code)
    assert stored_value(vault) == code
    assert Vault.objects.get().code == code


def test_a_text_that_looks_encrypted_is_encrypted(vault):
    vault.code = text = stored_value(vault)
    vault.save()
    assert Vault.objects.get().code == text
    assert stored_value(vault) != text


def test_every_way_to_read_decrypts(vault):
    assert list(Vault.objects.values_list("code", flat=True)) == ["1234"]
    assert Vault.objects.raw("SELECT * FROM people_vault")[0].code == "1234"
    assert Vault.objects.defer("code").get().code == "1234"
    assert Vault.objects.aggregate(models.Max("code")) == {"code__max": "1234"}
    vault.code = "changed"
    vault.refresh_from_db()
    assert vault.code == "1234"


def test_a_copied_column_still_decrypts(vault):
    Vault.objects.update(code=F("code"))
    assert Vault.objects.get().code == "1234"


def test_threads_with_one_field_do_not_mix_their_texts(keys):
    def round_trip(number):
        return all(decrypt(encrypt(f"text {number}.{step}")) == f"text {number}.{step}" for step in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, range(16)))


# Unencrypted values.


def test_an_unencrypted_value_is_read_and_encrypted_at_the_next_save(vault):
    store_value(vault, "unencrypted")
    row = Vault.objects.get()
    assert row.code == "unencrypted"
    row.save(update_fields=["name"])
    assert stored_value(vault) == "unencrypted"
    row.save()
    assert stored_value(vault).startswith(PREFIX)
    assert Vault.objects.get().code == "unencrypted"


def test_an_unencrypted_value_raises_without_keys(vault, keys):
    store_value(vault, "unencrypted")
    keys()
    with pytest.raises(DecryptionError):
        Vault.objects.get().code  # noqa: B018 (reading it is what is tested)
    keys(NEW)
    assert Vault.objects.get().code == "unencrypted"


# Undecryptable values.


def damaged(stored):
    return [
        stored[:-10],
        stored[:30] + ("A" if stored[30] != "A" else "B") + stored[31:],
        stored[:50] + ("A" if stored[50] != "A" else "B") + stored[51:],
        PREFIX,
        f"{PREFIX}?",
        f"{PREFIX}ö",
        stored.upper().replace(PREFIX.upper(), PREFIX),
    ]


@pytest.mark.parametrize("number", range(7))
def test_a_damaged_value_decrypts_with_no_key(keys, number):
    with pytest.raises(DecryptionError):
        decrypt(damaged(encrypt("1234"))[number])


def test_a_value_that_was_decrypted_before_is_not_decrypted_again_with_the_same_keys(
    vault, keys, monkeypatch
):
    fields._decrypted_token.cache_clear()
    count = []
    opened = fields._opened
    monkeypatch.setattr(fields, "_opened", lambda *values: count.append(1) or opened(*values))
    for _ in range(3):
        assert Vault.objects.get().code == "1234"
    assert len(count) == 1
    keys(NEW)
    for _ in range(2):
        with pytest.raises(DecryptionError):
            str(Vault.objects.get().code)
    keys(NEW, OLD)
    assert Vault.objects.get().code == "1234"
    assert "1234" not in repr(Vault.objects.get().__dict__)


def test_long_texts_are_not_kept_in_memory(keys):
    fields._decrypted_token.cache_clear()
    assert decrypt(encrypt("a long text", is_compressed=True)) == "a long text"
    assert fields._decrypted_token.cache_info().currsize == 0
    assert fields._decrypted_token.cache_info().maxsize == 1024


@pytest.mark.parametrize("left", [[], [NEW], [NEW, OTHER]], ids=["no key", "another", "two others"])
def test_an_undecryptable_value_raises_when_it_is_read(vault, keys, left):
    stored = stored_value(vault)
    keys(*left)
    row = Vault.objects.get()
    with pytest.raises(DecryptionError) as raised:
        row.code  # noqa: B018 (reading it is what is tested)
    message = str(raised.value)
    assert f"code of people.Vault {vault.pk}" in message
    assert "SMARTCAR_ENCRYPTION_KEYS" in message
    for secret in (stored, stored.removeprefix(PREFIX), OLD, NEW, "1234"):
        assert secret not in message
    assert exceptions.DecryptionError is DecryptionError
    assert isinstance(raised.value, exceptions.SmartcarAppError)


def test_an_undecryptable_value_is_never_encrypted_again(vault, keys):
    stored = stored_value(vault)
    keys(NEW)
    row = Vault.objects.get()
    (undecrypted,) = Vault.objects.values_list("code", flat=True)
    for write in (
        row.save,
        lambda: Vault.objects.bulk_update([row], ["code"]),
        lambda: Vault.objects.update(code=undecrypted),
        lambda: Vault.objects.create(code=undecrypted),
    ):
        with pytest.raises(DecryptionError), transaction.atomic():
            write()
    assert stored_value(vault) == stored
    keys(NEW, OLD)
    assert Vault.objects.get().code == "1234"


READS = {
    "get": lambda: Vault.objects.get().code,
    "defer": lambda: Vault.objects.defer("code").get().code,
    "values": lambda: str(Vault.objects.values("code")[0]["code"]),
    "values_list": lambda: f"Bearer {Vault.objects.values_list('code', flat=True)[0]}",
    "raw": lambda: Vault.objects.raw("SELECT * FROM people_vault")[0].code,
    "refresh_from_db": lambda: Vault(pk=Vault.objects.get().pk).refresh_from_db(),
    "aggregate": lambda: str(Vault.objects.aggregate(x=models.Max("code"))["x"]),
    "lower": lambda: str(Vault.objects.values_list(Lower("code"), flat=True)[0]),
    "pickle": lambda: pickle.loads(pickle.dumps(Vault.objects.get())).code,  # noqa: S301
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_no_way_to_read_returns_the_stored_value(vault, keys, read):
    keys(NEW)
    with pytest.raises(DecryptionError):
        read()


def test_the_other_fields_of_the_row_can_be_read_saved_and_deleted(vault, keys):
    stored = stored_value(vault)
    keys(NEW)
    row = Vault.objects.get()
    row.name = "still mine"
    row.save(update_fields=["name"])
    assert Vault.objects.get().name == "still mine"
    assert stored_value(vault) == stored
    row.code = "replaced"
    row.save()
    assert Vault.objects.get().code == "replaced"
    keys(OTHER)
    Vault.objects.get().delete()


# Keys.


NO_KEYS = {
    "none": [],
    "empty": "",
    "None": None,
    "short": ["short"],
    "one empty": [OLD, ""],
    "one None": [None],
    "no list": OLD,
    "cut off": [OLD[:-2]],
}


@pytest.mark.parametrize("keys", NO_KEYS.values(), ids=NO_KEYS)
def test_nothing_is_encrypted_without_valid_keys(db, settings, keys):
    vault = Vault.objects.create(code="1234")
    stored = stored_value(vault)
    settings.SMARTCAR_ENCRYPTION_KEYS = keys
    improper = pytest.raises(ImproperlyConfigured, match="SMARTCAR_ENCRYPTION_KEYS .*generate_key")
    with improper as raised, transaction.atomic():
        Vault.objects.update(code="new")
    assert OLD not in str(raised.value)
    assert stored_value(vault) == stored


def test_a_key_is_derived_from_the_secret_key_only_in_debug(settings):
    del settings.SMARTCAR_ENCRYPTION_KEYS
    settings.DEBUG = True
    stored = encrypt("1234")
    assert decrypt(stored) == "1234"
    settings.SECRET_KEY = "another"
    with pytest.raises(DecryptionError):
        decrypt(stored)
    settings.SECRET_KEY = "only-for-the-tests"
    assert decrypt(stored) == "1234"
    settings.DEBUG = False
    with pytest.raises(DecryptionError):
        decrypt(stored)
    with pytest.raises(ImproperlyConfigured):
        encrypt("1234")


def test_the_derived_key_is_not_used_beside_set_keys(settings, keys):
    settings.DEBUG = True
    with_the_set_key = encrypt("1234")
    settings.DEBUG = False
    assert decrypt(with_the_set_key) == "1234"
    settings.DEBUG = True
    del settings.SMARTCAR_ENCRYPTION_KEYS
    stored = encrypt("1234")
    keys(OLD)
    with pytest.raises(DecryptionError):
        decrypt(stored)


# Other columns.


class Copy:
    """A ciphertext that somebody who can write to the database has put into another column."""

    def __init__(self, source, target, name):
        (self.stored,) = (
            type(source)
            ._base_manager.filter(pk=source.pk)
            .values_list(ExpressionWrapper(F(name), output_field=models.TextField()), flat=True)
        )
        self.target, self.name = target, name

    def into(self, name):
        table, key = self.target._meta.db_table, self.target._meta.pk.column
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {name} = %s WHERE {key} = %s", [self.stored, self.target.pk])  # noqa: S608
        return type(self.target)._base_manager.get(pk=self.target.pk)


@pytest.mark.django_db
def test_a_ciphertext_copied_into_another_column_does_not_open(keys, make_account, anna):
    account = make_account(anna, refresh_token="refresh-of-anna")
    token = ApplicationToken.objects.create(client_id="site", access_token="access-of-all")
    event = WebhookEvent.objects.create(event_id="e", payload="{}", size=2, key_position=1)
    vault = Vault.objects.create(code="1234")
    for source, name, target, column in [
        (account, "refresh_token", account, "access_token"),  # another column of the row
        (token, "access_token", account, "access_token"),  # of the same name, of the same abstract model
        (account, "refresh_token", event, "payload"),  # where an operator would read it
        (account, "refresh_token", vault, "code"),  # in a project's own table
        (event, "payload", vault, "code"),
    ]:
        copied = Copy(source, target, name).into(column)
        with pytest.raises(DecryptionError):
            getattr(copied, column)


@pytest.mark.django_db
def test_a_ciphertext_put_back_into_its_own_column_opens(keys, make_account, anna):
    account = make_account(anna, refresh_token="refresh-of-anna")
    copy = Copy(account, account, "refresh_token")
    with pytest.raises(DecryptionError):
        copy.into("access_token").access_token  # noqa: B018 (reading it is what is tested)
    type(account).objects.filter(pk=account.pk).update(refresh_token="another")
    assert copy.into("refresh_token").refresh_token == "refresh-of-anna"


def test_a_cached_value_does_not_open_in_another_column(keys):
    stored = encrypt("1234")
    assert decrypt(stored) == "1234"
    with pytest.raises(DecryptionError):
        fields.decrypt(stored, "people.vault.other")
    assert not fields.is_current(stored, "people.vault.other")


def test_the_columns_of_all_encrypted_fields_differ():
    contexts = [field.context for _, field in fields.encrypted_fields()]
    assert "smartcar.smartcaraccount.refresh_token" in contexts
    assert len(contexts) == len({*contexts}) >= 5


@pytest.mark.parametrize("field_class", [EncryptedTextField, CompressedTextField])
def test_a_renamed_field_keeps_its_context(keys, field_class):
    with isolate_apps("tests.people"):

        class Safe(models.Model):  # noqa: DJ008 (an example)
            pin = field_class(context=CODE)
            other = field_class()

            class Meta:
                app_label = "people"

    pin = Safe._meta.get_field("pin").clone()
    assert pin.deconstruct()[3]["context"] == CODE
    assert pin.from_db_value(encrypt("1234"), None, connection) == "1234"
    assert Safe._meta.get_field("other").context == "people.safe.other"


# Values of earlier versions.


@given(texts, st.booleans())
def test_a_fernet_token_of_an_earlier_version_is_read(text, is_compressed):
    content = text.encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.SMARTCAR_ENCRYPTION_KEYS", [NEW, OLD])
        if is_compressed:
            stored = COMPRESSED_FERNET_PREFIX + Fernet(OLD).encrypt(zlib.compress(content)).decode()
        else:
            stored = FERNET_PREFIX + Fernet(OLD).encrypt(content).decode()
        assert decrypt(stored) == text
        assert not is_current(stored)


def test_a_fernet_token_is_encrypted_for_its_column_at_the_next_save(vault):
    store_value(vault, FERNET_PREFIX + Fernet(OLD).encrypt(b"1234").decode())
    Vault.objects.get().save()
    assert stored_value(vault).startswith(PREFIX)
    assert Vault.objects.get().code == "1234"


# Searching.


@pytest.mark.django_db
def test_filtering_by_empty_and_null_works(keys):
    rows = {name: Vault.objects.create(name=name, code=code) for name, code in CODES.items()}
    assert rows
    for found, question in (
        ("empty", Q(code="")),
        ("full null", ~Q(code="")),
        ("null", Q(code=None)),
        ("null", Q(code__isnull=True)),
        ("empty full", Q(code__isnull=False)),
    ):
        names = Vault.objects.filter(question).order_by("name").values_list("name", flat=True)
        assert " ".join(names) == found, question


CODES = {"empty": "", "full": "1234", "null": None}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "question",
    [
        {"code": "1234"},
        {"code__exact": "1234"},
        {"code": F("name")},
        {"code": Value("1234")},
        {"code": Vault.objects.values("name")},
        {"code__in": ["1234", ""]},
        {"code__iexact": ""},
        {"code__startswith": "1"},
        {"code__contains": ""},
        {"code__regex": "."},
        {"code__gt": ""},
        {"code__range": ("", "z")},
    ],
    ids=lambda question: next(iter(question)),
)
def test_any_other_lookup_is_refused(question, keys):
    with pytest.raises(FieldError, match="encrypted"):
        Vault.objects.filter(**question).exists()
    with pytest.raises(FieldError, match="encrypted"):
        Vault.objects.exclude(**question).exists()


@pytest.mark.django_db
def test_a_lookup_through_a_transform_is_refused(keys):
    with pytest.raises(FieldError, match="encrypted"):
        Vault.objects.annotate(lower=Lower("code")).filter(lower__startswith="smartcar")


# Migrations and forms.


def test_the_field_can_be_serialized_in_a_migration_and_cloned():
    field = EncryptedTextField("code", blank=True, editable=True)
    name, path, args, kwargs = field.deconstruct()
    assert (path, args) == ("django_smartcar.fields.EncryptedTextField", [])
    assert kwargs == {"verbose_name": "code", "blank": True, "editable": False}
    assert field.clone().deconstruct() == (name, path, args, kwargs)
    text, imports = MigrationWriter.serialize(field)
    assert text.startswith("django_smartcar.fields.EncryptedTextField(")
    assert imports == {"import django_smartcar.fields"}


def test_the_field_is_not_in_forms():
    assert list(modelform_factory(Vault, fields="__all__").base_fields) == ["name"]


def test_a_secret_that_is_stored_in_plain_text_is_not_in_forms():
    assert "value" not in modelform_factory(ExternalId, fields="__all__").base_fields


def test_a_secret_is_text_that_neither_repr_nor_str_shows():
    secret = Secret("1234")
    assert secret == "1234"
    assert secret + secret.upper() == secret.reveal() * 2 == "12341234"
    assert hash(secret) == hash("1234")
    assert "1234" not in repr(secret) + repr([secret]) + repr({"code": secret}) + f"{secret}{secret!s}"
    assert pickle.loads(pickle.dumps(secret)) == "1234"  # noqa: S301


# Compressed texts.


@given(texts)
def test_any_text_can_be_compressed(text):
    field = CompressedTextField()
    stored = field.get_db_prep_save(text, connection)
    assert stored.startswith(COMPRESSED_PREFIX) if text else stored == ""
    assert field.from_db_value(stored, None, connection) == text


def test_a_text_that_repeats_itself_is_stored_in_less(keys):
    text = '{"code": "odometer-traveleddistance"}' * 200
    assert len(encrypt(text, is_compressed=True)) < len(encrypt(text)) / 5


def test_a_compressed_value_is_current_only_with_the_first_key(keys):
    stored = encrypt("text", is_compressed=True)
    assert is_current(stored)
    keys(NEW, OLD)
    assert not is_current(stored)
    assert decrypt(stored) == "text"


def test_the_longest_text_can_be_read_again(keys):
    text = "a" * MAX_COMPRESSED_BYTES
    assert decrypt(encrypt(text, is_compressed=True)) == text
    with pytest.raises(ValueError, match="too long to be compressed"):
        encrypt(text + "a", is_compressed=True)


@pytest.mark.parametrize(
    "content",
    [
        zlib.compress(b"a" * (MAX_COMPRESSED_BYTES + 1)),
        zlib.compress(bytes(10 * MAX_COMPRESSED_BYTES)),
        zlib.compress(b"a" * 100)[:-5],
        zlib.compress(b"\xff"),
        b"not compressed",
        b"",
    ],
    ids=["too long", "bomb", "incomplete", "no text", "not compressed", "empty"],
)
def test_a_compressed_value_that_is_too_long_or_broken_is_not_read(keys, content):
    for prefix in (COMPRESSED_PREFIX, COMPRESSED_FERNET_PREFIX):
        with pytest.raises(DecryptionError):
            decrypt(sealed(content, prefix))


def sealed(content, prefix):
    """Return bytes as they are stored, whatever they are."""
    if prefix == COMPRESSED_FERNET_PREFIX:
        return prefix + Fernet(OLD).encrypt(content).decode()
    (cipher,) = fields._ciphers((Secret(OLD),))
    nonce = bytes(16)
    return prefix + b64encode(nonce + cipher.encrypt(content, [(prefix + CODE).encode(), nonce])).decode()


def test_a_compressed_value_with_the_prefix_of_another_is_not_read(keys):
    stored = encrypt("text" * 100, is_compressed=True).replace(COMPRESSED_PREFIX, PREFIX)
    with pytest.raises(DecryptionError):
        decrypt(stored)


def test_the_migration_of_a_compressed_field_names_its_class():
    path, args, kwargs = CompressedTextField("text").deconstruct()[1:]
    assert (path, args) == ("django_smartcar.fields.CompressedTextField", [])
    assert kwargs == {"verbose_name": "text", "editable": False}
