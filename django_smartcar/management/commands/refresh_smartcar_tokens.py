import argparse
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_smartcar.conf import conf
from django_smartcar.exceptions import ReconnectRequired, SmartcarAppError, SmartcarException, reason_of
from django_smartcar.models import LeasedToken, SmartcarAccount
from django_smartcar.services import tokens

#: In minutes. No refresh token lives longer.
SIXTY_DAYS = 60 * 24 * 60


class Command(BaseCommand):
    help = (
        "Refresh the tokens of Smartcar accounts, and the application's own, before they end. Run it every "
        "few minutes; it exits with status 1 if one could not be refreshed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--within",
            type=_minutes,
            default=30,
            metavar="MINUTES",
            help="refresh what ends within this many minutes (default: %(default)s)",
        )
        parser.add_argument("--all", action="store_true", help="refresh every token, due or not")
        parser.add_argument("--dry-run", action="store_true", help="say what would be refreshed, and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        within = None if options["all"] else timedelta(minutes=options["within"])
        refreshed = failed = due = 0
        for row in chain(_application(within), _accounts(within)):
            if options["dry_run"]:
                due += 1
                self.stdout.write(f"{row}: would be refreshed")
            elif self._refresh(row):
                refreshed += 1
            else:
                failed += 1
        if options["dry_run"]:
            self.stdout.write(self.style.SUCCESS(f"{due} would be refreshed"))
            return
        waiting = SmartcarAccount.objects.exclude(reconnect_required_at=None).count()
        summary = (
            f"{refreshed} refreshed, {failed} failed, {waiting} waiting for their driver to connect again"
        )
        if failed:
            raise CommandError(summary)
        self.stdout.write(self.style.SUCCESS(summary))

    def _refresh(self, row: LeasedToken) -> bool:
        try:
            tokens.refresh(row)
        except ReconnectRequired:
            self.stdout.write(self.style.ERROR(f"{row}: needs its driver to connect again"))
        except (SmartcarException, SmartcarAppError) as error:
            reason = reason_of(error)
            self.stdout.write(self.style.ERROR(f"{row}: not refreshed, will be tried again ({reason})"))
        else:
            until = row.access_expires_at
            # Somebody may have disconnected the last car in this moment.
            good = f"good until {until:%Y-%m-%d %H:%M} UTC" if until else "no longer needed"
            self.stdout.write(f"{row}: refreshed, {good}")
            return True
        return False


def _application(within: timedelta | None) -> Iterator[LeasedToken]:
    """The application's own token, where generation 3 is spoken and it is due."""
    if conf.SMARTCAR_API_VERSION == SmartcarAccount.ApiVersion.V3:
        row = tokens.application()
        if within is None or row.access_expires_within(within):
            yield row


def _accounts(within: timedelta | None) -> Iterator[LeasedToken]:
    accounts = SmartcarAccount.objects.refreshable()
    if within is not None:
        accounts = SmartcarAccount.objects.refresh_due(timezone.now() + within)
    yield from accounts.order_by("access_expires_at", "pk").iterator()


def _minutes(text: str) -> int:
    if not text.isdecimal() or int(text) > SIXTY_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes from 0 to {SIXTY_DAYS}")
    return int(text)
