"""Receiver of ``webhook_received`` that appends each event's id and its process id to a file."""

import os
from pathlib import Path

from django.apps import AppConfig

from django_smartcar.signals import webhook_received


class SiteConfig(AppConfig):
    name = "tests.site_project"
    label = "site_project"

    def ready(self):
        webhook_received.connect(record_event)


def record_event(event, **kwargs):
    handled = Path(os.environ["SITE_HANDLED"])
    with handled.open("a") as file:
        file.write(f"{event.event_id} {os.getpid()}\n")
    if handled.with_name("refuse").exists():
        raise ValueError("refused by the test")
