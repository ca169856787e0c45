from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..fields import EncryptedTextField
from .names import of_its_vehicle
from .vehicles import ConnectedVehicle


class VehicleCommand(models.Model):
    """A command and its outcome, stored before it is sent. Refreshing and disconnecting are recorded, too.

    ``parameters`` leaves out latitudes and longitudes. They are stored encrypted, and only until the command
    has been sent.
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
        REFRESH = "refresh", _("refresh")
        RELOAD = "reload", _("re-read from Smartcar")
        DISCONNECT = "disconnect", _("disconnect")

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
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
    #: The same for the same action, parameters and vehicle (see `services.command_specs`).
    idempotency_key = models.CharField(_("idempotency key"), max_length=64, editable=False)
    #: The idempotency key, until an identical command may be sent again. Unique, so that one process wins.
    in_flight_key = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001
    #: "<vehicle>:pending" or "<vehicle>:queued" until the command ends. Unique: one of each for a vehicle.
    slot = models.CharField(max_length=40, null=True, editable=False)  # noqa: DJ001
    #: The location parameters of a queued command, as JSON.
    location = EncryptedTextField(blank=True)
    #: The lease of the process that executes the command.
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    error_type = models.CharField(_("error type"), max_length=100, blank=True)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    #: Where the driver can solve the problem, if Smartcar says so.
    help_url = models.URLField(_("help"), max_length=500, blank=True)
    request_id = models.CharField(_("Smartcar request id"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    #: When a command that was queued was sent.
    sent_at = models.DateTimeField(_("sent"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    #: When a reading resolved a command whose response was lost.
    resolved_at = models.DateTimeField(_("resolved by a reading"), null=True)

    class Meta:
        verbose_name = _("vehicle command")
        verbose_name_plural = _("vehicle commands")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["in_flight_key"], name="smartcar_command_in_flight_once"),
            models.UniqueConstraint(fields=["slot"], name="smartcar_command_slot_once"),
        ]
        indexes = [
            # For the queue, and for `services.commands.expire_pending`, which runs regularly.
            models.Index(fields=["status", "created_at"], name="smartcar_command_status"),
            # For the admin: the filter by date, and searches. Most commands have no reason.
            models.Index(fields=["created_at"], name="smartcar_command_created"),
            models.Index(fields=["request_id"], name="smartcar_command_request"),
            models.Index(fields=["reason"], name="smartcar_command_reason"),
        ]

    def __str__(self) -> str:
        return of_its_vehicle(self, capfirst(self.get_action_display()))

    @property
    def is_finished(self) -> bool:
        """Whether the command is neither queued nor pending any more."""
        return self.status not in (self.Status.QUEUED, self.Status.PENDING)
