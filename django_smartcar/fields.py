"""Model fields for secrets: encrypted text, external ids, VINs, and JSON with positions.

An encrypted value is stored as ``smartcar-siv:`` and, in base64, a nonce and the text encrypted by AES-SIV;
as ``smartcar-siv-zlib:`` if the text was compressed first. It is bound to its column: copied into another,
it does not open. The first of ``SMARTCAR_ENCRYPTION_KEYS`` encrypts; all of them decrypt.

Values of earlier versions are read, too, and encrypted as above when they are next saved: plain text, and
Fernet tokens, which are bound to no column. A value that no key decrypts raises `DecryptionError` when it is
used, and is left unchanged.
"""

from __future__ import annotations

import json
import secrets
import zlib
from base64 import urlsafe_b64decode
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models import lookups
from django.db.models.query_utils import DeferredAttribute
from django.views.decorators.debug import sensitive_variables

from .conf import conf
from .late import late
from .secret_types import ProtectedJSONDecoder, Secret, SecretBytes, Vin

if TYPE_CHECKING:
    from cryptography import exceptions, fernet
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers import aead
    from cryptography.hazmat.primitives.kdf import hkdf

    _TextField = models.TextField[str, str]  # the types that its attribute accepts and returns
    _CharField = models.CharField[str, Secret]
else:
    exceptions, fernet = late("cryptography.exceptions"), late("cryptography.fernet")
    hashes = late("cryptography.hazmat.primitives.hashes")
    aead = late("cryptography.hazmat.primitives.ciphers.aead")
    hkdf = late("cryptography.hazmat.primitives.kdf.hkdf")
    _TextField = models.TextField
    _CharField = models.CharField

PREFIX = "smartcar-siv:"
COMPRESSED_PREFIX = "smartcar-siv-zlib:"

#: Those of earlier versions.
FERNET_PREFIX = "smartcar-fernet:"
COMPRESSED_FERNET_PREFIX = "smartcar-fernet-zlib:"

_NONCE_BYTES = 16

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
        fernet.Fernet(value)
    except (TypeError, ValueError):
        return False
    return True


@sensitive_variables()
def encrypt(text: str, context: str, *, is_compressed: bool = False) -> str:
    """Encrypt a text; the result is different each time. With ``is_compressed``, compress it first.

    Only the same ``context``, the name of the column, decrypts it. Raises ValueError for a text that is too
    long to be compressed.
    """
    content = SecretBytes(Secret(text).encode(*_CODEC))
    if is_compressed:
        if len(content) > MAX_COMPRESSED_BYTES:
            raise ValueError(f"a text of {len(content)} bytes is too long to be compressed")
        content = SecretBytes(zlib.compress(content))
    prefix = COMPRESSED_PREFIX if is_compressed else PREFIX
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = _ciphers(conf.encryption_keys)[0].encrypt(content, [_bound(prefix, context), nonce])
    return prefix + b2a_base64(nonce + sealed, newline=False).decode()


@sensitive_variables()
def decrypt(stored: str, context: str) -> Secret:
    """Decrypt a stored value, whether it was compressed or not. Raises DecryptionError.

    Without keys, plain text raises it, too: a token could be exchanged, but the new one not stored.
    """
    stored, keys = Secret(stored), conf.encryption_keys
    if not keys:
        raise DecryptionError
    if stored.startswith((PREFIX, FERNET_PREFIX)):
        return _decrypted_token(stored, context, keys)
    _ciphers(keys)  # raises ImproperlyConfigured
    is_compressed = stored.startswith((COMPRESSED_PREFIX, COMPRESSED_FERNET_PREFIX))
    return _decrypted(stored, context, keys) if is_compressed else stored


@lru_cache(maxsize=1024)
def _decrypted_token(stored: Secret, context: str, keys: tuple[Secret, ...]) -> Secret:
    """Decrypt a short text, or return what it was before: most requests need a token that has not changed."""
    return _decrypted(stored, context, keys)


