import os

from django.core.management import call_command

from benchmarks.measuring import measured
from benchmarks.sides.reading import make
from django_smartcar.models import ConnectedVehicle

__all__ = ["make", "ours"]


def ours() -> dict:
    with open(os.devnull, "w") as nowhere, measured() as took:
        call_command("sync_smartcar_vehicles", stdout=nowhere)
    return {**took, "left": ConnectedVehicle.objects.filter(last_seen_at=None).count()}
