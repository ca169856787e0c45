from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_smartcar.databases import primary
from django_smartcar.exceptions import RateLimited, error_code
from django_smartcar.models import ConnectedVehicle
from django_smartcar.querysets import in_pages
from django_smartcar.services.webhooks import subscriptions


class Command(BaseCommand):
    help = (
        "Subscribe vehicles to the webhooks in SMARTCAR_WEBHOOKS and unsubscribe them from all others; "
        "disconnected vehicles from all. Connecting a vehicle does this, too. Run the command from cron to "
        "retry failures, and after changing the setting. Exits with status 1 if something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            help="subscribe every connected vehicle again, even if Smartcar has confirmed its subscription",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = subscriptions.due()
        if options["all"]:
            rows = rows | primary(ConnectedVehicle).connected()
        done = failed = 0
        for page in in_pages(rows.select_related("account__smartcar_user")):
            for vehicle in page:
                if options["all"]:
                    subscriptions.reset([vehicle])
                error = subscriptions.reconcile(vehicle)
                if error is None:
                    done += 1
                    continue
                failed += 1
                self.stdout.write(self.style.ERROR(f"vehicle {vehicle.pk}: {error_code(error)}"))
                if _is_application_limit(error):
                    raise CommandError(
                        f"{done} updated, {failed} failed; rate limit of the application reached: run it "
                        "again later"
                    )
        if failed:
            raise CommandError(f"{done} updated, {failed} failed and will be retried")
        self.stdout.write(self.style.SUCCESS(f"{done} updated" if done else "nothing to do"))


def _is_application_limit(error: Exception) -> bool:
    """Return whether the rate limit is that of the whole application, not of one vehicle."""
    return isinstance(error, RateLimited) and error.scope == "application"
