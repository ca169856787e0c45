"""Modules that are imported when they are first used, so that ``django.setup()`` stays fast."""

from functools import partial
from importlib import import_module
from typing import Any

from django.utils.functional import SimpleLazyObject


def late(name: str) -> Any:
    """Return a module that is imported at the first use of one of its attributes."""
    return SimpleLazyObject(partial(import_module, name))
