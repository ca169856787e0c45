from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..fields import EncryptedTextField
from ..querysets import WebhookEventQuerySet
from .vehicles import ConnectedVehicle


class WebhookEvent(models.Model):
    """What Smartcar has told by webhook: stored once, before it is answered, and worked afterwards.

    A row whose ``next_attempt_at`` has come is due. Whoever works it puts that off by the length of a lease,
    so the work of a process that is killed is due again by itself.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        WAITING = "waiting", _("waiting for its car")
        FAILED = "failed", _("failed, to be tried again")
        DEAD = "dead", _("dead")
        PROCESSED = "processed", _("processed")

    endpoint = models.CharField(_("endpoint"), max_length=64, blank=True)
    #: Smartcar's, the same in all attempts to deliver; where there is none, a hash.
    event_id = models.CharField(_("event id"), max_length=100)
    kind = models.CharField(_("kind"), max_length=64, blank=True)
    webhook_id = models.CharField(_("webhook id"), max_length=64, blank=True)
    smartcar_vehicle_id = models.CharField(_("Smartcar vehicle id"), max_length=64, blank=True)
    smartcar_user_id = models.CharField(_("Smartcar user id"), max_length=64, blank=True)
    #: Positions and VINs: read it with `sdk.webhooks`, and show it to nobody.
    payload = EncryptedTextField(_("payload"))
    size = models.PositiveIntegerField(_("bytes"))
    key_position = models.PositiveSmallIntegerField(_("matching key"))
    received_at = models.DateTimeField(_("received"), default=timezone.now, db_index=True, editable=False)
    # What has a `db_default` is not written as an event is stored, but begun by the database.
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RECEIVED, db_default=State.RECEIVED
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, db_default=0)
    next_attempt_at = models.DateTimeField(
        _("next attempt"), default=timezone.now, null=True, db_index=True, editable=False
    )
    lease = models.UUIDField(null=True, editable=False)
    #: What has been done of it, so that a further attempt does the rest alone.
    done = models.JSONField(default=list, db_default=[], editable=False)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, default="", db_default="")
    processed_at = models.DateTimeField(_("processed"), null=True, editable=False)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ["-pk"]
        constraints = [
            # In this order it finds the events of a car as well.
            models.UniqueConstraint(
                fields=["smartcar_vehicle_id", "event_id", "endpoint"], name="smartcar_event_once"
            )
        ]
        # Not `db_index`: with that PostgreSQL keeps a second index of each text, for LIKE.
        indexes = [
            models.Index(fields=["smartcar_user_id"], name="smartcar_event_user"),
            models.Index(fields=["state"], name="smartcar_event_state"),
        ]
        permissions = [("rerun_webhookevent", _("Can run webhook events again"))]

    def __str__(self) -> str:
        return f"webhook event {self.pk}"


class WebhookEndpoint(models.Model):
    """What came to one address and was no event: signatures that were refused, and challenges."""

    endpoint = models.CharField(_("endpoint"), max_length=64, blank=True, unique=True)
    refused = models.PositiveBigIntegerField(_("refused"), default=0)
    refused_at = models.DateTimeField(_("last refused"), null=True)
    refused_size = models.PositiveIntegerField(_("bytes of the last refused"), null=True)
    refused_signature_length = models.PositiveIntegerField(_("length of its signature"), null=True)
    refused_signature_start = models.CharField(_("its first hex digits"), max_length=6, blank=True)
    challenged_at = models.DateTimeField(_("last challenge answered"), null=True)
    #: How many challenges have been answered in the minute that began then.
    challenges = models.PositiveIntegerField(default=0)
    challenges_since = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")

    def __str__(self) -> str:
        return f"webhook endpoint {self.pk}"


class VehicleProblem(models.Model):
    """Why Smartcar could not ask a car, and whether it still cannot: what its webhooks say of errors."""

    vehicle = models.ForeignKey(
        ConnectedVehicle, on_delete=models.CASCADE, related_name="problems", verbose_name=_("vehicle")
    )
    type = models.CharField(_("type"), max_length=100)
    code = models.CharField(_("code"), max_length=100, blank=True)
    resolution = models.CharField(_("resolution"), max_length=100, blank=True)
    #: Codes of the signals that are concerned; empty: all of them.
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
        return f"{self.type} {self.code}".strip()

    @property
    def is_open(self) -> bool:
        """Whether Smartcar has not said that it is over."""
        return self.resolved_at is None


class LatestSignal(models.Model):
    """The newest word of a car on one signal: by when the car recorded it, then by the event's sequence."""

    vehicle = models.ForeignKey(ConnectedVehicle, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64)
    recorded_at = models.DateTimeField()
    sequence = models.BigIntegerField()

    class Meta:
        verbose_name = _("latest signal")
        verbose_name_plural = _("latest signals")
        constraints = [
            models.UniqueConstraint(fields=["vehicle", "name"], name="smartcar_signal_once_per_vehicle")
        ]

    def __str__(self) -> str:
        return f"{self.name} of vehicle {self.vehicle_id}"
