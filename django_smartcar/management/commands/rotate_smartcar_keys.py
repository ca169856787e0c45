from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router
from django.db.models import ExpressionWrapper, F, QuerySet, TextField

from django_smartcar.exceptions import DecryptionError
from django_smartcar.fields import decrypt, encrypted_fields, is_current
from django_smartcar.management.arguments import number_of


class Command(BaseCommand):
    help = (
        "Encrypt with the first key of SMARTCAR_ENCRYPTION_KEYS what lies plain or under another key. Run it "
        "while the site runs; interrupt it, and run it again. It exits with status 1 if no key opens a value."
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
        rotated = unopened = 0
        for model, field in encrypted_fields():
            name = f"{model._meta.label}.{field.name}"
            # An annotation of another type brings what is stored, past the field.
            rows = model._base_manager.using(router.db_for_write(model)).annotate(
                smartcar_stored=ExpressionWrapper(F(field.attname), output_field=TextField())
            )
            seen = 0
            for batch in _batches(rows, options["batch_size"]):
                for pk, stored in batch:
                    try:
                        rotated += _rotate(rows.filter(pk=pk), field.attname, stored)
                    except DecryptionError:
                        unopened += 1
                        self.stdout.write(
                            self.style.ERROR(f"{name} of {pk}: no key opens it; it stays as it is")
                        )
                seen += len(batch)
                self.stdout.write(f"{name}: {seen} looked at")
        summary = f"{rotated} encrypted with the first key, {unopened} that no key opens"
        if unopened:
            raise CommandError(summary)
        self.stdout.write(self.style.SUCCESS(summary))


def _batches(rows: QuerySet[Any], size: int) -> Iterator[list[tuple[Any, str]]]:
    """Primary keys and what is stored, page by page: a cursor would stay in one transaction all the while."""
    filled = rows.exclude(smartcar_stored=None).exclude(smartcar_stored="").order_by("pk")
    batch = list(filled.values_list("pk", "smartcar_stored")[:size])
    while batch:
        yield batch
        batch = list(filled.filter(pk__gt=batch[-1][0]).values_list("pk", "smartcar_stored")[:size])


def _rotate(row: QuerySet[Any], name: str, stored: str | None) -> bool:
    """Encrypt one value anew, over what was read and nothing else; whether that was still to be done.

    One row at a time, in no transaction: several would hold their locks until the last is written, and what
    is exchanged in that moment could dead-lock with them.
    """
    while stored and not is_current(stored):
        if row.filter(smartcar_stored=stored).update(**{name: decrypt(stored)}):
            return True
        # Somebody was faster, perhaps a process that does not have the new key yet.
        stored = row.values_list("smartcar_stored", flat=True).first()
    return False
