"""The databases of a site: this app's tables may be in another one than "default", and have replicas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections, models, router, transaction

View = TypeVar("View", bound=Callable[..., Any])


def primary(model: type[models.Model]) -> Any:
    """Return all rows of a model, as its own queryset, from the database that they are written to.

    What is read in order to write is read from there: a replica may lag behind.
    """
    return model._default_manager.using(router.db_for_write(model))


def reload(row: models.Model) -> None:
    """Reload a row from the database that it is written to. Raises ObjectDoesNotExist."""
    row.refresh_from_db(using=router.db_for_write(type(row)))


def outside_transactions(view: View) -> View:
    """Exempt a view from the ATOMIC_REQUESTS of every database, not only of "default"."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view
