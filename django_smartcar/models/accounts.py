from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import DecryptionError, EncryptedTextField
from ..querysets import SmartcarAccountQuerySet
from .names import is_loaded, make_as_written
from .tokens import LeasedToken


class SmartcarUser(models.Model):
    """Which local user a Smartcar user belongs to.

    The primary key is Smartcar's own id, so the database itself ensures that only one local user has it, even
    if two of them return from Connect at the same time.
    """

    id = models.CharField(_("Smartcar user id"), primary_key=True, max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="smartcar_users",
        verbose_name=_("user"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("Smartcar user")
        verbose_name_plural = _("Smartcar users")
        permissions = [("erase_smartcaruser", _("Can erase Smartcar users, at Smartcar and here"))]

    def __str__(self) -> str:
        """Return the user and Smartcar's id: "anna · 4644d225". The id alone if the user is not loaded."""
        return f"{self.user} · {self.pk}" if is_loaded(self, "user") else f"Smartcar user {self.pk}"


class SmartcarAccount(LeasedToken):
    """A driver's grant: one consent, and the vehicles that it gives access to.

    In API v2 it has tokens of its own. In API v3 the application's token gives access to its vehicles; tokens
    on the row are those of API v2, kept for a rollback of the migration.

    A driver may have several, because a consent with ``single_select`` covers one vehicle only. A vehicle
    belongs to the latest grant that covers it.
    """

    class ApiVersion(models.TextChoices):
        V2 = "2.0", "2.0"
        V3 = "3", "3"

    class Mode(models.TextChoices):
        LIVE = "live", _("live")
        SIMULATED = "simulated", _("simulated")
        TEST = "test", _("test")

    # The column and the attribute `smartcar_user_id` are Smartcar's id itself, so no join is needed.
    smartcar_user = models.ForeignKey(
        SmartcarUser,
        on_delete=models.CASCADE,
        related_name="accounts",
        verbose_name=_("Smartcar user"),
        db_index=False,  # see `Meta.indexes`
    )
    api_version = models.CharField(
        _("API version"), max_length=4, choices=ApiVersion.choices, default=ApiVersion.V3
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.LIVE)
    refresh_token = EncryptedTextField(_("refresh token"), blank=True)
    #: From an exchange that another process overtook. Tried if Smartcar rejects the one above.
    spare_refresh_token = EncryptedTextField(blank=True)
    refresh_expires_at = models.DateTimeField(_("refreshable until"), null=True, editable=False)
    reconnect_required_at = models.DateTimeField(_("needs reconnecting since"), null=True, editable=False)
    created_at = models.DateTimeField(_("connected since"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    TOKEN_FIELDS = (
        *LeasedToken.TOKEN_FIELDS,
        "refresh_token",
        "spare_refresh_token",
        "refresh_expires_at",
        "reconnect_required_at",
    )

    objects = SmartcarAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("Smartcar account")
        verbose_name_plural = _("Smartcar accounts")
        ordering = ["pk"]
        permissions = [("refresh_smartcaraccount", _("Can refresh the tokens of Smartcar accounts"))]
        # For `refresh_due` and `with_expired_lock`. The index excludes accounts that wait for their driver.
        # The foreign key's is here because with `db_index` PostgreSQL would add a second one for LIKE.
        indexes = [
            models.Index(fields=["smartcar_user"], name="smartcar_account_of_user"),
            models.Index(
                fields=["api_version", "access_expires_at", "id", "reconnect_required_at"],
                name="smartcar_account_due",
            ),
            models.Index(
                fields=["api_version", "refresh_lease_until", "id"], name="smartcar_account_expired_lock"
            ),
        ]

    def __str__(self) -> str:
        # A query may have annotated the make that all its vehicles have.
        return self.named_with(getattr(self, "brand", ""))

    def named_with(self, make: str | None) -> str:
        """Return its user and the brand: "anna (Tesla)". Its number if the user is not loaded: no query."""
        if not is_loaded(self, "smartcar_user", "user"):
            return self.reference
        return f"{self.user} ({make_as_written(make)})" if make else str(self.user)

    @property
    def reference(self) -> str:
        return f"Smartcar account {self.pk}"

    @property
    def user(self) -> Any:
        """The local user who gave the consent."""
        return self.smartcar_user.user

    @property
    def uses_v3(self) -> bool:
        """Whether this account is used through API v3."""
        return self.api_version == self.ApiVersion.V3

    @property
    def is_refreshable(self) -> bool:
        """Whether the refresh token can be exchanged."""
        return not (self.uses_v3 or self.needs_reconnecting)

    @property
    def needs_reconnecting(self) -> bool:
        """Whether the driver has to go through Connect again."""
        try:
            return self.reconnect_required_at is not None or not (self.uses_v3 or self.refresh_token)
        except DecryptionError:
            return False  # There is a refresh token; only its encryption key is missing.
