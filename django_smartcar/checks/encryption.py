"""Checks of the keys that encrypt stored tokens."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from ..conf import conf
from ..fields import MAKE_A_KEY, is_key


def check() -> Iterator[CheckMessage]:
    keys: Any = conf.SMARTCAR_ENCRYPTION_KEYS
    hint = f"Set SMARTCAR_ENCRYPTION_KEYS to a list of one key. This prints one: {MAKE_A_KEY}"
    if not keys and settings.DEBUG:
        yield CheckWarning(
            "SMARTCAR_ENCRYPTION_KEYS is not set: while DEBUG is on, tokens are encrypted with a key "
            "derived from SECRET_KEY, and are lost when it changes.",
            hint=hint,
            id="smartcar.W020",
        )
    elif not keys:
        yield Error("SMARTCAR_ENCRYPTION_KEYS is not set.", hint=hint, id="smartcar.E021")
    elif not isinstance(keys, (list, tuple)) or not all(map(is_key, keys)):
        yield Error(
            "SMARTCAR_ENCRYPTION_KEYS is not a list of keys, each of 32 bytes in URL-safe base64.",
            hint=hint,
            id="smartcar.E020",
        )
