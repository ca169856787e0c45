from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..querysets import SmartcarAccountQuerySet


class SmartcarUser(models.Model):
    """Which local user a Smartcar user belongs to.

    The primary key is Smartcar's own id, so the database itself lets only one local user have it, even when
    two of them come back from Connect in the same moment.
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

    def __str__(self) -> str:
        return f"Smartcar user {self.pk}"


class SmartcarAccount(models.Model):
    """A driver's grant: the tokens that one consent gave, and the cars that they open.

    A driver may have several, because a consent with ``single_select`` covers one car only. A car belongs to
    the newest grant that covers it.
    """

    class Mode(models.TextChoices):
        LIVE = "live", _("live")
        SIMULATED = "simulated", _("simulated")
        TEST = "test", _("test")

    # The column and the attribute `smartcar_user_id` are Smartcar's id itself: no join to know it.
    smartcar_user = models.ForeignKey(
        SmartcarUser,
        on_delete=models.CASCADE,
        related_name="accounts",
        verbose_name=_("Smartcar user"),
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.LIVE)
    access_token = models.TextField(_("access token"), blank=True, editable=False)
    access_expires_at = models.DateTimeField(_("access until"), null=True, db_index=True, editable=False)
    refresh_token = models.TextField(_("refresh token"), blank=True, editable=False)
    refresh_expires_at = models.DateTimeField(_("refreshable until"), null=True, editable=False)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    refresh_lease = models.UUIDField(null=True, editable=False)
    refresh_lease_until = models.DateTimeField(null=True, editable=False)
    refreshed_at = models.DateTimeField(_("last refreshed"), null=True, editable=False)
    refresh_error = models.CharField(_("last refresh error"), max_length=200, blank=True, editable=False)
    reconnect_required_at = models.DateTimeField(_("needs reconnecting since"), null=True, editable=False)
    created_at = models.DateTimeField(_("connected since"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = SmartcarAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("Smartcar account")
        verbose_name_plural = _("Smartcar accounts")
        ordering = ["pk"]
        permissions = [("refresh_smartcaraccount", _("Can refresh the tokens of Smartcar accounts"))]

    def __str__(self) -> str:
        return f"Smartcar account {self.pk}"

    @property
    def user(self) -> Any:
        """The local user whose grant this is."""
        return self.smartcar_user.user

    @property
    def needs_reconnecting(self) -> bool:
        """Whether only the driver, by going through Connect again, can bring this grant back."""
        return self.reconnect_required_at is not None or not self.refresh_token

    def access_expires_within(self, margin: timedelta) -> bool:
        """Whether the access token has ended, or will end within ``margin``."""
        return self.access_expires_at is None or self.access_expires_at <= timezone.now() + margin
