from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..fields import CompressedTextField
from ..querysets import WebhookEventQuerySet
from .names import of_its_vehicle, time_as_written
from .vehicles import ConnectedVehicle

#: The kinds of webhooks of versions 4 and 2.0 that are stored.
KIND_NAMES = {
    "VEHICLE_STATE": _("state of the car"),
    "VEHICLE_ERROR": _("error of the car"),
    "CHARGING_STARTED": _("charging started"),
    "CHARGING_STOPPED": _("charging stopped"),
    "CHARGING_COMPLETED": _("charging completed"),
}

#: The types of Smartcar's errors that concern one vehicle.
PROBLEM_TYPES = {
    "BILLING": _("plan at Smartcar"),
    "COMPATIBILITY": _("not supported by the car"),
    "CONNECTED_SERVICES_ACCOUNT": _("account at the brand"),
    "PERMISSION": _("permission of the driver"),
    "RATE_LIMIT": _("rate limit"),
    "SERVER": _("error of Smartcar"),
    "UPSTREAM": _("no answer of the brand"),
    "VEHICLE_STATE": _("state of the car"),
}


class WebhookEvent(models.Model):
    """A webhook event: stored once, before the webhook is acknowledged, and processed afterwards.

    An event is due when ``next_attempt_at`` has passed. A worker postpones it by the length of a lease, so an
    event becomes due again if its worker is killed.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        WAITING = "waiting", _("waiting for its vehicle")
        FAILED = "failed", _("failed, will be retried")
        DEAD = "dead", _("dead")
        PROCESSED = "processed", _("processed")
        TEST = "test", _("test, not applied to a vehicle")

    endpoint = models.CharField(_("endpoint"), max_length=64, blank=True)
    #: Smartcar's id, the same in every delivery; a hash if there is none.
    event_id = models.CharField(_("event id"), max_length=100)
    kind = models.CharField(_("kind"), max_length=64, blank=True)
    webhook_id = models.CharField(_("webhook id"), max_length=64, blank=True)
    smartcar_vehicle_id = models.CharField(_("Smartcar vehicle id"), max_length=64, blank=True)
    smartcar_user_id = models.CharField(_("Smartcar user id"), max_length=64, blank=True)
    #: Has positions and VINs: parse it with `sdk.webhooks`, and never display it.
    payload = CompressedTextField(_("payload"))
    size = models.PositiveIntegerField(_("bytes"))
    key_position = models.PositiveSmallIntegerField(_("matching key"))
    received_at = models.DateTimeField(_("received"), default=timezone.now, db_index=True, editable=False)
    # The INSERT leaves out columns with a `db_default`.
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RECEIVED, db_default=State.RECEIVED
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, db_default=0)
    next_attempt_at = models.DateTimeField(
        _("next attempt"), default=timezone.now, null=True, db_index=True, editable=False
    )
    lease = models.UUIDField(null=True, editable=False)
    #: Whether its data is saved, so that a retry only calls the receivers.
    is_applied = models.BooleanField(default=False, db_default=False, editable=False)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, default="", db_default="")
    processed_at = models.DateTimeField(_("processed"), null=True, editable=False)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ["-pk"]
        constraints = [
            # In this order the index also serves searches by the event's id.
            models.UniqueConstraint(
                fields=["event_id", "smartcar_vehicle_id", "endpoint"], name="smartcar_event_once"
            )
        ]
        # Not `db_index`: PostgreSQL would add a second index for LIKE to each text column.
        indexes = [
            models.Index(fields=["smartcar_vehicle_id"], name="smartcar_event_vehicle"),
            models.Index(fields=["smartcar_user_id"], name="smartcar_event_user"),
            models.Index(fields=["state", "kind"], name="smartcar_event_state_kind"),
        ]
        permissions = [("rerun_webhookevent", _("Can run webhook events again"))]

    def __str__(self) -> str:
        return f"{self.kind_name or _('webhook event')} · {time_as_written(self.received_at)}"

    @property
    def kind_name(self) -> str:
        """The kind in words: "State of the car"."""
        return capfirst(str(KIND_NAMES.get(self.kind, self.kind)))


class WebhookEndpoint(models.Model):
    """Counters of one webhook URL: rejected requests and challenges."""

    endpoint = models.CharField(_("endpoint"), max_length=64, blank=True)
    refused = models.PositiveBigIntegerField(_("rejected"), default=0)
    refused_at = models.DateTimeField(_("last rejected"), null=True)
    refused_size = models.PositiveIntegerField(_("size of the last rejected"), null=True)
    refused_signature_length = models.PositiveIntegerField(_("length of its signature"), null=True)
    refused_signature_start = models.CharField(_("its first hex digits"), max_length=6, blank=True)
    challenged_at = models.DateTimeField(_("last challenge answered"), null=True)
    #: Challenges answered in the minute that began at ``challenges_since``.
    challenges = models.PositiveIntegerField(default=0)
    challenges_since = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints = [models.UniqueConstraint(fields=["endpoint"], name="smartcar_endpoint_once")]

    def __str__(self) -> str:
        return f"webhook/{self.endpoint}"


class VehicleProblem(models.Model):
    """An error of a vehicle, as reported by webhooks, and whether it is resolved."""

    vehicle = models.ForeignKey(
        ConnectedVehicle,
        on_delete=models.CASCADE,
        related_name="problems",
        verbose_name=_("vehicle"),
        db_index=False,  # the constraint's index begins with it
    )
    type = models.CharField(_("type"), max_length=100)
    code = models.CharField(_("code"), max_length=100, blank=True)
    resolution = models.CharField(_("resolution"), max_length=100, blank=True)
    #: Codes of the signals concerned; empty means all.
    signals = models.JSONField(_("signals"), default=list)
    sequence = models.BigIntegerField(default=0, editable=False)
    opened_at = models.DateTimeField(_("since"), null=True)
    resolved_at = models.DateTimeField(_("until"), null=True)

    class Meta:
        verbose_name = _("vehicle problem")
        verbose_name_plural = _("vehicle problems")
        constraints = [
            models.UniqueConstraint(
                fields=["vehicle", "type", "code"], name="smartcar_problem_once_per_vehicle"
            )
        ]

    def __str__(self) -> str:
        return of_its_vehicle(self, capfirst(str(PROBLEM_TYPES.get(self.type, self.type))))

    @property
    def is_open(self) -> bool:
        """Whether Smartcar has not reported it as resolved."""
        return self.resolved_at is None
