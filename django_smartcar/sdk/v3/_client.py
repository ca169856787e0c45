"""API v3 on the wire: resources (as in JSON:API), their pages, and the end of what takes long.

Source: smartcar.com/docs, API reference v3 (autumn of 2026).
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from ...secret_types import protect, protected_copy
from .. import const
from .._http import Requester, Response, bearer, body_of, default_requester, invalid, protected_headers
from .._http._error_bodies import exception_for

#: ``{"id", "type", "attributes", "meta", "relationships", "links"}``; of these, only the id is certain.
Resource: TypeAlias = dict[str, Any]


class Client:
    """A host of API v3, and the headers it wants: the application's token, the driver, the units."""

    def __init__(
        self,
        access_token: str | None,
        api_url: str,
        *,
        user_id: str | None = None,
        requester: Requester | None = None,
    ) -> None:
        access_token = protect(access_token)
        self.access_token = access_token
        self.user_id = user_id
        self.unit_system: str | None = None
        self._api_url = api_url.rstrip("/")
        self._requester = requester or default_requester

    def __repr__(self) -> str:
        return f"Client({self._api_url!r}, user_id={self.user_id!r}, unit_system={self.unit_system!r})"

    def set_unit_system(self, unit_system: str) -> None:
        """Ask for ``"metric"`` or ``"imperial"`` from now on; ValueError for anything else."""
        if unit_system not in const.UNIT_SYSTEMS:
            raise ValueError(f"the unit system is 'metric' or 'imperial', not {unit_system!r}")
        self.unit_system = unit_system

    @property
    def headers(self) -> dict[str, str]:
        """What every request to this host carries, in a dict of the caller's own."""
        headers = bearer(self.access_token) if self.access_token else {}
        if self.user_id is not None:
            headers[const.USER_ID_HEADER] = self.user_id
        if self.unit_system is not None:
            headers[const.UNIT_SYSTEM_HEADER] = self.unit_system
        return headers

    def get(self, *path: str, params: Mapping[str, Any] | None = None) -> Response:
        """GET ``path``, whose parts are escaped; ``params`` that are None are left out."""
        return self._requester.call("GET", self._url(path), headers=self.headers, params=params)

    def request(
        self, method: str, *path: str, query: str, body: Any, headers: Mapping[str, str] | None
    ) -> Response:
        """Send anything; the caller's headers go before ours. Raises the exception of a 2xx that failed."""
        body, headers = protected_copy(body), protected_headers(headers)
        url = self._url(path) + (query and f"?{query}")
        response = self._requester.call(method, url, headers={**self.headers, **headers}, json=body)
        if response.content.strip():
            document_of(response)
        return response

    def command(self, method: str, *path: str, attributes: Mapping[str, Any] | None = None) -> Response:
        """POST or DELETE, with all the time that a car may need: the answer comes when all of it has come."""
        body = {} if attributes is None else {"json": {"data": {"attributes": attributes}}}
        return self._requester.call(method, self._url(path), headers=self.headers, **body)

    def send(self, method: str, *path: str, attributes: Mapping[str, Any] | None = None) -> None:
        """POST or DELETE what no car has to be woken for; any 2xx will do that tells of no error."""
        body = {} if attributes is None else {"json": {"data": {"attributes": attributes}}}
        timeout = self._requester.read_timeout
        response = self._requester.call(
            method, self._url(path), headers=self.headers, timeout=timeout, **body
        )
        if response.content.strip():
            document_of(response)

    def get_one(self, *path: str) -> Resource:
        """GET one resource; its older form, without ``data`` around it, is taken too."""
        return resource_of(self.get(*path))

    def iter_all(
        self, *path: str, filters: Mapping[str, str | None] | None = None, page_size: int | None = None
    ) -> Iterator[Resource]:
        """Each resource on the pages of ``path``, once; lazily, a request a page.

        To delete on the way moves the pages: make a list first.
        """
        for _, resources in self.iter_pages(*path, filters=filters, page_size=page_size):
            yield from resources

    def iter_pages(
        self, *path: str, filters: Mapping[str, str | None] | None = None, page_size: int | None = None
    ) -> Iterator[tuple[Response, list[Resource]]]:
        """Each page of ``path`` and what it has that no page before it had; lazily.

        Ends where ``links.next`` does (or, without it, the count), or with a page that brings nothing new.
        Smartcar chooses a ``page_size`` of None.
        """
        if page_size is not None and page_size < 1:
            raise ValueError(f"a page holds at least one item, not {page_size}")
        chosen = {f"filter[{name}]": value for name, value in (filters or {}).items()}
        seen: set[str] = set()
        for number in itertools.count(1):
            page = {"page[number]": None if number == 1 and page_size is None else number}
            response = self.get(*path, params={**chosen, **page, "page[size]": page_size})
            document = document_of(response)
            items = document.get("data")
            if not isinstance(items, list) or not all(map(_is_resource, items)):
                raise invalid(response, "'data' is not a list of resources")
            new = {item["id"]: item for item in items if item["id"] not in seen}
            yield response, list(new.values())
            seen.update(new)
            if not new or not _goes_on(document, len(seen)):
                return

    def _url(self, path: tuple[str, ...]) -> str:
        for part in path:
            # Dots cannot be escaped, and nothing at all would make one thing's address that of all things.
            if not str(part).strip("."):
                raise ValueError(f"an id cannot be {part!r}")
        return "/".join([self._api_url, *(quote(str(part), safe="") for part in path)])


