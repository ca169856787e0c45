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
    """An access token, and who may renew it just now (see ``services/tokens/_refresh_lock.py``).

    ``save()`` leaves the tokens of a row that exists as they are, unless ``update_fields`` names them: a copy
    that was read a while ago would put back a used one.
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

    #: What `services/tokens.py` writes, and a plain ``save()`` does not. The lease belongs to its holder.
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
    def is_refreshable(self) -> bool:
        """Whether a new access token may be asked for (``refreshable()`` says which rows that is true of)."""
        return True

    def access_expires_within(self, margin: timedelta) -> bool:
        """Whether the access token has ended, or will end within ``margin``."""
        return self.access_expires_at is None or self.access_expires_at <= timezone.now() + margin


class ApplicationToken(LeasedToken):
    """The application's own token, API v3: one row per credential set, for all workers alike.

    It opens the cars of every driver of the site.
    """

    client_id = models.CharField(_("client id"), max_length=100, unique=True)

    objects = LeasedTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("application token")
        verbose_name_plural = _("application tokens")

    def __str__(self) -> str:
        return f"application {self.client_id}"
