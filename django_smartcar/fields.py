"""Model fields for secrets: encrypted text, external ids, VINs, and JSON with positions.

An encrypted value is stored as ``smartcar-fernet:`` and a Fernet token; as ``smartcar-fernet-zlib:`` and a
Fernet token if it was compressed first. The first of ``SMARTCAR_ENCRYPTION_KEYS`` encrypts; all of them
decrypt. A value without the prefix is plain text from an
earlier version, and is encrypted when it is next saved. A value that no key decrypts raises `DecryptionError`
when it is used, and is left unchanged.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models import lookups
from django.db.models.query_utils import DeferredAttribute
from django.views.decorators.debug import sensitive_variables

from .conf import conf
from .secret_types import ProtectedJSONDecoder, Secret, SecretBytes, Vin

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]  # the types that its attribute accepts and returns
    _CharField = models.CharField[str, Secret]
else:
    _TextField = models.TextField
    _CharField = models.CharField

PREFIX = "smartcar-fernet:"
COMPRESSED_PREFIX = "smartcar-fernet-zlib:"

#: The longest text that is compressed, in bytes. A stored value that is longer is not one of this app.
MAX_COMPRESSED_BYTES = 5_000_000

#: The shell command that prints a new key.
MAKE_A_KEY = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'

#: Lone surrogates are allowed: an encoding error would quote the token in an error report.
_CODEC = ("utf-8", "surrogatepass")


# Defined here because this module is below exceptions.py, which re-exports them.
class SmartcarAppError(Exception):
    """Base class of errors raised by this app, not by Smartcar."""


class DecryptionError(SmartcarAppError):
    """No key of ``SMARTCAR_ENCRYPTION_KEYS`` decrypts a stored value. It is unchanged: add its key again."""

    def __init__(self, what: str = "a stored value") -> None:
        super().__init__(
            f"No key of SMARTCAR_ENCRYPTION_KEYS decrypts {what}. "
            "Add the key that encrypted it to the end of the list again."
        )


class Undecryptable:
    """Placeholder for an undecryptable value, so the rest of the row still loads."""

    def __str__(self) -> str:
        raise DecryptionError


def is_key(value: Any) -> bool:
    """Return whether this is a Fernet key: 32 bytes in URL-safe base64."""
    try:
        Fernet(value)
    except (TypeError, ValueError):
        return False
    return True


@sensitive_variables()
def encrypt(text: str, *, is_compressed: bool = False) -> str:
    """Encrypt a text; the result is different each time. With ``is_compressed``, compress it first.

    Raises ValueError for a text that is too long to be compressed.
    """
    content = SecretBytes(Secret(text).encode(*_CODEC))
    if is_compressed:
        if len(content) > MAX_COMPRESSED_BYTES:
            raise ValueError(f"a text of {len(content)} bytes is too long to be compressed")
        content = SecretBytes(zlib.compress(content))
    prefix = COMPRESSED_PREFIX if is_compressed else PREFIX
    return prefix + _keyring(conf.encryption_keys).encrypt(content).decode()


@sensitive_variables()
def decrypt(stored: str) -> Secret:
    """Decrypt a stored value, whether it was compressed or not. Raises DecryptionError.

    Without keys, plain text raises it, too: a token could be exchanged, but the new one not stored.
    """
    stored, keys = Secret(stored), conf.encryption_keys
    if not keys:
        raise DecryptionError
    if stored.startswith(PREFIX):
        return _decrypted_token(stored, keys)
    ring = _keyring(keys)
    return _decrypted(stored, ring) if stored.startswith(COMPRESSED_PREFIX) else stored


@lru_cache(maxsize=1024)
def _decrypted_token(stored: Secret, keys: tuple[Secret, ...]) -> Secret:
    """Decrypt a short text, or return what it was before: most requests need a token that has not changed."""
    return _decrypted(stored, _keyring(keys))


@sensitive_variables()
def _decrypted(stored: Secret, ring: MultiFernet) -> Secret:
    try:
        content = SecretBytes(ring.decrypt(_body(stored)))
        if stored.startswith(COMPRESSED_PREFIX):
            content = SecretBytes(_decompress(content))
        return Secret(content.decode(*_CODEC))
    except (InvalidToken, zlib.error, UnicodeError):
        raise DecryptionError from None


def is_current(stored: str) -> bool:
    """Return whether a value is encrypted with the first key."""
    if not stored.startswith((PREFIX, COMPRESSED_PREFIX)):
        return False
    try:
        _keyring(conf.encryption_keys[:1]).decrypt(_body(stored))
    except InvalidToken:
        return False
    return True


def _body(stored: str) -> bytes:
    return stored.partition(":")[2].encode()


def _decompress(content: bytes) -> bytes:
    """Decompress no more than the longest text. Raises zlib.error."""
    decompressor = zlib.decompressobj()
    text = decompressor.decompress(content, MAX_COMPRESSED_BYTES + 1)
    if not decompressor.eof or len(text) > MAX_COMPRESSED_BYTES:
        raise zlib.error("incomplete or too long")
    return text


@lru_cache(maxsize=4)
def _keyring(keys: tuple[Secret, ...]) -> MultiFernet:
    if not keys or not all(map(is_key, keys)):
        problem = "holds something that is not a key" if keys else "is empty"
        raise ImproperlyConfigured(f"SMARTCAR_ENCRYPTION_KEYS {problem}. This prints a new key: {MAKE_A_KEY}")
    return MultiFernet([Fernet(key) for key in keys])


class IsEmpty(lookups.Exact):
    """The ``exact`` lookup, for the empty string only: it is the only value that is stored in plain text."""

    def get_prep_lookup(self) -> Any:
        if self.rhs is not None and self.rhs != "":
            raise FieldError('An encrypted field can be compared with "" and with nothing else.')
        return self.rhs


class _Attribute(DeferredAttribute):
    """Wraps strings as `Secret` when set; raises DecryptionError when an undecryptable value is read."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Undecryptable):
            raise DecryptionError(f"{self.field.name} of {instance._meta.label} {instance.pk}")
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = Secret(value) if isinstance(value, str) else value


