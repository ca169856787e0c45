import os

from django.core.management import call_command

from benchmarks.measuring import measured
from benchmarks.sides.reading import prepare
from django_smartcar.models import ConnectedVehicle

__all__ = ["ours", "prepare"]


def ours() -> dict:
    with open(os.devnull, "w") as devnull, measured() as measurement:
        call_command("sync_smartcar_vehicles", stdout=devnull)
    return {**measurement, "remaining": ConnectedVehicle.objects.filter(last_seen_at=None).count()}
