from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .vehicles import ConnectedVehicle


class VehicleCommand(models.Model):
    """A command and its outcome, stored before it is sent.

    ``parameters`` leaves out latitudes and longitudes, which are never stored.
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
        verbose_name=_("sent by"),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    action = models.CharField(_("action"), max_length=40, choices=Action.choices)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    #: The same for the same action, parameters and vehicle (see `services.commands.registry`).
    idempotency_key = models.CharField(_("idempotency key"), max_length=64, editable=False)
    #: The idempotency key, until an identical command may be sent again. Unique, so that one process wins.
    in_flight_key = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    error_type = models.CharField(_("error type"), max_length=100, blank=True)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    request_id = models.CharField(_("Smartcar request id"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    #: When a reading resolved a command whose response was lost.
    resolved_at = models.DateTimeField(_("resolved by a reading"), null=True)

    class Meta:
        verbose_name = _("vehicle command")
        verbose_name_plural = _("vehicle commands")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["in_flight_key"], name="smartcar_command_in_flight_once")
        ]
        indexes = [
            # For `services.commands.expire_pending`, which runs with token refreshes and webhook events.
            models.Index(fields=["status", "created_at"], name="smartcar_command_status"),
            # For the admin: the filter by date, and searches. Most commands have no reason.
            models.Index(fields=["created_at"], name="smartcar_command_created"),
            models.Index(fields=["request_id"], name="smartcar_command_request"),
            models.Index(fields=["reason"], name="smartcar_command_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of vehicle {self.vehicle_id}: {self.status}"
