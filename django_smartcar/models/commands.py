from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .vehicles import ConnectedVehicle


class VehicleCommand(models.Model):
    """What somebody told a car to do, and what came of it: written before the car is asked."""

    class Action(models.TextChoices):
        LOCK = "lock", _("lock")
        UNLOCK = "unlock", _("unlock")

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")

    vehicle = models.ForeignKey(
        ConnectedVehicle, on_delete=models.CASCADE, related_name="commands", verbose_name=_("vehicle")
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked by"),
    )
    action = models.CharField(_("action"), max_length=20, choices=Action.choices)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    error_type = models.CharField(_("error type"), max_length=100, blank=True)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    request_id = models.CharField(_("Smartcar request id"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("vehicle command")
        verbose_name_plural = _("vehicle commands")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} of vehicle {self.vehicle_id}: {self.status}"
