"""Read and write many rows of a model in one statement. A row to write has the attributes of the columns.

PostgreSQL gets one array for each column, and returns times as numbers. On the other databases, `bulk_create`
writes the rows: it prepares each value of each row, which takes several times as long.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.db import connections, models
from django.utils import timezone

from ...models import VehicleSignal


class _Seconds(models.Func):
    """A time in seconds: of numbers, a driver makes values several times as fast as of times."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::double precision"
    output_field = models.FloatField()


def values(rows: models.QuerySet[Any], names: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Yield the values of these columns of each row."""
    if connections[rows.db].vendor != "postgresql":
        yield from rows.values_list(*names)
        return
    fields = [rows.model._meta.get_field(name) for name in names]
    times = [place for place, field in enumerate(fields) if isinstance(field, models.DateTimeField)]
    is_aware = timezone.is_aware(timezone.now())
    columns = [_Seconds(name) if place in times else name for place, name in enumerate(names)]
    for found in rows.values_list(*columns):
        row = list(found)
        for place in times:
            row[place] = None if row[place] is None else _time(row[place], is_aware)
        yield row


def _time(seconds: float, is_aware: bool) -> datetime:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment if is_aware else timezone.make_naive(moment, timezone.get_default_timezone())


def insert_missing(alias: str, model: type[models.Model], rows: Collection[Any]) -> None:
    """Insert rows, but those that exist already."""
    if not rows:
        return
    if connections[alias].vendor == "postgresql":
        _insert_arrays(alias, model, rows, ())
    else:
        model._default_manager.using(alias).bulk_create(_instances(model, rows), ignore_conflicts=True)


def upsert(alias: str, model: type[models.Model], rows: Collection[Any], key: tuple[str, ...]) -> None:
    """Insert rows; each replaces the one that has its ``key``, the names of the fields that are unique."""
    connection = connections[alias]
    if not rows:
        return
    if connection.vendor == "postgresql":
        _insert_arrays(alias, model, rows, key)
        return
    has_target = connection.features.supports_update_conflicts_with_target
    model._default_manager.using(alias).bulk_create(
        _instances(model, rows),
        update_conflicts=True,
        unique_fields=key if has_target else None,
        update_fields=[field.name for field in columns_of(model) if field.name not in key],
    )


def _instances(model: type[models.Model], rows: Iterable[Any]) -> list[models.Model]:
    names = [field.attname for field in columns_of(model)]
    return [model(**{name: getattr(row, name) for name in names}) for row in rows]


def _insert_arrays(
    alias: str, model: type[models.Model], rows: Collection[Any], key: tuple[str, ...]
) -> None:
    columns = columns_of(model)
    values = zip(*map(attrgetter(*(field.attname for field in columns)), rows), strict=True)
    arrays = [_array(alias, *column) for column in zip(columns, values, strict=True)]
    with connections[alias].cursor() as cursor:
        cursor.execute(_statement(alias, model, key), arrays)


def _array(alias: str, field: Any, values: Sequence[Any]) -> str:
    """Return an array of these values, as Django stores them in a field: a literal, or in JSON."""
    if isinstance(field, models.JSONField):
        return json.dumps(values, cls=field.encoder)
    connection = connections[alias]
    # Few of them differ.
    literals = {value: _literal(field.get_db_prep_save(value, connection)) for value in set(values)}
    return f"{{{','.join([literals[value] for value in values])}}}"


def _literal(value: object) -> str:
    """Return the literal of a value in an array."""
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


@lru_cache(maxsize=8)
def _statement(alias: str, model: type[models.Model], key: tuple[str, ...]) -> str:
    connection = connections[alias]
    quote, columns = connection.ops.quote_name, columns_of(model)
    names = ", ".join(quote(field.column) for field in columns)
    arrays = ", ".join(_rows_of(field, connection) for field in columns)
    values = ", ".join(_value_of(field, connection) for field in columns)
    changed = [quote(field.column) for field in columns if field.name not in key]
    replaced = ", ".join(f"{name} = EXCLUDED.{name}" for name in changed)
    target = ", ".join(quote(field.column) for field in columns if field.name in key)
    conflict = f"({target}) DO UPDATE SET {replaced}" if key else "DO NOTHING"
    # The names are those of our own models.
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({names}) "  # noqa: S608
        f"SELECT {values} FROM ROWS FROM ({arrays}) AS rows ({names}) ON CONFLICT {conflict}"
    )


def _rows_of(field: Any, connection: Any) -> str:
    """Return the function whose rows are the values of an array."""
    if isinstance(field, models.JSONField):
        return "jsonb_array_elements(%s::jsonb)"
    # Without the maximum length: a cast would cut a text off, and an INSERT refuses it.
    return f"unnest(%s::{field.db_type(connection).partition('(')[0]}[])"


def _value_of(field: Any, connection: Any) -> str:
    name = connection.ops.quote_name(field.column)
    return f"NULLIF({name}, 'null')" if isinstance(field, models.JSONField) else name


def columns_of(model: type[models.Model]) -> list[Any]:
    """Return the columns of a model that what a vehicle tells may change."""
    fields = (field for field in model._meta.concrete_fields if not field.primary_key)
    return [field for field in fields if field.name not in VehicleSignal.COMMAND_COLUMNS]
