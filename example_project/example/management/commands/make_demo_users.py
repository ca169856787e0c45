import os
from argparse import ArgumentParser

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from example.demo import LOGINS


class Command(BaseCommand):
    help = "Makes the users of the demo where they are missing, and says how to go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", default=os.environ.get("EXAMPLE_ORIGIN", "http://127.0.0.1:8000"))

    def handle(self, *args: object, **options: str) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are known to everybody: this needs DEBUG=true.")
        origin = options["origin"]
        lines = [f"The example   {origin}/", f"The admin     {origin}{reverse('admin:index')}"]
        for username, password in LOGINS.items():
            lines.append(f"Log in as     {username}, password {self.prepare(username, password)}")
        if settings.SIMULATED:
            local = origin.replace("127.0.0.1", "localhost")
            lines += [
                "",
                "The cars are pretended. To use a real Smartcar application, write into example_project/.env",
                "    SMARTCAR_CLIENT_ID=…",
                "    SMARTCAR_CLIENT_SECRET=…",
                "    SMARTCAR_APPLICATION_ID=…",
                f"add {local}{reverse('smartcar:callback')} to its redirect URIs in Smartcar's dashboard,",
                f"start again, and open {local}/.",
            ]
        else:
            lines += ["", f"The cars are those of the Smartcar application {settings.SMARTCAR_CLIENT_ID}."]
        lines += ["", "Ctrl-C stops it."]
        self.stdout.write("\n" + "\n".join(f"  {line}".rstrip() for line in lines) + "\n")

    def prepare(self, username: str, password: str) -> str:
        """Make this user unless there is one; what to type as the password."""
        users = get_user_model()._default_manager
        user = users.filter(username=username).first()
        if user is None:
            is_admin = username == "admin"
            user = users.create_user(username, password=password, is_staff=is_admin, is_superuser=is_admin)
        return password if user.check_password(password) else "as you changed it"
