"""A receiver of this site: it writes into a file whom it was called for, and by which process."""

import os
from pathlib import Path

from django.apps import AppConfig

from django_smartcar.signals import webhook_received


class SiteConfig(AppConfig):
    name = "tests.site_project"
    label = "site_project"

    def ready(self):
        webhook_received.connect(note)


def note(event, **named):
    handled = Path(os.environ["SITE_HANDLED"])
    with handled.open("a") as file:
        file.write(f"{event.event_id} {os.getpid()}\n")
    if handled.with_name("refuse").exists():
        raise ValueError("as it was told to")
