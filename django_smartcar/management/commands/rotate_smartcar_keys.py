from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router
from django.db.models import ExpressionWrapper, F, QuerySet

from django_smartcar.exceptions import DecryptionError
from django_smartcar.fields import EncryptedTextField, SecretCharField, decrypt, encrypted_fields, is_current
from django_smartcar.management.arguments import number_of
from django_smartcar.secret_types import Secret


class Command(BaseCommand):
    help = (
        "Re-encrypt stored values that are plain, of an earlier version, or encrypted with an old key, with "
        "the first key of SMARTCAR_ENCRYPTION_KEYS. Safe while the site runs; can be interrupted and "
        "run again. Exits with status 1 if no key decrypts a value."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch-size",
            type=number_of("rows", 1, 10**9),
            default=500,
            metavar="ROWS",
            help="read this many rows at once (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = undecryptable = 0
        for model, field in encrypted_fields():
            name = f"{model._meta.label}.{field.name}"
            # An annotation of another type returns the stored text without decrypting it, as a secret:
            # it may be plain text of an earlier version.
            rows = model._base_manager.using(router.db_for_write(model)).annotate(
                smartcar_stored=ExpressionWrapper(F(field.attname), output_field=SecretCharField())
            )
            checked = 0
            for batch in _batches(rows, options["batch_size"]):
                for pk, stored in batch:
                    try:
                        rotated += _rotate(rows.filter(pk=pk), field, stored)
                    except DecryptionError:
                        undecryptable += 1
                        self.stdout.write(
                            self.style.ERROR(
                                f"{name} of {pk}: cannot be decrypted with any key, left unchanged"
                            )
                        )
                checked += len(batch)
                self.stdout.write(f"{name}: {checked} checked")
        summary = f"{rotated} encrypted with the first key, {undecryptable} that no key decrypts"
        if undecryptable:
            raise CommandError(summary)
        self.stdout.write(self.style.SUCCESS(summary))


def _batches(rows: QuerySet[Any], size: int) -> Iterator[list[tuple[Any, Secret]]]:
    """Yield primary keys and stored values in pages; a cursor would keep a transaction open."""
    filled = rows.exclude(smartcar_stored=None).exclude(smartcar_stored="").order_by("pk")
    batch = list(filled.values_list("pk", "smartcar_stored")[:size])
    while batch:
        yield batch
        batch = list(filled.filter(pk__gt=batch[-1][0]).values_list("pk", "smartcar_stored")[:size])


def _rotate(row: QuerySet[Any], field: EncryptedTextField, stored: Secret | None) -> bool:
    """Re-encrypt one value, if it is still what was read. Return whether it was changed here.

    One row at a time, outside any transaction: with the locks of several rows, a token refresh at the same
    time could deadlock.
    """
    while stored and not is_current(stored, field.context):
        if row.filter(smartcar_stored=stored).update(**{field.attname: decrypt(stored, field.context)}):
            return True
        # Another process was faster, perhaps one that does not have the new key yet.
        stored = row.values_list("smartcar_stored", flat=True).first()
    return False
