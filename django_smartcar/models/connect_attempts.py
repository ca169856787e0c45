from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..querysets import ConnectAttemptQuerySet
from .accounts import SmartcarAccount
from .vehicles import ConnectedVehicle


class ConnectAttempt(models.Model):
    """One press of "Connect your car": what a callback has to match before it is believed.

    ``state`` and the session key are kept as digests: who reads this table can finish nobody's attempt.
    """

    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    #: The car that its brand wants a new login for, in an attempt that is about nothing else.
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

    def __str__(self) -> str:
        return f"connect attempt {self.pk}"
