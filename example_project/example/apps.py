from django.apps import AppConfig
from django.conf import settings

from django_smartcar.signals import account_connected

from . import live, webhook


class ExampleConfig(AppConfig):
    name = "example"

    def ready(self) -> None:
        if settings.SIMULATED:
            account_connected.connect(webhook.register)
            if settings.LIVE:
                live.begin()
