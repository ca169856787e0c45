from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from django_smartcar.conf import conf
from django_smartcar.models import VehicleReading

#: Rows per DELETE, to hold locks only briefly.
BATCH_SIZE = 1000


class Command(BaseCommand):
    help = (
        "Delete readings older than SMARTCAR_READINGS_KEPT_DAYS, except the latest of each vehicle and kind. "
        "Works in batches and may be interrupted. Run it every day."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - timedelta(days=conf.SMARTCAR_READINGS_KEPT_DAYS)
        expired = VehicleReading.objects.expired(before)
        deleted = 0
        while batch := list(expired.order_by("fetched_at").values_list("pk", flat=True)[:BATCH_SIZE]):
            expired.filter(pk__in=batch).delete()
            deleted += len(batch)
            self.stdout.write(f"deleted {deleted}")
        self.stdout.write(
            self.style.SUCCESS(f"deleted {deleted} readings older than {before:%Y-%m-%d %H:%M} UTC")
        )
