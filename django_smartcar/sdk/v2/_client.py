"""REST client of API v2: URLs and bearer headers, and the calls that need only a token."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypedDict, cast
from urllib.parse import quote

from ...secret_types import Secret, protect, protected_copy
from .. import const
from .._http.requester import Requester, Response, bearer, body_of, default_requester, protected_headers

#: Smartcar's maximum.
PAGE_SIZE = 50


class Paging(TypedDict):
    """``count`` is the total number of items, ``offset`` the start of this page."""

    count: int
    offset: int


class VehicleIds(TypedDict):
    """One page of a user's vehicle ids."""

    vehicles: list[str]
    paging: Paging


class Api:
    """Requests with one access token, and optionally for one vehicle. Methods return raw responses."""

    def __init__(
        self,
        access_token: str,
        vehicle_id: str | None = None,
        *,
        requester: Requester | None = None,
        api_url: str = const.API_URL,
    ) -> None:
        access_token = Secret(access_token)
        if vehicle_id is not None and not str(vehicle_id).strip("."):
            # Dots cannot be escaped: clients and proxies resolve "." and ".." as path segments.
            raise ValueError(f"a vehicle id cannot be {vehicle_id!r}")
        self.access_token = access_token
        self.vehicle_id = vehicle_id
        self.unit_system = "metric"
        self._requester = requester or default_requester
        self._api_url = api_url.rstrip("/")

    def __repr__(self) -> str:
        return f"Api(vehicle_id={self.vehicle_id!r}, unit_system={self.unit_system!r})"

    @property
    def auth(self) -> dict[str, str]:
        """Return the Authorization header, in a new dict."""
        return bearer(self.access_token)

    def set_unit_system(self, unit_system: str) -> None:
        """Request ``"metric"`` or ``"imperial"`` units from now on. Raise ValueError for anything else."""
        if unit_system not in const.UNIT_SYSTEMS:
            raise ValueError(f"unit_system must be 'metric' or 'imperial', not {unit_system!r}")
        self.unit_system = unit_system

    def action(self, endpoint: str, action: str, **kwargs: Any) -> Response:
        """POST an action to the vehicle. The body has those ``kwargs`` that are not None."""
        body = {"action": action, **{name: value for name, value in kwargs.items() if value is not None}}
        return self._requester.call("POST", self._format(endpoint), json=body, headers=self._unit_headers())

    def get(self, endpoint: str, **params: Any) -> Response:
        """GET an endpoint of the vehicle; ``""`` is the vehicle itself. Parameters of None are omitted."""
        url = self._format(endpoint)
        return self._requester.call("GET", url, headers=self._unit_headers(), params=params)

    def post(self, endpoint: str, **body: Any) -> Response:
        """POST JSON to an endpoint of the vehicle."""
        return self._requester.call("POST", self._format(endpoint), json=body, headers=self._unit_headers())

    def batch(self, paths: Iterable[str]) -> Response:
        """POST a batch of paths to read. It is not a command, so it has the timeout of a read."""
        body = {"requests": [{"path": f"/{path}"} for path in paths]}
        url, timeout = self._format("batch"), self._requester.read_timeout
        return self._requester.call("POST", url, json=body, headers=self._unit_headers(), timeout=timeout)

    def webhook(self, method: str, webhook_id: str, token: str | None = None) -> Response:
        """POST or DELETE the vehicle's subscription to a webhook, with ``token`` if it is given."""
        token = protect(token)
        headers = self.auth if token is None else bearer(token)
        url, timeout = self._format(f"webhooks/{segments(webhook_id)[0]}"), self._requester.read_timeout
        return self._requester.call(method, url, headers=headers, timeout=timeout)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send any request to a path below the vehicle. The caller's headers override ours."""
        body, headers = protected_copy(body), protected_headers(headers)
        path, _, query = path.partition("?")
        url = self._format("/".join(segments(*filter(None, path.split("/"))))) + (query and f"?{query}")
        return self._requester.call(method, url, headers={**self._unit_headers(), **headers}, json=body)

    def permissions(self, **params: Any) -> Response:
        """GET the granted permissions; ``limit`` and ``offset`` select the page."""
        return self._requester.call("GET", self._format("permissions"), headers=self.auth, params=params)

    def disconnect(self) -> Response:
        """DELETE the application's access to the vehicle."""
        return self._requester.call("DELETE", self._format("application"), headers=self.auth)

    def vehicles(self, **params: Any) -> Response:
        """GET the user's vehicles; ``limit`` and ``offset`` select the page."""
        return self._requester.call("GET", f"{self._api_url}/vehicles", headers=self.auth, params=params)

    def user(self, **params: Any) -> Response:
        """GET the user's Smartcar id."""
        return self._requester.call("GET", f"{self._api_url}/user", headers=self.auth, params=params)

    def _format(self, endpoint: str) -> str:
        if self.vehicle_id is None:
            raise ValueError("this Api has no vehicle id")
        return f"{self._api_url}/vehicles/{segments(self.vehicle_id)[0]}/{endpoint}"

    def _unit_headers(self) -> dict[str, str]:
        return {**self.auth, const.UNIT_SYSTEM_HEADER: self.unit_system}


