from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import QuerySet
from django.utils import timezone

from django_smartcar.conf import conf
from django_smartcar.databases import primary, to_utc
from django_smartcar.models import VehicleReading

#: Rows per DELETE, to hold locks only briefly.
BATCH_SIZE = 1000


class Command(BaseCommand):
    help = (
        "Delete readings older than SMARTCAR_READINGS_KEPT_DAYS, which may differ by signal. The latest "
        "state of each signal stays. Works in batches and may be interrupted. Run it every day."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now, deleted = timezone.now(), 0
        days = conf.readings_kept_days
        for signal in primary(VehicleReading).signal_names():
            expired = primary(VehicleReading).expired(now - timedelta(days=days.get(signal, days["*"])))
            deleted = self._delete(expired.filter(signal=signal), deleted)
        before = now - timedelta(days=days["*"])
        self.stdout.write(
            self.style.SUCCESS(f"deleted {deleted} readings older than {to_utc(before):%Y-%m-%d %H:%M} UTC")
        )

    def _delete(self, expired: QuerySet[Any], deleted: int) -> int:
        rows = expired.order_by("received_at")
        while batch := list(rows.values_list("pk", "received_at")[:BATCH_SIZE]):
            expired.filter(pk__in=[pk for pk, _ in batch]).delete()
            deleted += len(batch)
            self.stdout.write(f"deleted {deleted}")
            # What is left before these are the readings of other signals.
            rows = rows.filter(received_at__gte=batch[-1][1])
        return deleted
