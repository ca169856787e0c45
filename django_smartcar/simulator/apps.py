from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SimulatorConfig(AppConfig):
    name = "django_smartcar.simulator"
    label = "smartcar_simulator"
    verbose_name = _("Smartcar simulator")
