"""JSON:API client of API v3: resources, pagination, and long-running commands.

Source: smartcar.com/docs, API reference v3 (autumn of 2026).
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, urlsplit

from ...secret_types import protect, protected_copy
from .. import const
from .._http._error_bodies import exception_for
from .._http.requester import (
    Requester,
    Response,
    bearer,
    body_of,
    default_requester,
    invalid,
    protected_headers,
)
from ..exceptions import SmartcarException

#: ``{"id", "type", "attributes", "meta", "relationships", "links"}``; only the id is always present.
Resource: TypeAlias = dict[str, Any]


class Client:
    """Requests to one host of API v3, with headers for the application's token, the user and the units."""

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
        """Request ``"metric"`` or ``"imperial"`` units from now on. Raise ValueError for anything else."""
        if unit_system not in const.UNIT_SYSTEMS:
            raise ValueError(f"unit_system must be 'metric' or 'imperial', not {unit_system!r}")
        self.unit_system = unit_system

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of every request to this host, in a new dict."""
        headers = bearer(self.access_token) if self.access_token else {}
        if self.user_id is not None:
            headers[const.USER_ID_HEADER] = self.user_id
        if self.unit_system is not None:
            headers[const.UNIT_SYSTEM_HEADER] = self.unit_system
        return headers

    def get(self, *path: str, params: Mapping[str, Any] | None = None) -> Response:
        """GET ``path``, whose parts are escaped. Parameters of None are omitted."""
        return self._requester.call("GET", self._url(path), headers=self.headers, params=params)

    def request(
        self, method: str, *path: str, query: str, body: Any, headers: Mapping[str, str] | None
    ) -> Response:
        """Send any request. The caller's headers override ours. Raise for a 2xx response with an error."""
        body, headers = protected_copy(body), protected_headers(headers)
        url = self._url(path) + (query and f"?{query}")
        response = self._requester.call(method, url, headers={**self.headers, **headers}, json=body)
        if response.content.strip():
            document_of(response)
        return response

    def command(self, method: str, *path: str, attributes: Mapping[str, Any] | None = None) -> Response:
        """POST or DELETE a command, with its long timeout. Return the response once its body is complete."""
        body = {} if attributes is None else {"json": {"data": {"attributes": attributes}}}
        return self._requester.call(method, self._url(path), headers=self.headers, **body)

    def send(self, method: str, *path: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Send a POST or DELETE that waits for no vehicle. Accept any 2xx response without an error."""
        body = {} if attributes is None else {"json": {"data": {"attributes": attributes}}}
        timeout = self._requester.read_timeout
        response = self._requester.call(
            method, self._url(path), headers=self.headers, timeout=timeout, **body
        )
        if response.content.strip():
            document_of(response)

    def get_one(self, *path: str) -> Resource:
        """GET one resource. Its older form, without ``data``, is accepted, too."""
        return resource_of(self.get(*path))

    def iter_all(
        self, *path: str, filters: Mapping[str, str | None] | None = None, page_size: int | None = None
    ) -> Iterator[Resource]:
        """Yield each resource on the pages of ``path`` once. Lazy: one request per page.

        Deleting while iterating shifts the pages: make a list first.
        """
        for _, resources in self.iter_pages(*path, filters=filters, page_size=page_size):
            yield from resources

    def iter_pages(
        self, *path: str, filters: Mapping[str, str | None] | None = None, page_size: int | None = None
    ) -> Iterator[tuple[Response, list[Resource]]]:
        """Yield each page of ``path`` with the resources that are new on it. Lazy.

        Requests the next page with the parameters of ``links.next``, whatever their names; never its URL.
        Stops when ``links.next`` is empty (without it, at the count), or at a page without new resources.
        With a ``page_size`` of None, Smartcar's default applies.
        Raises InvalidResponseException at the end if the first page counted more resources than came.
        """
        if page_size is not None and page_size < 1:
            raise ValueError(f"page_size must be at least 1, not {page_size}")
        filter_params = {f"filter[{name}]": value for name, value in (filters or {}).items()}
        page: dict[str, Any] = {"page[number]": page_size and 1, "page[size]": page_size}
        seen: set[str] = set()
        total = 0
        for number in itertools.count(1):
            # The filters win: a link must not widen the list.
            response = self.get(*path, params={**filter_params, **page, **filter_params})
            document = document_of(response)
            total = total or _total_of(document)
            items = document.get("data")
            if not isinstance(items, list) or not all(map(_is_resource, items)):
                raise invalid(response, "'data' is not a list of resources")
            new = {item["id"]: item for item in items if item["id"] not in seen}
            yield response, list(new.values())
            seen.update(new)
            if not new or not _has_next_page(document, len(seen)):
                break
            numbered = {"page[number]": number + 1, "page[size]": page_size}
            page = _parameters_of_next_page(document) or numbered
        if len(seen) < total:
            raise invalid(response, f"{len(seen)} of {total} resources came")

    def _url(self, path: tuple[str, ...]) -> str:
        for part in path:
            # Dots cannot be escaped, and an empty id would turn the URL of one resource into that of all.
            if not str(part).strip("."):
                raise ValueError(f"an id cannot be {part!r}")
        return "/".join(
            [self._api_url, *(quote(part if isinstance(part, str) else str(part), safe="") for part in path)]
        )


def document_of(response: Response) -> dict[str, Any]:
    """Return the JSON object of a 2xx response. Raise the exception of an error in its body."""
    body = body_of(response)
    if body.get("errors") or body.get("error") or ("statusCode" in body and "data" not in body):
        del body  # unlike the exception, it may repeat what was sent
        raise exception_for(response)
    return body


def resource_of(response: Response) -> Resource:
    """Return the resource of a 2xx response, with or without ``data``. Raise InvalidResponseException."""
    document = document_of(response)
    resource = document.get("data", document)
    if not _is_resource(resource):
        raise invalid(response, "the body is not a resource with an id")
    return resource  # type: ignore[no-any-return]


def ensure_done(response: Response, *, has_resource: bool = False) -> dict[str, Any]:
    """Return the attributes of a command's execution if it succeeded.

    A 202 is not a success: the body, complete when the execution ends, has the result. Raises the exception
    for a failure in it, and InvalidResponseException if it has no result: the vehicle may have executed the
    command. With ``has_resource``, the execution creates or deletes a resource, and may have its id and no
    status.
    """
    result = _result_of(response, has_resource)
    if isinstance(result, SmartcarException):
        raise result
    return result


def _result_of(response: Response, has_resource: bool) -> dict[str, Any] | SmartcarException:
    # Returns the failure: raised here, it would show its text in the body, which may repeat what was sent.
    execution = document_of(response).get("data")
    attributes = attributes_of(execution) if isinstance(execution, dict) else {}
    status = attributes.get("status")
    error = status.get("error") if isinstance(status, dict) else None
    value = status.get("value") if isinstance(status, dict) else status
    if isinstance(error, dict) and error:
        return exception_for(response, error)
    if isinstance(value, str) and value.upper() == "SUCCESS":
        return attributes
    if has_resource and status is None and attributes:
        return attributes
    return invalid(response, "it has neither a success nor a failure of the command")


def attributes_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a resource, or the resource itself in its older, flat form."""
    return part_of(resource, "attributes") or dict(resource)


def part_of(resource: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the dict at this path in a resource, or an empty one."""
    part: Any = resource
    for name in names:
        part = part.get(name) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def text_of(part: Mapping[str, Any], name: str) -> str | None:
    """Return the string under ``name``, or None."""
    value = part.get(name)
    return value if isinstance(value, str) else None


def id_of(resource: Mapping[str, Any], related: str) -> str | None:
    """Return the id of a related resource (``"vehicle"``, ``"user"``), or None."""
    return text_of(part_of(resource, "relationships", related, "data"), "id")


def _is_resource(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str) and bool(value["id"])


def _has_next_page(document: dict[str, Any], seen: int) -> bool:
    links = document.get("links")
    if isinstance(links, dict) and "next" in links:
        return bool(links["next"])
    return seen < _total_of(document)


def _total_of(document: dict[str, Any]) -> int:
    """Return how many resources there are on all pages; 0 if that is not told."""
    total = part_of(document, "meta").get("totalCount")
    return total if isinstance(total, int) else 0


def _parameters_of_next_page(document: dict[str, Any]) -> dict[str, Any]:
    """Return the query parameters of ``links.next``: some lists have other names for the page's number."""
    link = text_of(part_of(document, "links"), "next") or ""
    try:
        return dict(parse_qsl(urlsplit(link).query))
    except ValueError:
        return {}
