from django.db import models
from django.utils.translation import gettext_lazy as _


class Allowance(models.Model):
    """How much more Smartcar may be asked, of one car or by the application: known to all workers."""

    #: Smartcar's id of the car, or ``application:`` and the generation.
    key = models.CharField(max_length=80, unique=True, editable=False)
    blocked_until = models.DateTimeField(_("not asked before"), null=True, editable=False)
    #: The month that is counted, in UTC: ``"2026-11"``.
    month = models.CharField(max_length=7, blank=True, editable=False)
    requests = models.PositiveIntegerField(_("requests this month"), default=0, editable=False)

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")

    def __str__(self) -> str:
        return self.key
