"""Querysets for views, services and a project's own code."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q


class LeasedTokenQuerySet(models.QuerySet[Any]):
    def refreshable(self) -> Any:
        """Return rows whose token can be refreshed."""
        return self.all()

    def refresh_due(self, before: datetime) -> Any:
        """Return refreshable rows whose access token expires before this time."""
        return self.refreshable().filter(access_expires_at__lt=before)

    def refresh_unknown(self) -> Any:
        """Return refreshable rows without an access token: Smartcar rejected it, or there never was one."""
        return self.refreshable().filter(access_expires_at=None)

    def with_expired_lock(self, now: datetime) -> Any:
        """Return refreshable rows whose refresh lock has expired: the process holding it died.

        Their refresh token may be used up. It then works for a short time only.
        """
        return self.refreshable().filter(refresh_lease_until__lte=now)


class SmartcarAccountQuerySet(LeasedTokenQuerySet):
    def for_user(self, user: Any) -> SmartcarAccountQuerySet:
        """Return the accounts of this local user; none for an anonymous user."""
        return self.filter(smartcar_user__user_id=user.pk) if user.pk else self.none()

    def of_api_version(self, api_version: str) -> SmartcarAccountQuerySet:
        """Return accounts that use this API version: ``"2.0"`` or ``"3"``."""
        return self.filter(api_version=api_version)

    def refreshable(self) -> SmartcarAccountQuerySet:
        """Return accounts of API v2 whose refresh token can be exchanged."""
        return self.of_api_version("2.0").filter(reconnect_required_at=None).exclude(refresh_token="")


class ConnectedVehicleQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> ConnectedVehicleQuerySet:
        """Return the vehicles of this local user; none for an anonymous user."""
        return self.filter(account__smartcar_user__user_id=user.pk) if user.pk else self.none()

    def connected(self) -> ConnectedVehicleQuerySet:
        """Return vehicles that this site still has access to."""
        return self.filter(disconnected_at=None)

    def with_requests(self, month: str) -> ConnectedVehicleQuerySet:
        """Annotate ``billed_requests``: those of this month (``"2026-11"``), or None."""
        limits = self.model._meta.apps.get_model("smartcar", "RateLimit").objects
        counted = limits.filter(key=models.OuterRef("smartcar_vehicle_id"), month=month)
        return self.annotate(billed_requests=models.Subquery(counted.values("requests")[:1]))

    def sync_due(self, before: datetime, renewed_before: datetime) -> ConnectedVehicleQuerySet:
        """Return connected vehicles that no sync has read since ``before``, and none is reading now.

        A lease that was last renewed before ``renewed_before`` has expired.
        """
        is_old = Q(sync_claim=None) & (Q(synced_at=None) | Q(synced_at__lt=before))
        return self.connected().filter(is_old | Q(sync_claim__isnull=False, synced_at__lt=renewed_before))

    def subscription_due(self, webhook_ids: Iterable[str]) -> ConnectedVehicleQuerySet:
        """Return vehicles whose subscriptions differ from these webhooks; disconnected ones should have none.

        Vehicles whose driver has to connect again are left out: connecting subscribes them.
        """
        wanted = " ".join(sorted(set(webhook_ids)))
        subscribable = Q(disconnected_at=None, account__reconnect_required_at=None)
        disconnected = Q(disconnected_at__isnull=False)
        return self.filter((subscribable & ~Q(webhooks=wanted)) | (disconnected & ~Q(webhooks="")))


def in_pages(rows: models.QuerySet[Any], size: int = 500) -> Iterator[list[Any]]:
    """Yield all rows by primary key, in lists of ``size``: no open cursor, constant memory."""
    return _pages(rows.order_by("pk"), lambda row: Q(pk__gt=row.pk), size)


def _pages(rows: models.QuerySet[Any], after: Callable[[Any], Q], size: int) -> Iterator[list[Any]]:
    page = list(rows[:size])
    while page:
        yield page
        page = list(rows.filter(after(page[-1]))[:size]) if len(page) == size else []


class OfVehicleQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> Any:
        """Return the rows of this local user's vehicles; none for an anonymous user."""
        return self.filter(vehicle__account__smartcar_user__user_id=user.pk) if user.pk else self.none()


class VehicleSignalQuerySet(OfVehicleQuerySet):
    pass


class VehicleReadingQuerySet(OfVehicleQuerySet):
    def expired(self, before: datetime) -> VehicleReadingQuerySet:
        """Return readings received before this time. The latest state of a signal is another table's."""
        return self.filter(received_at__lt=before)

    def signal_names(self) -> Iterator[str]:
        """Yield the name of each signal of any reading: a look into the index for each, not at every row."""
        names = self.order_by("signal").values_list("signal", flat=True)
        name = names.first()
        while name is not None:
            yield name
            name = names.filter(signal__gt=name).first()

    def in_signal_order(self, size: int = 500) -> Iterator[list[Any]]:
        """Yield all rows of one vehicle by signal and time, in lists of ``size``.

        That is the order of an index: however many readings the vehicle has, a list sorts none of them.
        """
        return _pages(self.order_by("signal", "recorded_at"), self._after, size)

    @staticmethod
    def _after(row: Any) -> Q:
        return Q(signal__gte=row.signal) & (Q(signal__gt=row.signal) | Q(recorded_at__gt=row.recorded_at))


class ConnectAttemptQuerySet(models.QuerySet[Any]):
    def open(self, now: datetime) -> ConnectAttemptQuerySet:
        """Return attempts that a callback can still complete."""
        return self.filter(consumed_at=None, expires_at__gt=now)


class Pages:
    """Reads rows in the order of a column, page by page; each `read` continues after the last page.

    Each page is shuffled, so that processes that start together do not compete for the same rows.
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
            self._after = self._after_row(page[-1])
        random.shuffle(page)
        return page

    def _after_row(self, row: Any) -> Q:
        column, value, later = self._column, getattr(row, self._column), Q(pk__gt=row.pk)
        if value is None:  # then all rows of the queryset have none (`refresh_unknown`)
            return later
        return Q((f"{column}__gte", value)) & (Q((f"{column}__gt", value)) | later)


class WebhookEventQuerySet(models.QuerySet[Any]):
    def about(self, smartcar_users: Any, vehicles: Any) -> WebhookEventQuerySet:
        """Return events of these Smartcar users and, without a user id, of these vehicles while connected.

        The ids are read first: with only subqueries in an OR, PostgreSQL reads all events.
        """
        user_ids = list(smartcar_users.using(self.db).values_list("pk", flat=True))
        return self.filter(Q(smartcar_user_id__in=user_ids) | self.without_user(vehicles))

    def without_user(self, vehicles: Any) -> Q:
        """Return the condition for events without a user id that arrived while one of these was connected.

        A car that is sold may keep its id at Smartcar: the time tells whose event it is.
        """
        ids = list(vehicles.using(self.db).values_list("smartcar_vehicle_id", flat=True).order_by())
        of_event = {
            "smartcar_vehicle_id": models.OuterRef("smartcar_vehicle_id"),
            "connected_at__lte": models.OuterRef("received_at"),
        }
        is_before_the_end = Q(disconnected_at=None) | Q(disconnected_at__gte=models.OuterRef("received_at"))
        was_connected = models.Exists(vehicles.order_by().filter(is_before_the_end, **of_event))
        return Q(was_connected, smartcar_user_id="", smartcar_vehicle_id__in=ids)

    def due(self, now: datetime) -> WebhookEventQuerySet:
        """Return events that should be processed now, the longest due first."""
        return self.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
