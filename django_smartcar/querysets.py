"""Which rows: the questions that views, services and a project's own code ask of the database."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q


class LeasedTokenQuerySet(models.QuerySet[Any]):
    def refreshable(self) -> Any:
        """Rows whose token may be renewed."""
        return self.all()

    def refresh_due(self, before: datetime) -> Any:
        """Refreshable rows whose access token ends before this moment."""
        return self.refreshable().filter(access_expires_at__lt=before)

    def refresh_unknown(self) -> Any:
        """Refreshable rows without an access token: it was refused and dropped, or never there."""
        return self.refreshable().filter(access_expires_at=None)

    def with_expired_lock(self, now: datetime) -> Any:
        """Refreshable rows that a process had begun to renew when it died: it has not given back its lease.

        Their refresh token may be used up, and then works only for a short time more.
        """
        return self.refreshable().filter(refresh_lease_until__lte=now)


class SmartcarAccountQuerySet(LeasedTokenQuerySet):
    def for_user(self, user: Any) -> SmartcarAccountQuerySet:
        """The accounts of this local user; of nobody, for an anonymous one."""
        return self.filter(smartcar_user__user_id=user.pk) if user.pk else self.none()

    def of_api_version(self, api_version: str) -> SmartcarAccountQuerySet:
        """Accounts that are used through this generation: ``"2.0"`` or ``"3"``."""
        return self.filter(api_version=api_version)

    def refreshable(self) -> SmartcarAccountQuerySet:
        """Accounts of API v2 whose refresh token may still be exchanged."""
        return self.of_api_version("2.0").filter(reconnect_required_at=None).exclude(refresh_token="")


class ConnectedVehicleQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> ConnectedVehicleQuerySet:
        """The cars of this local user; of nobody, for an anonymous one."""
        return self.filter(account__smartcar_user__user_id=user.pk) if user.pk else self.none()

    def connected(self) -> ConnectedVehicleQuerySet:
        """Cars that Smartcar still lets this site reach."""
        return self.filter(disconnected_at=None)

    def with_requests(self, month: str) -> ConnectedVehicleQuerySet:
        """Each with ``asked``: how often Smartcar was asked in this month (``"2026-11"``), or None."""
        limits = self.model._meta.apps.get_model("smartcar", "RateLimit").objects
        mine = limits.filter(key=models.OuterRef("smartcar_vehicle_id"), month=month)
        return self.annotate(asked=models.Subquery(mine.values("requests")[:1]))

    def sync_due(self, before: datetime, abandoned: datetime) -> ConnectedVehicleQuerySet:
        """Connected cars that no sync has read since ``before``, and none is reading.

        A sync that holds a car, and has not said so since ``abandoned``, has died.
        """
        is_old = Q(sync_claim=None) & (Q(synced_at=None) | Q(synced_at__lt=before))
        return self.connected().filter(is_old | Q(sync_claim__isnull=False, synced_at__lt=abandoned))

    def subscription_due(self, webhook_ids: Iterable[str]) -> ConnectedVehicleQuerySet:
        """Cars that are subscribed to other webhooks than these; to any, if they are disconnected.

        Those whose driver has to connect again are left out: then they are subscribed anew.
        """
        wanted = " ".join(sorted(set(webhook_ids)))
        may_be_told = Q(disconnected_at=None, account__reconnect_required_at=None)
        gone = Q(disconnected_at__isnull=False)
        return self.filter((may_be_told & ~Q(webhooks=wanted)) | (gone & ~Q(webhooks="")))


def in_pages(rows: models.QuerySet[Any], size: int = 500) -> Iterator[list[Any]]:
    """All rows in the order of their keys, so many at a time: no cursor stays open, memory stays flat."""
    ordered = rows.order_by("pk")
    page = list(ordered[:size])
    while page:
        yield page
        page = list(ordered.filter(pk__gt=page[-1].pk)[:size])


class VehicleReadingQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> VehicleReadingQuerySet:
        """What the cars of this local user have told; nothing, for an anonymous one."""
        return self.filter(vehicle__account__smartcar_user__user_id=user.pk) if user.pk else self.none()

    def latest_only(self) -> VehicleReadingQuerySet:
        """The one of each car and kind that is true now, as far as is known."""
        return self.filter(is_latest=True)

    def expired(self, before: datetime) -> VehicleReadingQuerySet:
        """What Smartcar has last told before this moment, and is not the newest of its car and kind."""
        return self.filter(is_latest=False, fetched_at__lt=before)


class ConnectAttemptQuerySet(models.QuerySet[Any]):
    def open(self, now: datetime) -> ConnectAttemptQuerySet:
        """Attempts that a callback may still finish."""
        return self.filter(consumed_at=None, expires_at__gt=now)


class Pages:
    """Rows in the order of a column, page by page; read again later, it goes on from there.

    A page is shuffled, so that copies that begin together do not ask for the same rows all the way.
    """

    def __init__(self, rows: Callable[[], Any], column: str, size: int) -> None:
        self._rows = rows
        self._column = column
        self._size = size
        self._after = Q()

    def read(self) -> list[Any]:
        rows = self._rows().filter(self._after).order_by(self._column, "pk")
        page: list[Any] = list(rows[: self._size])
        if page:
            self._after = self._behind(page[-1])
        random.shuffle(page)
        return page

    def _behind(self, row: Any) -> Q:
        column, value, later = self._column, getattr(row, self._column), Q(pk__gt=row.pk)
        if value is None:  # as it is in all of these rows
            return later
        return Q((f"{column}__gte", value)) & (Q((f"{column}__gt", value)) | later)


class WebhookEventQuerySet(models.QuerySet[Any]):
    def about(self, smartcar_users: Any, vehicles: Any) -> WebhookEventQuerySet:
        """Events of these drivers, and of these cars where an event names no driver."""
        nameless = Q(smartcar_user_id="", smartcar_vehicle_id__in=vehicles.values("smartcar_vehicle_id"))
        return self.filter(Q(smartcar_user_id__in=smartcar_users.values("pk")) | nameless)

    def due(self, now: datetime) -> WebhookEventQuerySet:
        """Events that somebody should work now, the longest waiting first."""
        return self.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
