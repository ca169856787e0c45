import os
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from example.demo import LOGINS, user_named


class Command(BaseCommand):
    help = "Create the users of the demo, and print how to continue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", default=os.environ.get("EXAMPLE_ORIGIN", "http://127.0.0.1:8000"))

    def handle(self, *args: object, **options: str) -> None:
        origin = options["origin"]
        lines = [f"The example   {origin}/", f"The admin     {origin}{reverse('admin:index')}"]
        for username, password in LOGINS.items():
            lines.append(f"Log in as     {username}, password {self.prepare(username, password)}")
        if settings.SIMULATED:
            local = origin.replace("127.0.0.1", "localhost")
            lines += [
                "",
                "The cars are simulated. To use a real Smartcar application, add to example_project/.env",
                "    SMARTCAR_CLIENT_ID=…",
                "    SMARTCAR_CLIENT_SECRET=…",
                "    SMARTCAR_APPLICATION_ID=…",
                f"add {local}{reverse('smartcar:callback')} to its redirect URIs in Smartcar's dashboard,",
                f"restart, and open {local}/.",
            ]
        else:
            lines += ["", f"The cars are those of the Smartcar application {settings.SMARTCAR_CLIENT_ID}."]
        lines += ["", "Ctrl-C stops it."]
        self.stdout.write("\n" + "\n".join(f"  {line}".rstrip() for line in lines) + "\n")

    def prepare(self, username: str, password: str) -> str:
        """Create the user if missing; returns the password to show."""
        return password if user_named(username).check_password(password) else "as you changed it"