def segments(*parts: str) -> list[str]:
    """Return path segments, escaped. Raise ValueError for ``""``, ``"."`` and ``".."``."""
    for part in parts:
        # Dots cannot be escaped: clients and proxies resolve "." and ".." as path segments.
        if not str(part).strip("."):
            raise ValueError(f"{part!r} cannot be a path segment")
    # Not str() of text: that of a secret is the placeholder.
    return [quote(part if isinstance(part, str) else str(part), safe="") for part in parts]


def iter_all(fetch: Callable[..., Response], key: str, page_size: int) -> Iterator[str]:
    """Yield each ``key`` string on the pages of ``fetch(limit=…, offset=…)`` once. One request per page.

    Stops at the server's count, or, if that is wrong, at a page without new items.
    """
    if page_size < 1:
        raise ValueError(f"page_size must be at least 1, not {page_size}")
    seen: set[str] = set()
    offset = 0
    while True:
        body = body_of(fetch(limit=page_size, offset=offset), **{key: list})
        new = [item for item in dict.fromkeys(body[key]) if item not in seen]
        if not new:
            return
        yield from new
        seen.update(new)
        offset += len(body[key])
        paging = body.get("paging")
        count = paging.get("count") if isinstance(paging, dict) else None
        if isinstance(count, int) and offset >= count:
            return


def get_vehicle_ids(
    access_token: str,
    limit: int = 10,
    offset: int = 0,
    *,
    requester: Requester | None = None,
    api_url: str = const.API_URL,
) -> VehicleIds:
    """Return one page of vehicle ids: ``{"vehicles": [id, …], "paging": {"count", "offset"}}``.

    Smartcar accepts a ``limit`` of up to 50. Raises a SmartcarException. GET /vehicles.
    """
    access_token = Secret(access_token)
    response = Api(access_token, requester=requester, api_url=api_url).vehicles(limit=limit, offset=offset)
    body = body_of(response, vehicles=list, paging=dict)
    return cast(VehicleIds, body)


def iter_vehicle_ids(
    access_token: str,
    *,
    page_size: int = PAGE_SIZE,
    requester: Requester | None = None,
    api_url: str = const.API_URL,
) -> Iterator[str]:
    """Yield all vehicle ids of the user, each once, from all pages. Raises a SmartcarException."""
    access_token = Secret(access_token)
    return iter_all(Api(access_token, requester=requester, api_url=api_url).vehicles, "vehicles", page_size)


def get_user_id(
    access_token: str, *, requester: Requester | None = None, api_url: str = const.API_URL
) -> str:
    """Return the Smartcar id of the user who granted this token. Raises a SmartcarException. GET /user."""
    access_token = Secret(access_token)
    response = Api(access_token, requester=requester, api_url=api_url).user()
    return cast(str, body_of(response, id=str)["id"])
