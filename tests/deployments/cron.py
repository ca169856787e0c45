"""Program that runs the management commands of a site, as cron does, and prints what they wrote as JSON."""

import io
import json
import sys
from datetime import timedelta

import django
from django.conf import settings
from django.core.management import CommandError, call_command

COMMANDS = [
    ("check", "--deploy", "--fail-level", "CRITICAL"),
    ("check_smartcar", "--json", "--url"),  # with the site's address
    ("refresh_smartcar_tokens", "--all", "--json"),
    ("sync_smartcar_vehicles", "--max-age", "0", "--json"),
    ("work_smartcar_events", "--once"),
    ("subscribe_smartcar_vehicles",),
    ("migrate_smartcar_accounts",),
    ("rotate_smartcar_keys",),
    ("prune_smartcar_events", "--days", "30"),
    ("prune_smartcar_readings",),
    ("export_smartcar_data", "anna"),
]


def run(name, *arguments):
    """Return the output of a command, and its error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return {"output": out.getvalue() + err.getvalue(), "error": str(error)}
    return {"output": out.getvalue() + err.getvalue(), "error": ""}


def last_hour():
    """Return the last hour in which an odometer was recorded, as a site's own code finds it."""
    # Models can be imported only after setup().
    from django_smartcar.databases import to_utc
    from django_smartcar.models import ConnectedVehicle
    from django_smartcar.services import signals

    vehicle = ConnectedVehicle.objects.order_by("pk").last()
    if vehicle is None:
        return ""
    (*_, bucket) = signals.history(vehicle, "odometer", step=timedelta(hours=1))
    return to_utc(bucket.at).isoformat()


def main(url):
    django.setup()
    results = {}
    for name, *arguments in COMMANDS:
        if name == "migrate_smartcar_accounts" and settings.SMARTCAR_API_VERSION == "2.0":
            continue  # it needs the credentials of API v3
        results[name] = run(name, *arguments, *([url] if "--url" in arguments else []))
    results["history"] = {"output": last_hour(), "error": ""}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
