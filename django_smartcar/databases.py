"""The databases of a site: this app's tables may be in another one than "default", and have replicas.

Times that come from Smartcar are aware; a site with ``USE_TZ = False`` stores naive ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import connections, models, router, transaction
from django.utils import timezone

View = TypeVar("View", bound=Callable[..., Any])


def primary(model: type[models.Model]) -> Any:
    """Return all rows of a model, as its own queryset, from the database that they are written to.

    What is read in order to write is read from there: a replica may lag behind.
    """
    return model._default_manager.using(router.db_for_write(model))


def reload(row: models.Model) -> None:
    """Reload a row from the database that it is written to. Raises ObjectDoesNotExist."""
    row.refresh_from_db(using=router.db_for_write(type(row)))


def to_database_time(moment: datetime | None) -> datetime | None:
    """Return an aware time as this site stores times: with ``USE_TZ = False`` naive, in its time zone."""
    if moment is None or settings.USE_TZ or timezone.is_naive(moment):
        return moment
    return timezone.make_naive(moment, timezone.get_default_timezone())


def to_utc(moment: datetime) -> datetime:
    """Return a stored time as an aware one in UTC."""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone(UTC)


def outside_transactions(view: View) -> View:
    """Exempt a view from the ATOMIC_REQUESTS of every database, not only of "default"."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view
