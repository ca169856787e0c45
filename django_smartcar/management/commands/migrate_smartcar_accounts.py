from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from django_smartcar.conf import conf
from django_smartcar.exceptions import SmartcarAppError, SmartcarException, error_code
from django_smartcar.models import SmartcarAccount
from django_smartcar.services import migration
from django_smartcar.services.migration import V2, V3, CannotMigrate


class Command(BaseCommand):
    help = (
        "Move accounts from Smartcar's API v2 to 3, in place: no driver has to connect again. It says what "
        "it would do; with --apply it does it. Run it again for what was interrupted or could not be moved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply", action="store_true", help="do it, instead of saying what would be done"
        )
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--back", action="store_true", help="move back to 2.0 what still has tokens of it"
        )
        instead.add_argument(
            "--delete-v2-tokens",
            action="store_true",
            help="wipe the tokens of 2.0 that were kept for the way back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if conf.SMARTCAR_API_VERSION != V3:
            raise CommandError(
                'Set SMARTCAR_API_VERSION = "3" with its own id and secret first, and put the older pair '
                "into SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET, so that both are served meanwhile."
            )
        if options["delete_v2_tokens"]:
            self._forget(options["apply"])
        elif options["back"]:
            self._walk(V3, self._move_back, options["apply"])
        else:
            self._walk(V2, self._move, options["apply"])

    def _walk(self, generation: str, move: Callable[[SmartcarAccount, bool], str], apply: bool) -> None:
        done = stay = 0
        accounts = SmartcarAccount.objects.of_api_version(generation).select_related("smartcar_user")
        for account in accounts.order_by("pk").iterator():
            try:
                self.stdout.write(f"{account}: {move(account, apply)}")
                done += 1
            except (CannotMigrate, SmartcarException, SmartcarAppError, DatabaseError) as error:
                reason = str(error) if isinstance(error, CannotMigrate) else error_code(error)
                self.stdout.write(self.style.ERROR(f"{account}: not moved ({reason})"))
                stay += 1
        summary = f"{done} {'moved' if apply else 'would be moved'}, {stay} not moved"
        if stay:
            raise CommandError(summary)
        self.stdout.write(self.style.SUCCESS(summary))
        if done and not apply:
            self.stdout.write("Nothing has changed: run it again with --apply.")

    def _move(self, account: SmartcarAccount, apply: bool) -> str:
        found = migration.find(account)
        if not apply:
            return f"would be moved, with {len(found.permissions)} cars"
        if not migration.migrate_to_v3(account, found):
            return "has been moved by somebody else"
        return f"moved, with {len(found.permissions)} cars"

    def _move_back(self, account: SmartcarAccount, apply: bool) -> str:
        migration.ensure_way_back(account)
        if not apply:
            return "would be moved back"
        return "moved back" if migration.roll_back(account) else "has been moved by somebody else"

    def _forget(self, apply: bool) -> None:
        if apply:
            self.stdout.write(f"Wiped the tokens of API v2 from {migration.delete_v2_tokens()} accounts.")
            return
        kept = SmartcarAccount.objects.of_api_version(V3).exclude(refresh_token="").count()
        self.stdout.write(f"{kept} accounts have tokens of API v2; with --apply they are wiped, for good.")
