"""Pagination of API v3: ``page[number]`` and ``page[size]`` in the query string, and links to other pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from .. import hosts
from ..errors.v3 import malformed
from ..profiles import Page

#: The names of earlier versions of the API, which are accepted as well.
_OLD_NAMES = {"page[number]": "page", "page[size]": "pageSize"}


def paginate(
    request: HttpRequest,
    items: Sequence[Any],
    resource: Callable[[Any], dict[str, Any]],
    *,
    size: int,
    max_size: int = 100,
    page: Page = Page(),  # noqa: B008 - immutable
    **meta: Any,
) -> dict[str, Any]:
    """Return one page of the items as JSON:API data, meta and links. A page past the last one is empty.

    ``resource`` turns an item into its JSON. ``size`` is the default page size. ``page`` names the parameters
    where they differ from the documented ones. ``meta`` extends the meta.
    """
    number = _query_integer(request, page.number, 1, 1_000_000)
    size = _query_integer(request, page.size, page.default_size or size, max_size)
    last = max(1, -(-len(items) // size))

    def link(to: int) -> str:
        query = request.GET.copy()
        for name in (*_OLD_NAMES, *_OLD_NAMES.values()):
            query.pop(name, None)
        query[page.number], query[page.size] = str(to), str(size)
        return f"{hosts.request_url(request)}?{urlencode(list(query.lists()), doseq=True)}"

    return {
        "data": [resource(item) for item in items[(number - 1) * size : number * size]],
        "meta": {page.meta_number: number, "pageSize": size, "totalCount": len(items), **meta},
        "links": {
            "self": link(number),
            "first": link(1),
            "prev": link(min(number - 1, last)) if number > 1 else None,
            "next": link(number + 1) if number < last else None,
            "last": link(last),
        },
    }


def _query_integer(request: HttpRequest, name: str, default: int, maximum: int) -> int:
    given = [request.GET[one] for one in (name, _OLD_NAMES.get(name, name)) if one in request.GET]
    text = given[0] if given else str(default)
    # isdecimal() also accepts digits of other scripts, and int() of a very long string is slow.
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= maximum):
        raise malformed(f"{name} must be a whole number from 1 to {maximum}")
    return int(text)
