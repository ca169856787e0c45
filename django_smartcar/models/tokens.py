from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..fields import EncryptedTextField
from ..querysets import LeasedTokenQuerySet


class LeasedToken(models.Model):
    """An access token, and the lease of the process that refreshes it (``services/tokens/_refresh_lock.py``).

    ``save()`` does not write the tokens of an existing row, unless ``update_fields`` names them: a stale
    instance would restore a token that has been used.
    """

    access_token = EncryptedTextField(_("access token"), blank=True)
    access_expires_at = models.DateTimeField(_("access until"), null=True, editable=False)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    refresh_lease = models.UUIDField(null=True, editable=False)
    refresh_lease_until = models.DateTimeField(null=True, editable=False)
    refreshed_at = models.DateTimeField(_("last refreshed"), null=True, editable=False)
    refresh_error = models.CharField(_("last refresh error"), max_length=200, blank=True, editable=False)

    class Meta:
        abstract = True

    #: The fields that only ``services/tokens`` writes, and a plain ``save()`` does not.
    TOKEN_FIELDS: tuple[str, ...] = (
        "access_token",
        "access_expires_at",
        "token_version",
        "refreshed_at",
        "refresh_error",
        "refresh_lease",
        "refresh_lease_until",
    )

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        is_known = self.pk is not None and not self._state.adding and not options.get("force_insert")
        if is_known and update_fields is None:
            names = {field.attname for field in self._meta.concrete_fields if not field.primary_key}
            update_fields = names - {*self.TOKEN_FIELDS, *self.get_deferred_fields()}
        super().save(*args, update_fields=update_fields, **options)

    @property
    def reference(self) -> str:
        """The row in logs and in the messages of exceptions, which name no person."""
        return str(self)

    @property
    def is_refreshable(self) -> bool:
        """Whether the access token can be refreshed; ``refreshable()`` is the same as a queryset."""
        return True

    def access_expires_within(self, margin: timedelta) -> bool:
        """Return whether the access token has expired, or will expire within ``margin``."""
        return self.access_expires_at is None or self.access_expires_at <= timezone.now() + margin


class ApplicationToken(LeasedToken):
    """The application's own token, API v3: one row per client id, shared by all processes.

    It gives access to the vehicles of every driver of the site.
    """

    client_id = models.CharField(_("client id"), max_length=100)
    #: When Smartcar first sent a valid code to the callback. A callback without one is suspicious since.
    code_received_at = models.DateTimeField(null=True, editable=False)

    objects = LeasedTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("application token")
        verbose_name_plural = _("application tokens")
        constraints = [models.UniqueConstraint(fields=["client_id"], name="smartcar_token_once_per_client")]

    def __str__(self) -> str:
        return f"application {self.client_id}"