@sensitive_variables()
def _decrypted(stored: Secret, context: str, keys: tuple[Secret, ...]) -> Secret:
    try:
        if stored.startswith((FERNET_PREFIX, COMPRESSED_FERNET_PREFIX)):
            content = SecretBytes(_fernet(keys).decrypt(stored.partition(":")[2].encode()))
        else:
            content = _opened(stored, context, keys)
        if stored.startswith((COMPRESSED_PREFIX, COMPRESSED_FERNET_PREFIX)):
            content = SecretBytes(_decompress(content))
        return Secret(content.decode(*_CODEC))
    except (exceptions.InvalidTag, fernet.InvalidToken, zlib.error, ValueError):
        raise DecryptionError from None


def is_current(stored: str, context: str) -> bool:
    """Return whether a value is encrypted for this column, with the first key."""
    if not stored.startswith((PREFIX, COMPRESSED_PREFIX)):
        return False
    try:
        _opened(Secret(stored), context, conf.encryption_keys[:1])
    except (exceptions.InvalidTag, ValueError):
        return False
    return True


@sensitive_variables()
def _opened(stored: Secret, context: str, keys: tuple[Secret, ...]) -> SecretBytes:
    """Return what was encrypted. Raises InvalidTag if no key opens it, ValueError if it is not base64."""
    prefix, colon, body = stored.partition(":")
    sealed = a2b_base64(body, strict_mode=True)
    bound_to = [_bound(prefix + colon, context), sealed[:_NONCE_BYTES]]
    for cipher in _ciphers(keys):
        try:
            return SecretBytes(cipher.decrypt(sealed[_NONCE_BYTES:], bound_to))
        except exceptions.InvalidTag:
            continue
    raise exceptions.InvalidTag


def _bound(prefix: str, context: str) -> bytes:
    """Return what is authenticated with a text: how it is stored, and where."""
    return (prefix + context).encode()


def _decompress(content: bytes) -> bytes:
    """Decompress no more than the longest text. Raises zlib.error."""
    decompressor = zlib.decompressobj()
    text = decompressor.decompress(content, MAX_COMPRESSED_BYTES + 1)
    if not decompressor.eof or len(text) > MAX_COMPRESSED_BYTES:
        raise zlib.error("incomplete or too long")
    return text


@lru_cache(maxsize=4)
def _ciphers(keys: tuple[Secret, ...]) -> list[aead.AESSIV]:
    """Return a cipher for each key. AES-SIV stays safe however many texts one key encrypts."""
    _check(keys)
    return [aead.AESSIV(_derived(key)) for key in keys]


def _derived(key: Secret) -> bytes:
    return hkdf.HKDF(hashes.SHA256(), length=64, salt=None, info=b"django_smartcar.fields AES-SIV").derive(
        urlsafe_b64decode(key)
    )


@lru_cache(maxsize=4)
def _fernet(keys: tuple[Secret, ...]) -> fernet.MultiFernet:
    _check(keys)
    return fernet.MultiFernet([fernet.Fernet(key) for key in keys])


def _check(keys: tuple[Secret, ...]) -> None:
    if not keys or not all(map(is_key, keys)):
        problem = "holds something that is not a key" if keys else "is empty"
        raise ImproperlyConfigured(f"SMARTCAR_ENCRYPTION_KEYS {problem}. This prints a new key: {MAKE_A_KEY}")


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

    A value opens in its own column only. To rename the field or its model, set ``context`` to the old name of
    the column, ``"people.vault.code"``: the app, the model in lower case and the field.
    """

    description = "Encrypted text"
    descriptor_class = _Attribute

    def __init__(self, *args: Any, context: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "editable": False})
        self.context = self._given_context = context

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "context": self.context} if self._given_context else kwargs

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        self.context = self._given_context or f"{cls._meta.label_lower}.{name}"

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        value = Secret(value) if isinstance(value, str) else self.get_prep_value(value)
        return self.encrypted(value) if value else value

    def encrypted(self, value: str) -> str:
        """Return what is stored for a value."""
        return encrypt(value, self.context)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return value
        value = Secret(value)
        try:
            return decrypt(value, self.context)
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
        return encrypt(value, self.context, is_compressed=True)


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
