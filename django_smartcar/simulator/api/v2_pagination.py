"""Pages of a list, the way v2.0 asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors.v2 import invalid


def page(name: str, items: Sequence[str], query: Mapping[str, str], *, default: int) -> dict[str, Any]:
    """A page of these items under this name; `count` is the number of all."""
    limit = number(query, "limit", default, 1, 50)
    offset = number(query, "offset", 0, 0, 1_000_000)
    return {
        name: list(items[offset : offset + limit]),
        "paging": {"count": len(items), "offset": offset},
    }


def number(query: Mapping[str, str], field: str, default: int, least: int, most: int) -> int:
    """A whole number from the query string."""
    text = query.get(field, str(default))
    # isdecimal() also takes other scripts' digits, and a text as long as the sender likes.
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise invalid(field, f"{field} must be a whole number from {least} to {most}")
    return int(text)
