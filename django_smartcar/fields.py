"""Text that lies encrypted in the database: ``EncryptedTextField``, and what opens it.

What is stored is ``smartcar-fernet:`` and a Fernet token. The first of ``SMARTCAR_ENCRYPTION_KEYS`` encrypts,
each of them opens. A value without the prefix is a plain one from before, and is encrypted when it is next
saved. A value that no key opens raises `DecryptionError` as soon as it is used, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models.lookups import Exact
from django.db.models.query_utils import DeferredAttribute
from django.views.decorators.debug import sensitive_variables

from .conf import conf
from .secret_types import Secret, Vin

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]  # what its attribute takes and gives
    _CharField = models.CharField[str, Secret]
else:
    _TextField = models.TextField
    _CharField = models.CharField

PREFIX = "smartcar-fernet:"

#: What a person types to have a key printed.
MAKE_A_KEY = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'

#: Lone surrogates too: a codec's complaint about them would quote the token in an error report.
_CODEC = ("utf-8", "surrogatepass")


# Both stand here because this file is below exceptions.py, which is where they are imported from.
class SmartcarAppError(Exception):
    """Anything that this app, not Smartcar, has refused."""


class DecryptionError(SmartcarAppError):
    """No key of ``SMARTCAR_ENCRYPTION_KEYS`` opens what is stored. It is still there: put its key back."""

    def __init__(self, what: str = "a stored value") -> None:
        super().__init__(
            f"No key of SMARTCAR_ENCRYPTION_KEYS opens {what}. "
            "Put the key that encrypted it back, at the end of the list."
        )


class Undecryptable:
    """Stands on a row for a value that no key opens, so that the row can be read but for this value."""

    def __str__(self) -> str:
        raise DecryptionError


def is_key(value: Any) -> bool:
    """Whether Fernet takes this for a key: 32 bytes in URL-safe base64."""
    try:
        Fernet(value)
    except (TypeError, ValueError):
        return False
    return True


@sensitive_variables()
def encrypt(text: str) -> str:
    """What to store for this text: another one each time."""
    text = Secret(text)
    return PREFIX + _keyring(conf.encryption_keys).encrypt(text.encode(*_CODEC)).decode()


@sensitive_variables()
def decrypt(stored: str) -> Secret:
    """The text that this was stored for. Raises DecryptionError.

    Without keys a plain value does not open either: its token would be exchanged, and the new one not stored.
    """
    keys = conf.encryption_keys
    if not keys:
        raise DecryptionError
    ring = _keyring(keys)
    if not stored.startswith(PREFIX):
        return Secret(stored)
    try:
        return Secret(ring.decrypt(_body(stored)).decode(*_CODEC))
    except InvalidToken:
        raise DecryptionError from None


def is_current(stored: str) -> bool:
    """Whether this was encrypted with the first key."""
    if not stored.startswith(PREFIX):
        return False
    try:
        _keyring(conf.encryption_keys[:1]).decrypt(_body(stored))
    except InvalidToken:
        return False
    return True


def _body(stored: str) -> bytes:
    return stored.removeprefix(PREFIX).encode()


@lru_cache(maxsize=4)
def _keyring(keys: tuple[Secret, ...]) -> MultiFernet:
    if not keys or not all(map(is_key, keys)):
        problem = "holds something that is not a key" if keys else "is empty"
        raise ImproperlyConfigured(f"SMARTCAR_ENCRYPTION_KEYS {problem}. This prints a new key: {MAKE_A_KEY}")
    return MultiFernet([Fernet(key) for key in keys])


class IsEmpty(Exact):
    """``=``, for the empty text alone: it is the only one that is stored as it is."""

    def get_prep_lookup(self) -> Any:
        if self.rhs is not None and self.rhs != "":
            raise FieldError('An encrypted field can be compared with "" and with nothing else.')
        return self.rhs


class _Attribute(DeferredAttribute):
    """The attribute of a row: a text put there is a `Secret`; what did not open raises when it is read."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Undecryptable):
            raise DecryptionError(f"{self.field.name} of {instance._meta.label} {instance.pk}")
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = Secret(value) if isinstance(value, str) else value


class EncryptedTextField(_TextField):
    """A TextField whose text lies encrypted; ``""`` and NULL are stored as they are.

    It is never editable. It can be filtered by ``""`` and by ``__isnull``, and by nothing else: no two
    encryptions of a text are alike. In fixtures it is empty. An expression is stored as the database sees it.
    """

    description = "Encrypted text"
    descriptor_class = _Attribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "editable": False})

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        value = Secret(value) if isinstance(value, str) else self.get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return value
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
        """What serializers write: never the text, nor what is stored, which the keys would open."""
        return ""


class _ProtectedAttribute(DeferredAttribute):
    """The attribute of a row: a text put there becomes the field's type of secret."""

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.protect(value)  # type: ignore[attr-defined]


class SecretCharField(_CharField):
    """A CharField whose values are `Secret`: stored as they are, and shown only when they are revealed."""

    descriptor_class = _ProtectedAttribute
    secret_type = Secret

    def protect(self, value: Any) -> Any:
        """Wrap a text; an expression or None stays as it is."""
        return self.secret_type(value) if isinstance(value, str) else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return self.protect(value)

    def to_python(self, value: Any) -> Any:
        return self.protect(super().to_python(value))

    def value_to_string(self, obj: models.Model) -> str:
        """Return what serializers write: the text itself."""
        value = self.value_from_object(obj)
        return value.reveal() if isinstance(value, Secret) else str(value)


class VinField(SecretCharField):
    """A CharField whose values are `Vin`."""

    secret_type = Vin


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Every such field, with its model; of a project's own models too: it is the same keys that open them."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field
