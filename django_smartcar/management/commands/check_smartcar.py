import argparse
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_smartcar import diagnostics
from django_smartcar.management.output import JsonLines, Steps


class Command(BaseCommand):
    help = (
        "Say step by step what is wrong with this site's settings, credentials, hosts, clock and webhook, "
        "and what to do about it. Nothing is changed at Smartcar. It exits with status 1 if something is "
        "wrong."
    )
    #: They are its first step: an error there must not keep it from saying the rest.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url",
            type=_origin,
            metavar="ADDRESS",
            help="the public address of the running site, like https://your.site, to try its webhook at "
            "(default: the host of SMARTCAR_REDIRECT_URI)",
        )
        parser.add_argument("--json", action="store_true", help="print a JSON object a line, for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        report = JsonLines(self.stdout) if options["json"] else Steps(self.stdout, self.style)
        counts: Counter[str] = Counter()
        for step, finding in diagnostics.run_checks(options["url"] or ""):
            counts[finding.outcome] += 1
            report.step(step, finding.outcome, finding.text, finding.advice)
            self.stdout.flush()
        text = ", ".join(
            f"{counts[outcome]} {outcome.value}" for outcome in diagnostics.Outcome if counts[outcome]
        )
        is_bad = bool(counts[diagnostics.Outcome.WRONG])
        facts = {outcome.replace(" ", "_"): counts[outcome] for outcome in diagnostics.Outcome}
        report.end(text, is_bad=is_bad, **facts)
        if is_bad:
            raise CommandError(text)


def _origin(text: str) -> str:
    origin = diagnostics.origin_of(text)
    if not origin:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address like https://your.site")
    return origin
