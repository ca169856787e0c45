from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import SecretCharField


def unguessable() -> str:
    """Return a new external id."""
    return str(uuid.uuid4())


class ExternalId(models.Model):
    """The ``external_id`` of a local user at Smartcar: random, and never changed.

    Smartcar stores it with the user who consents, filters connections by it, and sends it with webhooks.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="smartcar_external_id",
        verbose_name=_("user"),
    )
    value = SecretCharField(_("external id"), max_length=64, default=unguessable)

    class Meta:
        verbose_name = _("external id")
        verbose_name_plural = _("external ids")
        constraints = [models.UniqueConstraint(fields=["value"], name="smartcar_external_id_once")]

    def __str__(self) -> str:
        return f"external id of user {self.pk}"
