"""Pagination of API v2: ``limit`` and ``offset`` in the query string."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors.v2 import invalid


def paginate(name: str, items: Sequence[str], query: Mapping[str, str], *, default: int) -> dict[str, Any]:
    """Return one page of the items under this name; ``count`` is the number of all items."""
    limit = query_integer(query, "limit", default, 1, 50)
    offset = query_integer(query, "offset", 0, 0, 1_000_000)
    return {
        name: list(items[offset : offset + limit]),
        "paging": {"count": len(items), "offset": offset},
    }


def query_integer(query: Mapping[str, str], field: str, default: int, minimum: int, maximum: int) -> int:
    """Return an integer parameter of the query string, from ``minimum`` to ``maximum``."""
    text = query.get(field, str(default))
    # isdecimal() also accepts digits of other scripts, and int() of a very long string is slow.
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and minimum <= int(text) <= maximum):
        raise invalid(field, f"{field} must be a whole number from {minimum} to {maximum}")
    return int(text)
