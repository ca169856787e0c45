from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any, cast

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import ProtectedJSONField
from ..querysets import VehicleReadingQuerySet, VehicleSignalQuerySet
from .names import of_its_vehicle
from .signal_types import label_of
from .vehicles import ConnectedVehicle


class Source(models.TextChoices):
    """Where a value came from."""

    READ = "read", _("read")
    WEBHOOK = "webhook", _("webhook")
    COMMAND = "command", _("command")


class _SignalValue(models.Model):
    """What the latest state of a signal and its history have in common."""

    Source = Source

    #: Our name of the signal, ``"battery_level"``; of an unknown one, Smartcar's code with underscores.
    signal = models.CharField(_("signal"), max_length=100)
    #: In canonical units (km, l, kPa, kWh, W, fractions of 1): the unit of the catalogue, empty without one.
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)

    class Meta:
        abstract = True

    value: Any

    def __str__(self) -> str:
        return of_its_vehicle(self, self.label)

    @property
    def label(self) -> str:
        """The human-readable name: "Odometer"."""
        return label_of(self.signal)

    @property
    def degrees(self) -> dict[str, float]:
        """The latitude and longitude of a location as plain numbers, for display."""
        return {name: float(self.value[name]) for name in ("latitude", "longitude")}


class VehicleSignal(_SignalValue):
    """The latest state of one signal of a vehicle. Written by ``services.readings`` only.

    A failure changes ``status`` and the error; the last good value and its time stay.
    """

    class Status(models.TextChoices):
        OK = "ok", _("ok")
        NOT_GRANTED = "not_granted", _("not granted by the driver")
        NOT_REQUESTED = "not_requested", _("not requested by this site")
        NOT_CAPABLE = "not_capable", _("not supported by the car")
        NOT_IN_PLAN = "not_in_plan", _("not in the plan at Smartcar")
        NOT_COLLECTED = "not_collected", _("not collected by Smartcar yet")
        ERROR = "error", _("error")

    vehicle = models.ForeignKey(
        ConnectedVehicle,
        on_delete=models.CASCADE,
        related_name="signal_states",
        db_index=False,  # the constraint's index serves
        verbose_name=_("vehicle"),
    )
    #: A number, boolean, text, list or small object, as the catalogue says; None if there never was one.
    value = ProtectedJSONField(_("value"), null=True)
    recorded_at = models.DateTimeField(_("recorded by the vehicle"), null=True)
    #: When the value was last received; None without one.
    received_at = models.DateTimeField(_("received"), null=True)
    #: The sequence of the webhook event that told the value; 0 for a read.
    sequence = models.BigIntegerField(default=0, editable=False)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.OK)
    #: When Smartcar last told the status or the value.
    status_at = models.DateTimeField(_("status since"))
    #: The sequence of the webhook event that told the status; 0 for a read.
    status_sequence = models.BigIntegerField(default=0, editable=False)
    error_type = models.CharField(_("error type"), max_length=100, blank=True)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    #: What a command has made of the value, and when Smartcar confirmed that. An older value is not current.
    confirmed_value = ProtectedJSONField(null=True, editable=False)
    confirmed_at = models.DateTimeField(_("changed by a command"), null=True, editable=False)

    #: The columns that only commands write, perhaps while a value is stored.
    COMMAND_COLUMNS = ("confirmed_value", "confirmed_at")

    objects = VehicleSignalQuerySet.as_manager()

    class Meta:
        verbose_name = _("vehicle signal")
        verbose_name_plural = _("vehicle signals")
        constraints = [
            models.UniqueConstraint(fields=["vehicle", "signal"], name="smartcar_signal_once_per_vehicle")
        ]
        # For the admin's filter by status, and its search by signal.
        indexes = [models.Index(fields=["status", "signal"], name="smartcar_signal_status")]

    @property
    def has_value(self) -> bool:
        return self.received_at is not None

    @property
    def is_ok(self) -> bool:
        """Whether Smartcar last told a value, not an error."""
        return self.status == self.Status.OK and self.has_value

    @property
    def at(self) -> datetime | None:
        """When the vehicle recorded the value or, if unknown, when it was received; None without a value."""
        return self.recorded_at or self.received_at

    @property
    def is_superseded(self) -> bool:
        """Whether a confirmed command has changed the value since: the stored one is not current."""
        return self.confirmed_at is not None and (self.at is None or self.at < self.confirmed_at)

    def current(self) -> VehicleSignal:
        """Return this state, or one with the value that a command has made of it; it must not be saved."""
        if not self.is_superseded:
            return self
        state: Any = copy(self)
        state.value, state.status = self.confirmed_value, self.Status.OK
        state.recorded_at = state.received_at = state.status_at = self.confirmed_at
        state.source = Source.COMMAND
        return cast(VehicleSignal, state)


class VehicleReading(_SignalValue):
    """One value that a vehicle told, of its history. Written by ``services.readings`` only."""

    vehicle = models.ForeignKey(
        ConnectedVehicle,
        on_delete=models.CASCADE,
        related_name="readings",
        db_index=False,  # the constraint's index serves
        verbose_name=_("vehicle"),
    )
    value = ProtectedJSONField(_("value"))
    #: When the vehicle recorded it or, if unknown, when it was received.
    recorded_at = models.DateTimeField(_("recorded by the vehicle"))
    received_at = models.DateTimeField(_("received"))
    #: Out of range, or not plausible after the previous reading. It never becomes the latest.
    is_outlier = models.BooleanField(_("implausible"), default=False)

    objects = VehicleReadingQuerySet.as_manager()

    class Meta:
        verbose_name = _("vehicle reading")
        verbose_name_plural = _("vehicle readings")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["vehicle", "signal", "recorded_at"], name="smartcar_reading_once_per_moment"
            )
        ]
        indexes = [
            # For `prune_smartcar_readings`, and the admin's search by signal.
            models.Index(fields=["signal", "received_at"], name="smartcar_reading_signal"),
            # For the admin's filter: outliers are few among millions.
            models.Index(fields=["is_outlier", "id"], name="smartcar_reading_outlier"),
        ]

    @property
    def at(self) -> datetime:
        return self.recorded_at
