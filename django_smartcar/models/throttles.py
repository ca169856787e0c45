from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Throttle(models.Model):
    """What a user has used of one limit of ``SMARTCAR_USER_LIMITS``: a token bucket."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: A key of ``SMARTCAR_USER_LIMITS``.
    kind = models.CharField(max_length=20)
    #: When the bucket is full again; a time in the past: it is full.
    full_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("throttle")
        verbose_name_plural = _("throttles")
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="smartcar_throttle_once_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of user {self.user_id}"
