from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .vehicles import ConnectedVehicle


class VehicleCommand(models.Model):
    """What somebody told a car to do, and what came of it: written before the car is asked.

    Where the car is sent, or is to charge, is not kept: ``parameters`` has the rest.
    """

    class Action(models.TextChoices):
        LOCK = "lock", _("lock")
        UNLOCK = "unlock", _("unlock")
        START_CHARGE = "start_charge", _("start charging")
        STOP_CHARGE = "stop_charge", _("stop charging")
        SET_CHARGE_LIMIT = "set_charge_limit", _("charge limit")
        OPEN_CHARGE_PORT = "open_charge_port", _("open the charge port")
        CLOSE_CHARGE_PORT = "close_charge_port", _("close the charge port")
        SEND_DESTINATION = "send_destination", _("destination")
        SET_DAILY_CHARGE_SCHEDULE = "set_daily_charge_schedule", _("daily charging times")
        SET_WEEKLY_CHARGE_SCHEDULE = "set_weekly_charge_schedule", _("weekly charging times")
        SET_WORKWEEK_CHARGE_SCHEDULE = "set_workweek_charge_schedule", _("charging times of the workweek")
        DELETE_CHARGE_SCHEDULE = "delete_charge_schedule", _("remove charging times")

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
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    action = models.CharField(_("action"), max_length=40, choices=Action.choices)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    #: Alike for the same action, parameters and car (see `services.orders`).
    idempotency_key = models.CharField(_("idempotency key"), max_length=64, editable=False)
    #: The key while no second command like it may be sent. That it is unique decides between two processes.
    in_flight_key = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    error_type = models.CharField(_("error type"), max_length=100, blank=True)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    request_id = models.CharField(_("Smartcar request id"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    finished_at = models.DateTimeField(_("ended"), null=True)
    #: When a reading has shown what came of a command whose answer was lost.
    settled_at = models.DateTimeField(_("settled by a reading"), null=True)

    class Meta:
        verbose_name = _("vehicle command")
        verbose_name_plural = _("vehicle commands")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} of vehicle {self.vehicle_id}: {self.status}"
