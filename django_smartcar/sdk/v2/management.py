"""Who has let the application into which car, API v2: told to the application management token.

That token, from Smartcar's dashboard, opens all of the application's cars. Each call raises a
SmartcarException. Source: smartcar.com/docs, API reference v2.0, management.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypedDict

from ...secret_types import Secret
from .. import const
from .._dates import parse_datetime
from .._http import Requester, Response, body_of, default_requester, invalid

#: The most that Smartcar takes.
PAGE_SIZE = 100


class Pair(TypedDict):
    """A car and the user who connected it; Smartcar may leave the user out."""

    vehicle_id: str
    user_id: str | None


class Connection(Pair):
    """``mode`` is ``"live"``, ``"simulated"`` or ``"test"``; the moment is aware and in UTC, or None."""

    connected_at: datetime | None
    mode: str | None


class Cursor(TypedDict):
    """Where the next page begins, or None after the last one."""

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
    """One page of connections, newest first: ``{"connections": […], "paging": {"cursor"}}``.

    Of one user, of one car, in one mode, as Smartcar filters them; a ``limit`` of at most 100. ``cursor`` is
    that of the page before. GET /connections.
    """
    amt = Secret(amt)
    params = {"user_id": user_id, "vehicle_id": vehicle_id, "mode": mode, "limit": limit, "cursor": cursor}
    response = (requester or default_requester).call(
        "GET", f"{api_url.rstrip('/')}/connections", auth=("default", amt), params=params
    )
    paging = body_of(response).get("paging")
    following = paging.get("cursor") if isinstance(paging, dict) else None
    return {
        "connections": [
            {
                **_pair(item),
                "connected_at": parse_datetime(item.get("connectedAt")),
                "mode": item["mode"] if isinstance(item.get("mode"), str) else None,
            }
            for item in _items(response)
        ],
        "paging": {"cursor": None if following is None else str(following)},
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
    """All of the application's connections, each once, from as many pages as it takes; lazily.

    Filtered as in ``get_connections``. To delete on the way may move the pages: make a list first.
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
        new = {(one["vehicle_id"], one["user_id"]): one for one in reversed(page["connections"])}
        fresh = [one for pair, one in reversed(new.items()) if pair not in seen]
        yield from fresh
        seen.update(new)
        cursor = page["paging"]["cursor"]
        if not cursor or not fresh:
            return


def delete_connections(
    amt: str,
    *,
    user_id: str | None = None,
    vehicle_id: str | None = None,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_V2_URL,
) -> list[Pair]:
    """End connections: all of a user's, all of a car's, or with both ids just that one; those that ended.

    ValueError without either, and for one that is empty. DELETE /connections.
    """
    amt = Secret(amt)
    given = {"user_id": user_id, "vehicle_id": vehicle_id}
    # An id that got lost on the way would widen what is deleted.
    if user_id is None and vehicle_id is None or "" in given.values():
        raise ValueError("to delete connections takes a user_id, a vehicle_id, or both, and none empty")
    send = requester or default_requester
    response = send.call(
        "DELETE",
        f"{api_url.rstrip('/')}/connections",
        auth=("default", amt),
        params=given,
        timeout=send.read_timeout,
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
