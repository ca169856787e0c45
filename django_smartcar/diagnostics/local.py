"""What needs no network: the settings, the database, and whether the keys open what is stored."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import ERROR
from django.db import DatabaseError, connections, models, router
from django.db.migrations.executor import MigrationExecutor

from .. import checks
from ..conf import conf
from ..fields import EncryptedTextField, Undecryptable, encrypted_fields, is_key
from ..models import SmartcarAccount
from ..querysets import in_pages
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: Seconds in which stored secrets are opened; a large site has more of them than anybody waits for.
PATIENCE = 20.0


def settings(context: Context) -> Iterator[CheckResult]:
    """What ``manage.py check --deploy`` says of this app."""
    said = [*checks.check_settings(), *checks.check_urls(), *checks.check_deployment()]
    told = [message for message in said if not message.is_silenced()]
    for message in sorted(told, key=lambda message: -message.level):
        say = wrong if message.level >= ERROR else warning
        yield say(f"{message.msg} ({message.id})", message.hint or "")
    if not told:
        yield ok("the system checks have nothing to say")


def database(context: Context) -> Iterator[CheckResult]:
    """Whether the database answers, and has the tables as this version wants them."""
    connection = connections[router.db_for_write(SmartcarAccount)]
    try:
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor))
        missing = [model for model in _models() if model._meta.db_table not in tables]
        pending = _migrations_to_apply(connection)
    except DatabaseError as error:
        yield wrong(
            f"the database {connection.alias!r} does not answer ({type(error).__name__})",
            "Compare DATABASES with the running site's; manage.py showmigrations says it in the database's "
            "words.",
        )
        return
    if missing or pending:
        yield wrong(
            f"tables missing: {len(missing)}, migrations not applied: {pending}",
            "Type manage.py migrate, with the settings of the running site.",
        )
    else:
        yield ok("it answers, and all migrations are applied")


def keys_are_good() -> bool:
    """Whether something could be encrypted."""
    keys = conf.encryption_keys
    return bool(keys) and all(map(is_key, keys))


def encryption(context: Context) -> Iterator[CheckResult]:
    """Open what is stored, and show none of it."""
    if not keys_are_good():
        yield not_checked("SMARTCAR_ENCRYPTION_KEYS has no key, or something that is none: see settings")
        return
    opened, unopened, is_all = 0, 0, True
    ends = time.monotonic() + PATIENCE
    for model, field in encrypted_fields():
        for page in in_pages(_stored(model, field)):
            closed = sum(
                isinstance(value, Undecryptable) for row in page for value in [vars(row)[field.attname]]
            )
            opened, unopened = opened + len(page) - closed, unopened + closed
            if time.monotonic() > ends:
                is_all = False
                break
    most = "" if is_all else f" (looked at for {PATIENCE:.0f} seconds, not at all of them)"
    if unopened:
        yield wrong(
            f"stored secrets that no key opens: {unopened} of {opened + unopened}{most}",
            "Put the key that encrypted them back, at the end of SMARTCAR_ENCRYPTION_KEYS, then run "
            "manage.py rotate_smartcar_keys; it names the rows. Where the key is lost, their drivers "
            "connect again.",
        )
    else:
        yield ok(f"the keys open all that is stored: {opened}{most}" if opened else "nothing is stored yet")


def _models() -> Iterator[Any]:
    return (model for model in apps.get_app_config("smartcar").get_models() if model._meta.managed)


def _migrations_to_apply(connection: Any) -> int:
    executor = MigrationExecutor(connection)
    newest = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "smartcar"]
    return len([step for step, _ in executor.migration_plan(newest) if step.app_label == "smartcar"])


def _stored(model: type[models.Model], field: EncryptedTextField) -> models.QuerySet[Any]:
    rows = model._base_manager.using(router.db_for_write(model)).only("pk", field.attname)
    return rows.exclude(**{f"{field.attname}__isnull": True}).exclude(**{field.attname: ""})