class EncryptedTextField(_TextField):
    """A TextField that is encrypted in the database; ``""`` and NULL are stored in plain text.

    It is never editable. Only ``__isnull`` and comparing with ``""`` work, as each encryption of a text is
    different. Fixtures leave it empty. Expressions are stored without encryption.
    """

    description = "Encrypted text"
    descriptor_class = _Attribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "editable": False})

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        value = Secret(value) if isinstance(value, str) else self.get_prep_value(value)
        return self.encrypted(value) if value else value

    def encrypted(self, value: str) -> str:
        """Return what is stored for a value."""
        return encrypt(value)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return value
        value = Secret(value)
        try:
            return decrypt(value)
        except DecryptionError:
            return Undecryptable()

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "exact":
            return IsEmpty
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted: it cannot be searched, here by __{lookup_name}.")

    def value_from_object(self, obj: models.Model) -> Any:
        """Return what serializers write: neither the text nor its encryption."""
        return ""


class CompressedTextField(EncryptedTextField):
    """An EncryptedTextField for long texts: they are compressed before they are encrypted."""

    description = "Compressed and encrypted text"

    def encrypted(self, value: str) -> str:
        return encrypt(value, is_compressed=True)


class _ProtectedAttribute(DeferredAttribute):
    """Wraps strings in the field's secret type when they are set."""

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.protect(value)  # type: ignore[attr-defined]


class SecretCharField(_CharField):
    """A CharField whose values are `Secret`. They are stored in plain text.

    It is never editable: a form would show the placeholder, and save it.
    """

    descriptor_class = _ProtectedAttribute
    secret_type = Secret

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "editable": False})

    def protect(self, value: Any) -> Any:
        """Wrap a string; expressions and None are returned unchanged."""
        return self.secret_type(value) if isinstance(value, str) else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return self.protect(value)

    def to_python(self, value: Any) -> Any:
        return self.protect(super().to_python(value))

    def value_to_string(self, obj: models.Model) -> str:
        """Return what serializers write: the plain value."""
        value = self.value_from_object(obj)
        return value.reveal() if isinstance(value, Secret) else str(value)


class _PlainPattern:
    """Looks a secret up by its plain text: for a pattern Django calls ``str``, which is the placeholder."""

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        plain = value.reveal() if isinstance(value, Secret) else value
        return super().get_db_prep_lookup(plain, connection)  # type: ignore[misc]


@SecretCharField.register_lookup
class SecretIExact(_PlainPattern, lookups.IExact):
    pass


@SecretCharField.register_lookup
class SecretContains(_PlainPattern, lookups.Contains):
    pass


@SecretCharField.register_lookup
class SecretIContains(_PlainPattern, lookups.IContains):
    pass


@SecretCharField.register_lookup
class SecretStartsWith(_PlainPattern, lookups.StartsWith):
    pass


@SecretCharField.register_lookup
class SecretIStartsWith(_PlainPattern, lookups.IStartsWith):
    pass


@SecretCharField.register_lookup
class SecretEndsWith(_PlainPattern, lookups.EndsWith):
    pass


@SecretCharField.register_lookup
class SecretIEndsWith(_PlainPattern, lookups.IEndsWith):
    pass


_DECODER = ProtectedJSONDecoder()


class ProtectedJSONField(models.JSONField):
    """A JSONField whose values have their positions and VINs protected when they are read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "decoder": ProtectedJSONDecoder})

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if not isinstance(value, str):
            return super().from_db_value(value, expression, connection)
        try:
            return _DECODER.decode(value)  # Django makes a decoder for each value
        except json.JSONDecodeError:
            return value

    def value_to_string(self, obj: models.Model) -> Any:
        """Return what serializers write: plain JSON values, as not all formats know our types."""
        return json.loads(json.dumps(self.value_from_object(obj), cls=self.encoder))


class VinField(SecretCharField):
    """A CharField whose values are `Vin`."""

    secret_type = Vin


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Yield every encrypted field with its model, including those of the project's own models."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field