def document_of(response: Response) -> dict[str, Any]:
    """The JSON object of a 2xx answer. Raises the exception of its error, if it tells of one after all."""
    body = body_of(response)
    if body.get("errors") or body.get("error") or ("statusCode" in body and "data" not in body):
        raise exception_for(response)
    return body


def resource_of(response: Response) -> Resource:
    """Return the resource of a 2xx response, with or without ``data``. Raises InvalidResponseException."""
    document = document_of(response)
    resource = document.get("data", document)
    if not _is_resource(resource):
        raise invalid(response, "it is not a resource with an id")
    return resource  # type: ignore[no-any-return]


def ensure_done(response: Response, *, lasting: bool = False) -> dict[str, Any]:
    """The attributes of a command's execution, once the command has succeeded.

    A 202 says nothing yet: what counts is the body at its end. Raises the exception of the failure it tells
    of, and InvalidResponseException where it tells of neither: then the car may have obeyed, or not.
    ``lasting`` executions make or remove a thing: they carry its id, and need not say a status.
    """
    execution = document_of(response).get("data")
    attributes = attributes_of(execution) if isinstance(execution, dict) else {}
    status = attributes.get("status")
    error = status.get("error") if isinstance(status, dict) else None
    value = status.get("value") if isinstance(status, dict) else status
    if isinstance(error, dict) and error:
        raise exception_for(response, error)
    if isinstance(value, str) and value.upper() == "SUCCESS":
        return attributes
    if lasting and status is None and attributes:
        return attributes
    raise invalid(response, "it says neither that the command succeeded nor that it failed")


def attributes_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The resource's attributes, or the resource itself where an older form has them at its top."""
    return part_of(resource, "attributes") or dict(resource)


def part_of(resource: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The dict at the end of this path into a resource; empty if there is none."""
    part: Any = resource
    for name in names:
        part = part.get(name) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def text_of(part: Mapping[str, Any], name: str) -> str | None:
    """The text under ``name``, or None."""
    value = part.get(name)
    return value if isinstance(value, str) else None


def id_of(resource: Mapping[str, Any], related: str) -> str | None:
    """The id of what a resource is related to (``"vehicle"``, ``"user"``), or None."""
    return text_of(part_of(resource, "relationships", related, "data"), "id")


def _is_resource(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str) and bool(value["id"])


def _goes_on(document: dict[str, Any], seen: int) -> bool:
    links = document.get("links")
    if isinstance(links, dict) and "next" in links:
        return bool(links["next"])
    total = part_of(document, "meta").get("totalCount")
    return isinstance(total, int) and seen < total
