from django.db import models
from django.utils.translation import gettext_lazy as _


class RateLimit(models.Model):
    """The rate limit of a vehicle or of the application, and its requests this month, for all processes."""

    #: Smartcar's id of the vehicle, or ``application:`` and the API version.
    key = models.CharField(max_length=80, editable=False)
    blocked_until = models.DateTimeField(_("no requests before"), null=True, editable=False)
    #: For the application: when the bucket of background work is full again (`services._background`).
    full_at = models.DateTimeField(null=True, editable=False)
    #: The month that ``requests`` counts, in UTC: ``"2026-11"``.
    month = models.CharField(max_length=7, blank=True, editable=False)
    requests = models.PositiveIntegerField(_("requests this month"), default=0, editable=False)

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")
        constraints = [models.UniqueConstraint(fields=["key"], name="smartcar_rate_limit_once_per_key")]

    def __str__(self) -> str:
        return self.key
