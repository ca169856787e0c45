from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from django_smartcar.conf import conf
from django_smartcar.databases import primary
from django_smartcar.exceptions import RateLimited, SmartcarAppError, SmartcarException, error_code
from django_smartcar.models import SmartcarAccount
from django_smartcar.services import migration
from django_smartcar.services.migration import V2, V3, CannotMigrate


class Command(BaseCommand):
    help = (
        "Migrate accounts from Smartcar's API v2 to v3: no driver has to connect again. Without --apply it "
        "only lists what it would do. Run it again after an interruption, or for accounts that failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply", action="store_true", help="migrate the accounts, instead of listing what would be done"
        )
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--back", action="store_true", help="roll back accounts that still have tokens of API v2"
        )
        instead.add_argument(
            "--delete-v2-tokens",
            action="store_true",
            help="delete the tokens of API v2 that were kept for a rollback",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if conf.SMARTCAR_API_VERSION != V3:
            raise CommandError(
                'First set SMARTCAR_API_VERSION = "3" with its own id and secret, and put those of API v2 in '
                "SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET, so that accounts of both keep working."
            )
        if options["delete_v2_tokens"]:
            self._delete_v2_tokens(options["apply"])
        elif options["back"]:
            self._run(V3, self._roll_back, "rolled back", options["apply"])
        else:
            self._run(V2, self._migrate, "migrated", options["apply"])

    def _run(
        self, api_version: str, migrate: Callable[[SmartcarAccount, bool], str], verb: str, apply: bool
    ) -> None:
        migrated = failed = 0
        accounts = primary(SmartcarAccount).of_api_version(api_version).select_related("smartcar_user")
        for account in accounts.order_by("pk").iterator():
            name = str(account)
            try:
                self.stdout.write(f"{name}: {migrate(account, apply)}")
                migrated += 1
            except (CannotMigrate, SmartcarException, SmartcarAppError, DatabaseError) as error:
                reason = str(error) if isinstance(error, CannotMigrate) else error_code(error)
                self.stdout.write(self.style.ERROR(f"{name}: not {verb} ({reason})"))
                failed += 1
                if isinstance(error, RateLimited) and error.scope == "application":
                    done = verb if apply else f"would be {verb}"
                    raise CommandError(f"{migrated} {done}; rate limit reached: run it again later") from None
        summary = f"{migrated} {verb if apply else f'would be {verb}'}, {failed} not {verb}"
        if failed:
            raise CommandError(summary)
        self.stdout.write(self.style.SUCCESS(summary))
        if migrated and not apply:
            self.stdout.write("Nothing has been changed. Run the command again with --apply.")

    def _migrate(self, account: SmartcarAccount, apply: bool) -> str:
        found = migration.find(account)
        if not apply:
            return f"would be migrated, with {len(found.permissions)} vehicles"
        if not migration.migrate_to_v3(account, found):
            return "has been migrated by another process"
        return f"migrated, with {len(found.permissions)} vehicles"

    def _roll_back(self, account: SmartcarAccount, apply: bool) -> str:
        migration.ensure_way_back(account)
        if not apply:
            return "would be rolled back"
        return "rolled back" if migration.roll_back(account) else "has been rolled back by another process"

    def _delete_v2_tokens(self, apply: bool) -> None:
        if apply:
            self.stdout.write(f"Deleted the tokens of API v2 from {migration.delete_v2_tokens()} accounts.")
            return
        kept = primary(SmartcarAccount).of_api_version(V3).exclude(refresh_token="").count()
        self.stdout.write(f"{kept} accounts have tokens of API v2. With --apply they are deleted for good.")
