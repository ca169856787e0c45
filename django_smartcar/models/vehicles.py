from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import VinField
from ..querysets import ConnectedVehicleQuerySet
from .accounts import SmartcarAccount

#: Makes that are not written like other names. Smartcar shouts them all.
WRITTEN = {
    "BMW": "BMW",
    "GMC": "GMC",
    "MINI": "MINI",
    "MERCEDES_BENZ": "Mercedes-Benz",
    "ROLLS_ROYCE": "Rolls-Royce",
}


def make_as_written(make: str) -> str:
    """``"CHEVROLET"`` is Chevrolet, ``"LAND_ROVER"`` Land Rover, ``"BMW"`` BMW; what is not shouted stays."""
    return WRITTEN.get(make) or (make.replace("_", " ").title() if make.isupper() else make)


class ConnectedVehicle(models.Model):
    """A car that a driver has connected, and what Smartcar last said of it."""

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
    last_seen_at = models.DateTimeField(_("last heard of"), null=True, editable=False)
    #: When a sync has last read the car, or said that it is about to, and the claim of the one that is.
    synced_at = models.DateTimeField(null=True, db_index=True, editable=False)
    sync_claim = models.UUIDField(null=True, db_index=True, editable=False)
    #: Set while the car's brand wants a new login of its driver; the address is Smartcar's, if it gave one.
    reauthentication_required_at = models.DateTimeField(
        _("needs a new login since"), null=True, editable=False
    )
    reauthentication_url = models.CharField(max_length=2000, blank=True, editable=False)
    #: Ids of the webhooks that tell of the car, as far as we know: sorted, with blanks between them.
    webhooks = models.TextField(_("webhooks"), blank=True, editable=False)
    #: Why these are not those of SMARTCAR_WEBHOOKS, if Smartcar has been asked.
    webhooks_error = models.CharField(_("subscribing failed"), max_length=100, blank=True, editable=False)
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
        permissions = [
            ("lock_connectedvehicle", _("Can lock connected vehicles")),
            ("unlock_connectedvehicle", _("Can unlock connected vehicles")),
            ("charge_connectedvehicle", _("Can start and stop charging connected vehicles")),
            ("locate_connectedvehicle", _("Can see where connected vehicles are")),
            ("disconnect_connectedvehicle", _("Can disconnect connected vehicles")),
            ("reload_connectedvehicle", _("Can re-read connected vehicles from Smartcar")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What a person calls the car: ``"2021 Chevrolet Bolt"``; its number, while nothing else is known."""
        words = [str(self.year or ""), make_as_written(self.make), self.model]
        return " ".join(word for word in words if word) or f"vehicle {self.pk}"

    @property
    def user(self) -> Any:
        """The local user whose car this is."""
        return self.account.user

    @property
    def is_connected(self) -> bool:
        return self.disconnected_at is None

    @property
    def needs_reauthentication(self) -> bool:
        """Whether the car's brand wants its driver to log in there again."""
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

    def latest(self) -> dict[str, Any]:
        """The newest reading of each kind; no query if they were prefetched as ``latest_readings``."""
        rows = getattr(self, "latest_readings", None)
        return {row.kind: row for row in (self.readings.latest_only() if rows is None else rows)}

    def can(self, permission: str) -> bool:
        """Whether the driver granted this permission, like ``"control_security"``."""
        return permission in self.permissions
