from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..querysets import ConnectAttemptQuerySet
from .accounts import SmartcarAccount
from .vehicles import ConnectedVehicle


class ConnectAttempt(models.Model):
    """One attempt to connect, which a callback must match.

    Only digests of ``state`` and the session key are stored, so read access to this table is not enough to
    complete somebody's attempt.
    """

    state_digest = models.CharField(max_length=64)
    session_digest = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: The vehicle to reauthenticate, if that is what the attempt is for.
    vehicle = models.ForeignKey(ConnectedVehicle, on_delete=models.CASCADE, null=True, related_name="+")
    api_version = models.CharField(max_length=4, choices=SmartcarAccount.ApiVersion.choices)
    redirect_uri = models.CharField(max_length=500)
    mode = models.CharField(max_length=10)
    next_url = models.CharField(max_length=2000, blank=True)
    single_select = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True)

    objects = ConnectAttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("connect attempt")
        verbose_name_plural = _("connect attempts")
        constraints = [
            models.UniqueConstraint(fields=["state_digest"], name="smartcar_attempt_once_per_state")
        ]

    def __str__(self) -> str:
        return f"connect attempt {self.pk}"
