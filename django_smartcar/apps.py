from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _

from . import checks


class SmartcarConfig(AppConfig):
    name = "django_smartcar"
    label = "smartcar"
    verbose_name = _("Smartcar")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(checks.check_settings, Tags.security)
        register(checks.check_urls, Tags.urls)
        register(checks.check_deployment, Tags.security, deploy=True)
        register(checks.check_published, Tags.security, deploy=True)
