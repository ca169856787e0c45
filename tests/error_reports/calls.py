"""Everything that can fail: public services, views, admin actions and management commands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, VehicleReading, VehicleSignal
from django_smartcar.services import (
    commands,
    migration,
    privacy,
    readings,
    signals,
    tokens,
    vehicles,
    webhooks,
)
from django_smartcar.services import connect as connecting
from django_smartcar.services.connect import reauthentication
from django_smartcar.services.privacy import export
from django_smartcar.services.sync import VehicleSync
from django_smartcar.services.tokens import bulk_refresh
from django_smartcar.services.webhooks import subscriptions

from .site import (
    LATITUDE,
    LONGITUDE,
    REDIRECT_URI,
    SECRETS,
    begin_attempt,
    callback,
    consume_attempt,
    expire,
    receive,
    signature_of,
    store_location,
    webhook_body,
)


@dataclass(frozen=True)
class Call:
    """One operation of a site: ``run`` gets the result of ``prepare``, which runs on a working network."""

    name: str
    run: Callable[[Any, Any], Any]
    prepare: Callable[[Any], Any] = lambda site: None
    #: Numbers of successful responses before the network fails: one test for each.
    after: tuple[int, ...] = (0,)
    versions: tuple[str, ...] = ("2.0", "3")
    #: Whether it sends requests to Smartcar.
    is_remote: bool = True


def _sync(site, _):
    VehicleSync(lambda result: None).run(timezone.now(), concurrency=2)


def _bulk_refresh(site, _):
    bulk_refresh.BulkRefresher(lambda result: None).run(bulk_refresh.due(None), 1)


def _subscribe_to_other_webhook(site):
    site.vehicle.webhooks = "webhook-2"
    site.vehicle.save()


def _store_old_location(site):
    """Store an earlier location, which the one that is read replaces."""
    store_location(site)
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    VehicleSignal.objects.update(recorded_at=long_ago, received_at=long_ago)
    VehicleReading.objects.update(recorded_at=long_ago)


def _mark_v2(site):
    """Let the account be one of API v2 on a site of API v3."""
    SmartcarAccount.objects.update(api_version="2.0")
    site.account.refresh_from_db()


SERVICES = [
    Call("tokens.access_token", lambda site, _: tokens.access_token(site.account), expire),
    Call("tokens.refresh", lambda site, row: tokens.refresh(row), expire),
    Call("tokens.bulk_refresh", _bulk_refresh, expire),
    Call(
        "connect.begin",
        lambda site, _: connecting.begin(site.user, session_key="s", redirect_uri=REDIRECT_URI),
        is_remote=False,
    ),
    Call(
        "connect.consume",
        lambda site, state: connecting.consume(state, user=site.user, session_key="another"),
        begin_attempt,
        is_remote=False,
    ),
    Call(
        "connect.complete",
        lambda site, attempt: connecting.complete(attempt, callback()),
        consume_attempt,
        after=(0, 1, 2, 3),
    ),
    Call(
        "reauthentication.begin",
        lambda site, _: reauthentication.begin(site.vehicle, session_key="s", redirect_uri=REDIRECT_URI),
        is_remote=False,
    ),
    Call("vehicles.odometer", lambda site, _: vehicles.odometer(site.vehicle)),
    Call("vehicles.location", lambda site, _: vehicles.location(site.vehicle), _store_old_location),
    Call(
        "vehicles.read_by_key",
        lambda site, _: vehicles.read_by_key(site.user, site.vehicle.pk, "location"),
        _store_old_location,
    ),
    Call("vehicles.read", lambda site, _: vehicles.read(site.vehicle, ["odometer", "location"])),
    Call("vehicles.read of signals", lambda site, _: vehicles.read(site.vehicle, ["location", "doors"])),
    Call(
        "readings.save",
        lambda site, _: readings.save(
            site.vehicle, "location", {"latitude": LATITUDE, "longitude": LONGITUDE}
        ),
        is_remote=False,
    ),
    Call(
        "signals.latest",
        lambda site, _: signals.latest([site.vehicle])[site.vehicle.pk]["location"].degrees,
        store_location,
        is_remote=False,
    ),
    Call(
        "signals.history",
        lambda site, _: list(signals.history(site.vehicle, "location")),
        store_location,
        is_remote=False,
    ),
    Call("vehicles.refresh_readings", lambda site, _: vehicles.refresh_readings(site.vehicle)),
    Call("vehicles.reload", lambda site, _: vehicles.reload(site.vehicle), after=(0, 1, 2)),
    Call("vehicles.sync", lambda site, _: vehicles.sync(site.account), after=(0, 1)),
    Call("vehicles.disconnect", lambda site, _: vehicles.disconnect(site.vehicle)),
    Call("commands.send lock", lambda site, _: commands.send(site.vehicle, "lock", actor=site.user)),
    Call(
        "commands.send send_destination",
        lambda site, _: commands.send(
            site.vehicle, "send_destination", latitude=LATITUDE, longitude=LONGITUDE
        ),
    ),
    Call(
        "commands.send with an expired token",
        lambda site, _: commands.send(site.vehicle, "lock"),
        expire,
        after=(0, 1),
    ),
    Call(
        "commands.enqueue send_destination",
        lambda site, _: commands.enqueue(
            site.vehicle, "send_destination", latitude=LATITUDE, longitude=LONGITUDE
        ),
    ),
    Call("commands.send_many", lambda site, _: list(commands.send_many([site.vehicle], "lock"))),
    Call(
        "subscriptions.reconcile",
        lambda site, _: subscriptions.reconcile(site.vehicle),
        _subscribe_to_other_webhook,
    ),
    Call("subscriptions.end", lambda site, _: subscriptions.end(site.vehicle), _subscribe_to_other_webhook),
    Call("privacy.erase", lambda site, _: privacy.erase(site.user)),
    Call("migration.find", lambda site, _: migration.find(site.account), _mark_v2, versions=("3",)),
    Call("migration.roll_back", lambda site, _: migration.roll_back(site.account), versions=("3",)),
    Call("sync.VehicleSync", _sync),
    Call(
        "export.readings_csv",
        lambda site, _: list(export.readings_csv(ConnectedVehicle.objects.all())),
        store_location,
        is_remote=False,
    ),
    Call(
        "webhooks.receive",
        lambda site, _: receive(site),
        is_remote=False,
    ),
    Call(
        "webhooks.process_due",
        lambda site, _: webhooks.process_due(),
        receive,
        is_remote=False,
    ),
]


def _post(path, **fields):
    return lambda site, _: site.client.post(f"/cars/{path.format(pk=site.vehicle.pk)}", fields)


def _get(path):
    return lambda site, _: site.client.get(f"/cars/{path.format(pk=site.vehicle.pk)}")


def _callback(site, state):
    query = {
        "state": state,
        "code": SECRETS["code"],
        "user_id": "driver-a",
        "external_id": SECRETS["external id"],
    }
    return site.client.get("/cars/callback/", query)


def _webhook(site, _):
    body = webhook_body()
    headers = {"SC-Signature": signature_of(site, body)}
    return site.client.generic(
        "POST", "/cars/webhook/endpoint/", body, content_type="application/json", headers=headers
    )


VIEWS = [
    Call("view connect", _post("connect/"), is_remote=False),
    Call("view callback", _callback, begin_attempt, after=(0, 1, 2)),
    Call("view lock", _post("{pk}/lock/")),
    Call("view unlock", _post("{pk}/unlock/")),
    Call(
        "view send_destination",
        _post("{pk}/command/send_destination/", latitude=LATITUDE, longitude=LONGITUDE),
    ),
    Call("view find_destination", _post("{pk}/destination/", address=f"{LATITUDE}"), is_remote=False),
    Call("view start_charge", _post("{pk}/command/start_charge/")),
    Call("view refresh", _post("{pk}/refresh/")),
    Call("view reauthenticate", _post("{pk}/reauthenticate/"), is_remote=False),
    Call("view disconnect", _post("{pk}/disconnect/")),
    Call("view vehicle_list", _get(""), store_location, is_remote=False),
    Call("view vehicle_page", _get("{pk}/"), store_location, is_remote=False),
    Call("view vehicle_state", _get("{pk}/state/"), store_location, is_remote=False),
    Call("view vehicle_states", _get("states/"), store_location, is_remote=False),
    Call("view readings.csv", _get("readings.csv"), store_location, is_remote=False),
    Call("view readings.json", _get("{pk}/readings.json"), store_location, is_remote=False),
    Call("view webhook", _webhook, is_remote=False),
]


def _action(model, action, row):
    def run(site, _):
        fields = {"action": action, "_selected_action": [row(site).pk], "confirmed": "yes", "index": 0}
        return site.client.post(f"/admin/smartcar/{model}/", fields)

    return run


def _vehicle(site):
    return site.vehicle


ADMIN = [
    Call(
        "admin refresh_tokens",
        _action("smartcaraccount", "refresh_tokens", lambda site: site.account),
        expire,
    ),
    Call("admin reload account", _action("smartcaraccount", "reload", lambda site: site.account)),
    Call("admin erase", _action("smartcaruser", "erase", lambda site: site.owner)),
    *(
        Call(f"admin {action}", _action("connectedvehicle", action, _vehicle))
        for action in ("lock", "unlock", "start_charge", "stop_charge", "reload", "disconnect")
    ),
    Call("admin locate", _action("connectedvehicle", "locate", _vehicle), store_location, is_remote=False),
]


def _command(*arguments):
    def run(site, _):
        out = StringIO()
        try:
            call_command(*arguments, stdout=out, stderr=out)
        except CommandError as error:
            out.write(str(error))
        return out.getvalue()

    return run


COMMANDS = [
    Call("command check_smartcar", _command("check_smartcar")),
    Call("command refresh_smartcar_tokens", _command("refresh_smartcar_tokens", "--all"), expire),
    Call("command sync_smartcar_vehicles", _command("sync_smartcar_vehicles", "--max-age", "0")),
    Call(
        "command subscribe_smartcar_vehicles",
        _command("subscribe_smartcar_vehicles"),
        _subscribe_to_other_webhook,
    ),
    Call(
        "command migrate_smartcar_accounts",
        _command("migrate_smartcar_accounts", "--apply"),
        _mark_v2,
        versions=("3",),
    ),
    Call(
        "command migrate_smartcar_accounts --back",
        _command("migrate_smartcar_accounts", "--apply", "--back"),
        versions=("3",),
    ),
    Call("command work_smartcar_events", _command("work_smartcar_events", "--once"), is_remote=False),
    Call("command rotate_smartcar_keys", _command("rotate_smartcar_keys"), is_remote=False),
    Call("command prune_smartcar_events", _command("prune_smartcar_events"), is_remote=False),
    Call("command prune_smartcar_readings", _command("prune_smartcar_readings"), is_remote=False),
    Call("command export_smartcar_data", _command("export_smartcar_data", "anna"), is_remote=False),
]

CALLS = [*SERVICES, *VIEWS, *ADMIN, *COMMANDS]
