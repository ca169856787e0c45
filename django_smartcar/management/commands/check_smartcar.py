import argparse
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_smartcar import diagnostics
from django_smartcar.management.output import JsonLines, Steps


class Command(BaseCommand):
    help = (
        "Check this site's settings, database, background jobs, credentials, network, clock and webhook, and "
        "print how to fix what is wrong. Changes nothing at Smartcar. Exits with status 1 if something is "
        "wrong."
    )
    #: The system checks are this command's first check; their errors must not prevent the others.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url",
            type=_origin,
            metavar="URL",
            help="public URL of the running site, like https://your.site, to send test webhooks to (default: "
            "the origin of SMARTCAR_REDIRECT_URI)",
        )
        parser.add_argument("--json", action="store_true", help="output JSON Lines")

    def handle(self, *args: Any, **options: Any) -> None:
        report = JsonLines(self.stdout) if options["json"] else Steps(self.stdout, self.style)
        counts: Counter[str] = Counter()
        for check, result in diagnostics.run_checks(options["url"] or ""):
            counts[result.outcome] += 1
            report.step(check, result.outcome, result.text, result.hint)
            self.stdout.flush()
        text = ", ".join(
            f"{counts[outcome]} {outcome.value}" for outcome in diagnostics.Outcome if counts[outcome]
        )
        is_bad = bool(counts[diagnostics.Outcome.WRONG])
        summary = {outcome.replace(" ", "_"): counts[outcome] for outcome in diagnostics.Outcome}
        report.end(text, is_bad=is_bad, **summary)
        if is_bad:
            raise CommandError(text)


def _origin(text: str) -> str:
    origin = diagnostics.origin_of(text)
    if not origin:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL like https://your.site")
    return origin
