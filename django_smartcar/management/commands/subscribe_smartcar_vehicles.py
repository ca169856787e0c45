from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_smartcar.exceptions import RateLimited, error_code
from django_smartcar.models import ConnectedVehicle
from django_smartcar.querysets import in_pages
from django_smartcar.services.webhooks import subscriptions


class Command(BaseCommand):
    help = (
        "Subscribe cars to the webhooks of SMARTCAR_WEBHOOKS, unsubscribe them from others, from all once "
        "they are disconnected. Connecting does so as well: run this from time to time, for what failed, and "
        "after a change of the setting. It exits with status 1 if something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            help="ask for every connected car anew, also where Smartcar has said that it is subscribed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = subscriptions.due()
        if options["all"]:
            rows = rows | ConnectedVehicle.objects.connected()
        done = failed = 0
        for page in in_pages(rows.select_related("account__smartcar_user")):
            for vehicle in page:
                if options["all"]:
                    subscriptions.reset([vehicle])
                failure = subscriptions.reconcile(vehicle)
                if failure is None:
                    done += 1
                    continue
                failed += 1
                self.stdout.write(self.style.ERROR(f"vehicle {vehicle.pk}: {error_code(failure)}"))
                if _ends_the_run(failure):
                    raise CommandError(
                        f"{done} as set, {failed} failed; Smartcar wants fewer requests: run it later"
                    )
        if failed:
            raise CommandError(f"{done} as set, {failed} failed and will be tried again")
        self.stdout.write(self.style.SUCCESS(f"{done} as set" if done else "nothing to do"))


def _ends_the_run(failure: Exception) -> bool:
    """Whether Smartcar wants fewer requests of the whole application, and not only of one car."""
    return isinstance(failure, RateLimited) and failure.scope == "application"
