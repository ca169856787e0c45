from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_smartcar.secret_types import Secret
from django_smartcar.services.privacy import export


class Command(BaseCommand):
    help = (
        "Print all data stored about a user and their vehicles as JSON: accounts (without tokens), vehicles, "
        "commands, connect attempts and readings. The output contains VINs and positions: protect it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="the user's login name")

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(options["username"])
        except users.DoesNotExist:
            raise CommandError(f"there is no user {options['username']}") from None
        for part in map(Secret, export.person(user)):
            self.stdout.write(part, ending="")
        self.stdout.write("")
