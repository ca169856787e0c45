"""Checks that need no network: the settings, the database and the encryption keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import ERROR
from django.db import DatabaseError, connections, models, router
from django.db.migrations.executor import MigrationExecutor

from .. import checks
from ..conf import conf
from ..fields import EncryptedTextField, Undecryptable, encrypted_fields, is_key
from ..models import SmartcarAccount
from ..querysets import in_pages
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: Seconds after which decryption stops: a large site has too many rows to check.
DECRYPTION_TIMEOUT = 20.0


def settings(context: Context) -> Iterator[CheckResult]:
    """Run the system checks of this app, including those of ``--deploy``."""
    messages = [*checks.check_settings(), *checks.check_urls(), *checks.check_deployment()]
    if not django_settings.DEBUG:  # while developing, the simulator is no problem
        messages += checks.check_published()
    messages = [message for message in messages if not message.is_silenced()]
    for message in sorted(messages, key=lambda message: -message.level):
        result = wrong if message.level >= ERROR else warning
        yield result(f"{message.msg} ({message.id})", message.hint or "")
    if not messages:
        yield ok("the system checks found no problems")


def database(context: Context) -> Iterator[CheckResult]:
    """Check that the database responds, and that its tables and migrations are those of this version."""
    connection = connections[router.db_for_write(SmartcarAccount)]
    try:
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor))
        missing = [model for model in _models() if model._meta.db_table not in tables]
        pending = _migrations_to_apply(connection)
    except DatabaseError as error:
        yield wrong(
            f"the database {connection.alias!r} does not respond ({type(error).__name__})",
            "Compare DATABASES with the running site's; manage.py showmigrations prints the database's "
            "error.",
        )
        return
    if missing or pending:
        yield wrong(
            f"tables missing: {len(missing)}, migrations not applied: {pending}",
            "Run manage.py migrate with the settings of the running site.",
        )
    else:
        yield ok("it responds, and all migrations are applied")


def keys_are_valid() -> bool:
    """Return whether there are encryption keys, and all of them are valid."""
    keys = conf.encryption_keys
    return bool(keys) and all(map(is_key, keys))


def encryption(context: Context) -> Iterator[CheckResult]:
    """Decrypt the stored secrets, and report how many fail."""
    if not keys_are_valid():
        yield not_checked("SMARTCAR_ENCRYPTION_KEYS has no key, or an invalid one: see settings")
        return
    total, failed, is_complete = 0, 0, True
    deadline = time.monotonic() + DECRYPTION_TIMEOUT
    for model, field in encrypted_fields():
        for page in in_pages(_stored(model, field)):
            total += len(page)
            failed += sum(isinstance(vars(row)[field.attname], Undecryptable) for row in page)
            if time.monotonic() > deadline:
                is_complete = False
                break
    note = "" if is_complete else f" (stopped after {DECRYPTION_TIMEOUT:.0f} seconds: not all were checked)"
    if failed:
        yield wrong(
            f"stored secrets that no key decrypts: {failed} of {total}{note}",
            "Put the key that encrypted them back, at the end of SMARTCAR_ENCRYPTION_KEYS, then run "
            "manage.py rotate_smartcar_keys; it names the rows. If the key is lost, these drivers must "
            "connect again.",
        )
    else:
        yield ok(f"the keys decrypt all stored secrets: {total}{note}" if total else "nothing is stored yet")


def _models() -> Iterator[Any]:
    return (model for model in apps.get_app_config("smartcar").get_models() if model._meta.managed)


def _migrations_to_apply(connection: Any) -> int:
    executor = MigrationExecutor(connection)
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "smartcar"]
    return len([step for step, _ in executor.migration_plan(targets) if step.app_label == "smartcar"])


def _stored(model: type[models.Model], field: EncryptedTextField) -> models.QuerySet[Any]:
    rows = model._base_manager.using(router.db_for_write(model)).only("pk", field.attname)
    return rows.exclude(**{f"{field.attname}__isnull": True}).exclude(**{field.attname: ""})
