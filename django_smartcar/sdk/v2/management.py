"""The management API of v2: list and delete the application's connections.

``amt`` is the application management token of Smartcar's dashboard, which covers all vehicles of the
application. Each call raises a SmartcarException. Source: smartcar.com/docs, API reference v2.0, management.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypedDict

from ...secret_types import Secret
from .. import const
from .._dates import parse_datetime
from .._http.requester import Requester, Response, body_of, default_requester, invalid

#: Smartcar's maximum.
PAGE_SIZE = 100


class Pair(TypedDict):
    """A vehicle and the user who connected it; Smartcar may omit the user."""

    vehicle_id: str
    user_id: str | None


class Connection(Pair):
    """``mode`` is ``"live"``, ``"simulated"`` or ``"test"``; ``connected_at`` is in UTC, or None."""

    connected_at: datetime | None
    mode: str | None


class Cursor(TypedDict):
    """The cursor of the next page; None on the last."""

    cursor: str | None


class Connections(TypedDict):
    """One page of the application's connections."""

    connections: list[Connection]
    paging: Cursor


def get_connections(
    amt: str,
    *,
    user_id: str | None = None,
    vehicle_id: str | None = None,
    mode: str | None = None,
    limit: int = 10,
    cursor: str | None = None,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_V2_URL,
) -> Connections:
    """Return one page of connections, newest first: ``{"connections": […], "paging": {"cursor"}}``.

    Smartcar filters by user, vehicle and mode, and accepts a ``limit`` of up to 100. ``cursor`` is that of
    the previous page. GET /connections.
    """
    amt = Secret(amt)
    params = {"user_id": user_id, "vehicle_id": vehicle_id, "mode": mode, "limit": limit, "cursor": cursor}
    response = (requester or default_requester).call(
        "GET", f"{api_url.rstrip('/')}/connections", auth=("default", amt), params=params
    )
    paging = body_of(response).get("paging")
    next_cursor = paging.get("cursor") if isinstance(paging, dict) else None
    return {
        "connections": [
            {
                **_pair(item),
                "connected_at": parse_datetime(item.get("connectedAt")),
                "mode": item["mode"] if isinstance(item.get("mode"), str) else None,
            }
            for item in _items(response)
        ],
        "paging": {"cursor": None if next_cursor is None else str(next_cursor)},
    }


def iter_connections(
    amt: str,
    *,
    user_id: str | None = None,
    vehicle_id: str | None = None,
    mode: str | None = None,
    page_size: int = PAGE_SIZE,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_V2_URL,
) -> Iterator[Connection]:
    """Yield all connections of the application, each once, from all pages. Lazy: one request per page.

    Filters as in ``get_connections``. Deleting while iterating may shift the pages: make a list first.
    """
    amt = Secret(amt)
    seen: set[tuple[str, str | None]] = set()
    cursor = None
    while True:
        page = get_connections(
            amt,
            user_id=user_id,
            vehicle_id=vehicle_id,
            mode=mode,
            limit=page_size,
            cursor=cursor,
            requester=requester,
            api_url=api_url,
        )
        new = {
            (connection["vehicle_id"], connection["user_id"]): connection
            for connection in reversed(page["connections"])
        }
        unseen = [connection for pair, connection in reversed(new.items()) if pair not in seen]
        yield from unseen
        seen.update(new)
        cursor = page["paging"]["cursor"]
        if not cursor or not unseen:
            return


def delete_connections(
    amt: str,
    *,
    user_id: str | None = None,
    vehicle_id: str | None = None,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_V2_URL,
) -> list[Pair]:
    """Delete the connections of a user, of a vehicle, or with both ids just that one. Return those deleted.

    Raises ValueError without any id, and for an empty one. DELETE /connections.
    """
    amt = Secret(amt)
    params = {"user_id": user_id, "vehicle_id": vehicle_id}
    # A missing id would delete more connections than intended.
    if user_id is None and vehicle_id is None or "" in params.values():
        raise ValueError("delete_connections needs a user_id, a vehicle_id or both, and none may be empty")
    requester = requester or default_requester
    response = requester.call(
        "DELETE",
        f"{api_url.rstrip('/')}/connections",
        auth=("default", amt),
        params=params,
        timeout=requester.read_timeout,
    )
    return [_pair(item) for item in _items(response)]


def _items(response: Response) -> list[dict[str, Any]]:
    items = body_of(response).get("connections")
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and isinstance(item.get("vehicleId"), str) for item in items
    ):
        raise invalid(response, "'connections' is not a list of connections")
    return items


def _pair(item: dict[str, Any]) -> Pair:
    user_id = item.get("userId")
    return {"vehicle_id": item["vehicleId"], "user_id": user_id if isinstance(user_id, str) else None}
