from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import ProtectedJSONField
from ..querysets import VehicleReadingQuerySet
from .reading_types import READING_TYPES
from .vehicles import ConnectedVehicle


class VehicleReading(models.Model):
    """One value that a vehicle reported. Written by ``services.readings`` only."""

    class Source(models.TextChoices):
        READ = "read", _("read")
        WEBHOOK = "webhook", _("webhook")
        COMMAND = "command", _("command")

    vehicle = models.ForeignKey(
        ConnectedVehicle, on_delete=models.CASCADE, related_name="readings", verbose_name=_("vehicle")
    )
    kind = models.CharField(_("kind"), max_length=50)
    #: A number in ``unit``, a boolean, a string or small JSON, depending on ``kind`` (see ``READING_TYPES``).
    value = ProtectedJSONField(_("value"))
    #: Always metric, or ``"fraction"`` of 1; empty for values without a unit.
    unit = models.CharField(_("unit"), max_length=10, blank=True)
    recorded_at = models.DateTimeField(_("recorded by the vehicle"), null=True)
    #: When it was last received from Smartcar.
    fetched_at = models.DateTimeField(_("fetched"), db_index=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    #: Out of range, or not plausible after the previous reading. It never becomes the latest.
    is_outlier = models.BooleanField(_("implausible"), default=False)
    #: The current reading of its vehicle and kind.
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
        """The human-readable name: "Odometer"."""
        return str(READING_TYPES[self.kind].label) if self.kind in READING_TYPES else self.kind

    @property
    def degrees(self) -> dict[str, float]:
        """The latitude and longitude of a location as plain numbers, for display."""
        return {name: float(self.value[name]) for name in ("latitude", "longitude")}

    @property
    def at(self) -> datetime:
        """When the vehicle recorded it or, if unknown, when it was received."""
        return self.recorded_at or self.fetched_at
