from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..fields import VinField
from ..querysets import ConnectedVehicleQuerySet
from .accounts import SmartcarAccount
from .names import make_as_written


class ConnectedVehicle(models.Model):
    """A vehicle that a driver has connected, with the details last received from Smartcar."""

    class UnitSystem(models.TextChoices):
        METRIC = "metric", _("metric")
        IMPERIAL = "imperial", _("imperial")

    account = models.ForeignKey(
        SmartcarAccount, on_delete=models.CASCADE, related_name="vehicles", verbose_name=_("account")
    )
    smartcar_vehicle_id = models.CharField(_("Smartcar vehicle id"), max_length=64)
    vin = VinField(_("VIN"), max_length=17, blank=True, editable=False)
    make = models.CharField(_("make"), max_length=100, blank=True)
    model = models.CharField(_("model"), max_length=100, blank=True)
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    permissions = models.JSONField(_("granted permissions"), default=list, blank=True)
    unit_system = models.CharField(
        _("unit system"), max_length=10, choices=UnitSystem.choices, default=UnitSystem.METRIC
    )
    last_seen_at = models.DateTimeField(_("last seen"), null=True, editable=False)
    #: When a sync last read or leased the vehicle, and the lease of the sync that is reading it.
    synced_at = models.DateTimeField(null=True, db_index=True, editable=False)
    sync_claim = models.UUIDField(null=True, db_index=True, editable=False)
    #: Set while the brand requires the driver to log in again; the URL is Smartcar's, if there is one.
    reauthentication_required_at = models.DateTimeField(
        _("reauthentication required since"), null=True, editable=False
    )
    reauthentication_url = models.CharField(max_length=2000, blank=True, editable=False)
    #: Ids of the webhooks that the vehicle is subscribed to, as far as known: sorted, separated by spaces.
    webhooks = models.TextField(_("webhooks"), blank=True, editable=False)
    #: The error code, if subscribing or unsubscribing failed.
    webhooks_error = models.CharField(_("subscribing failed"), max_length=100, blank=True, editable=False)
    #: When the driver last began to connect it. Earlier events without a user id may be another driver's.
    connected_at = models.DateTimeField(default=timezone.now, editable=False)
    disconnected_at = models.DateTimeField(_("disconnected"), null=True, editable=False)
    created_at = models.DateTimeField(_("connected since"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = ConnectedVehicleQuerySet.as_manager()

    class Meta:
        verbose_name = _("connected vehicle")
        verbose_name_plural = _("connected vehicles")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["smartcar_vehicle_id", "account"], name="smartcar_vehicle_once_per_account"
            )
        ]
        # For the admin: the list of makes, and searches by make and model.
        indexes = [models.Index(fields=["make", "model"], name="smartcar_vehicle_make_model")]
        permissions = [
            ("lock_connectedvehicle", _("Can lock connected vehicles")),
            ("unlock_connectedvehicle", _("Can unlock connected vehicles")),
            ("charge_connectedvehicle", _("Can start and stop charging connected vehicles")),
            ("locate_connectedvehicle", _("Can see where connected vehicles are")),
            ("disconnect_connectedvehicle", _("Can disconnect connected vehicles")),
            ("view_fleet", _("Can see the fleet dashboard")),
            ("reload_connectedvehicle", _("Can re-read connected vehicles from Smartcar")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """A display name: ``"2021 Chevrolet Bolt"``, or the row's number while there are no details."""
        words = [str(self.year or ""), make_as_written(self.make), self.model]
        return " ".join(word for word in words if word) or f"vehicle {self.pk}"

    @property
    def user(self) -> Any:
        """The local user who connected the vehicle."""
        return self.account.user

    @property
    def is_connected(self) -> bool:
        return self.disconnected_at is None

    @property
    def needs_reauthentication(self) -> bool:
        """Whether the brand requires the driver to log in again."""
        return self.reauthentication_required_at is not None

    @property
    def is_lockable(self) -> bool:
        """Whether the driver permits locking and unlocking."""
        return self.can("control_security")

    @property
    def is_chargeable(self) -> bool:
        """Whether the driver permits starting, stopping and limiting the charge."""
        return self.can("control_charge")

    @property
    def is_guidable(self) -> bool:
        """Whether the driver permits sending a destination."""
        return self.can("control_navigation")

    @property
    def signals(self) -> dict[str, Any]:
        """The latest state of each signal, by name: one query, or none with ``signal_states`` prefetched.

        A state has ``value``, ``unit``, ``recorded_at`` and ``status``: see `VehicleSignal`. After a command
        that Smartcar confirmed, the state is what the command has made of it (its ``source`` is "command"),
        until the vehicle tells a newer one. States are those stored, also after the driver has disconnected:
        show others those of ``services.signals.latest``.
        """
        return {state.signal: state.current() for state in self.signal_states.all()}

    def can(self, permission: str) -> bool:
        """Return whether the driver granted a permission, like ``"control_security"``."""
        return permission in self.permissions
