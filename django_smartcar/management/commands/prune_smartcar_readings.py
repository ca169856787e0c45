from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from django_smartcar.conf import conf
from django_smartcar.models import VehicleReading

#: How many rows one statement deletes: none holds its locks for long.
BATCH = 1000


class Command(BaseCommand):
    help = (
        "Delete the readings of cars that are older than SMARTCAR_READINGS_KEPT_DAYS. The newest of each car "
        "and kind stays. It works in batches and may be interrupted; run it every day."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - timedelta(days=conf.SMARTCAR_READINGS_KEPT_DAYS)
        expired = VehicleReading.objects.expired(before)
        pruned = 0
        while batch := list(expired.order_by("fetched_at").values_list("pk", flat=True)[:BATCH]):
            expired.filter(pk__in=batch).delete()
            pruned += len(batch)
            self.stdout.write(f"{pruned} deleted")
        self.stdout.write(
            self.style.SUCCESS(f"{pruned} readings from before {before:%Y-%m-%d %H:%M} UTC deleted")
        )
