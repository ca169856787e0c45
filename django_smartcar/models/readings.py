from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..querysets import VehicleReadingQuerySet
from ..secret_types import ProtectedJSONDecoder
from .reading_types import READING_TYPES
from .vehicles import ConnectedVehicle


class VehicleReading(models.Model):
    """One fact that a car has told: see ``kinds``. Written by ``services/readings.py`` and nothing else."""

    class Source(models.TextChoices):
        READ = "read", _("read")
        WEBHOOK = "webhook", _("webhook")
        COMMAND = "command", _("command")

    vehicle = models.ForeignKey(
        ConnectedVehicle, on_delete=models.CASCADE, related_name="readings", verbose_name=_("vehicle")
    )
    kind = models.CharField(_("kind"), max_length=50)
    #: A number in ``unit``, a truth, a text or a small piece of JSON, as the table of kinds says.
    value = models.JSONField(_("value"), decoder=ProtectedJSONDecoder)
    #: Always a metric one, or ``"fraction"`` of 1; empty where nothing is measured.
    unit = models.CharField(_("unit"), max_length=10, blank=True)
    recorded_at = models.DateTimeField(_("recorded by the car"), null=True)
    #: When Smartcar has last told it.
    fetched_at = models.DateTimeField(_("fetched"), db_index=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    #: No car can have it, or not so soon after the one before. It stands in nobody's way.
    is_outlier = models.BooleanField(_("implausible"), default=False)
    #: The one of its car and kind that is true now, as far as is known.
    is_latest = models.BooleanField(_("latest"), default=False)

    objects = VehicleReadingQuerySet.as_manager()

    class Meta:
        verbose_name = _("vehicle reading")
        verbose_name_plural = _("vehicle readings")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["vehicle", "kind", "recorded_at"], name="smartcar_reading_once_per_moment"
            )
        ]
        indexes = [models.Index(fields=["vehicle", "is_latest"], name="smartcar_reading_latest")]

    def __str__(self) -> str:
        return f"{self.kind} of vehicle {self.vehicle_id}"

    @property
    def label(self) -> str:
        """What people call it: "Odometer"."""
        return str(READING_TYPES[self.kind].label) if self.kind in READING_TYPES else self.kind

    @property
    def degrees(self) -> dict[str, float]:
        """The latitude and longitude of a location, as plain numbers to be shown."""
        return {name: float(self.value[name]) for name in ("latitude", "longitude")}

    @property
    def at(self) -> datetime:
        """When the car recorded it or, if that is not known, when Smartcar has told it."""
        return self.recorded_at or self.fetched_at
