import json
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
import responses
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser
from django_smartcar.services import commands, migration, tokens, vehicles
from django_smartcar.simulator import store

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)]

#: Why an account stays on API v2.
NOT_CONNECTED = "it is no longer connected at Smartcar, or shares a vehicle with another driver"
OTHER_CONNECTIONS = "the connections of its vehicles in API v3 are not those of API v2"


def run(*options):
    out = StringIO()
    try:
        call_command("migrate_smartcar_accounts", *options, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue().splitlines(), str(error)
    return out.getvalue().splitlines(), None


@pytest.fixture
def account(connect_driver):
    """Create an account of API v2 with two vehicles."""
    return connect_driver("2-vehicles@smartcar.com").account


@pytest.fixture
def v2_account(account, smartcar, settings):
    """Return an account of API v2 on a site that uses API v3."""
    smartcar.point(settings, "3")
    return account


@pytest.fixture
def v2_connection(settings, smartcar, v2_account):
    """Mock the connections of API v2, with another user id than in API v3."""
    connection = SimpleNamespace(connected_at=store.grants()[0].connected_at)
    settings.SMARTCAR_MANAGEMENT_URL = "https://management.smartcar.com"

    def respond(request):
        vehicle_id = request.params["vehicle_id"]
        connected_at = connection.connected_at.isoformat()
        connections = [{"vehicleId": vehicle_id, "userId": "v2-user-id", "connectedAt": connected_at}]
        return 200, {}, json.dumps({"connections": connections, "paging": {"cursor": None}})

    url = "https://management.smartcar.com/v2.0/management/connections"
    with responses.RequestsMock() as mock:
        mock.add_passthru(smartcar.url)
        mock.add_callback("GET", url, respond, content_type="application/json")
        yield connection


def rows():
    return [
        list(model.objects.order_by("pk").values())
        for model in (SmartcarAccount, ConnectedVehicle, SmartcarUser)
    ]


def versions():
    return list(SmartcarAccount.objects.order_by("pk").values_list("api_version", flat=True))


def test_a_dry_run_prints_what_would_be_done_and_changes_nothing(v2_account):
    before = rows()
    lines, error = run()
    assert lines == [
        f"{v2_account}: would be migrated, with 2 vehicles",
        "1 would be migrated, 0 not migrated",
        "Nothing has been changed. Run the command again with --apply.",
    ]
    assert error is None
    assert rows() == before


def test_an_account_is_migrated_in_place_without_a_new_login(v2_account, anna):
    cars = list(ConnectedVehicle.objects.order_by("pk").values_list("pk", flat=True))
    lines, error = run("--apply")
    assert (lines, error) == (
        [f"{v2_account}: migrated, with 2 vehicles", "1 migrated, 0 not migrated"],
        None,
    )
    assert versions() == ["3"]
    assert list(ConnectedVehicle.objects.order_by("pk").values_list("pk", flat=True)) == cars
    vehicle = ConnectedVehicle.objects.for_user(anna).connected().first()
    exchanges = store.counters["refreshes"]
    vehicles.odometer(vehicle)
    assert commands.send(vehicle, "lock", actor=anna).status == "succeeded"
    assert store.counters["refreshes"] == exchanges
    assert store.counters["application_tokens"] == 1


def test_the_command_can_be_run_again(v2_account):
    run("--apply")
    assert run("--apply") == (["0 migrated, 0 not migrated"], None)


def test_a_migrated_account_keeps_its_tokens_and_can_be_rolled_back(v2_account, anna):
    run("--apply")
    assert run("--back")[0][0] == f"{v2_account}: would be rolled back"
    assert versions() == ["3"]
    assert run("--back", "--apply") == (
        [f"{v2_account}: rolled back", "1 rolled back, 0 not rolled back"],
        None,
    )
    assert versions() == ["2.0"]
    vehicle = ConnectedVehicle.objects.for_user(anna).connected().first()
    vehicles.odometer(vehicle)
    token = tokens.access_token(SmartcarAccount.objects.get())
    assert token in store.state().access_tokens


def test_an_account_that_could_not_be_rolled_back_is_not_migrated(v2_account):
    run("--apply")
    SmartcarAccount.objects.update(refresh_expires_at=timezone.now() - timedelta(days=1))
    lines, error = run("--back", "--apply")
    assert lines == [f"{v2_account}: not rolled back (its v2 tokens have expired)"]
    assert error == "0 rolled back, 1 not rolled back"
    assert run("--delete-v2-tokens") == (
        ["1 accounts have tokens of API v2. With --apply they are deleted for good."],
        None,
    )
    run("--delete-v2-tokens", "--apply")
    assert SmartcarAccount.objects.get().refresh_token == ""
    lines, _ = run("--back", "--apply")
    assert lines == [
        f"{v2_account}: not rolled back (it has no v2 tokens, because it was connected with API v3)"
    ]
    assert versions() == ["3"]


def test_a_rollback_is_refused_if_the_tokens_do_not_cover_every_vehicle(v2_account):
    run("--apply")
    ConnectedVehicle.objects.create(
        account=v2_account, smartcar_vehicle_id="00000000-0000-4000-8000-000000000000"
    )
    lines, error = run("--back", "--apply")
    assert lines == [f"{v2_account}: not rolled back (its v2 tokens do not cover 1 of its vehicles)"]
    assert error
    assert versions() == ["3"]


def test_an_account_with_a_dead_refresh_token_works_after_migration(v2_account, anna):
    """Smartcar still lists its vehicles, so the driver need not connect again."""
    SmartcarAccount.objects.update(reconnect_required_at=timezone.now(), refresh_token="dead")
    run("--apply")
    assert not SmartcarAccount.objects.get().needs_reconnecting
    vehicles.odometer(ConnectedVehicle.objects.first())


def test_an_account_that_smartcar_no_longer_lists_is_skipped_and_the_others_are_migrated(
    v2_account, connect_driver, smartcar, bert
):
    connected = connect_driver("bert@example.com", user=bert)
    SmartcarAccount.objects.filter(pk=connected.account.pk).update(api_version="2.0")
    with store.changes() as state:
        next(iter(state.grants.values())).vehicle_ids.pop()
    lines, error = run("--apply")
    assert lines == [
        f"{v2_account}: not migrated ({NOT_CONNECTED})",
        f"{connected.account}: migrated, with 1 vehicles",
    ]
    assert error == "1 migrated, 1 not migrated"
    assert versions() == ["2.0", "3"]


def test_an_account_is_migrated_to_the_drivers_v3_user_id(v2_account, anna, v2_connection):
    """If the user id differs in API v3, it is found through the management API."""
    SmartcarAccount.objects.update(smartcar_user=SmartcarUser.objects.create(id="v2-user-id", user=anna))
    v3_user_id = store.owner("2-vehicles@smartcar.com").id
    run("--apply")
    account = SmartcarAccount.objects.get()
    assert (account.api_version, account.smartcar_user_id, account.user) == ("3", v3_user_id, anna)
    vehicles.odometer(ConnectedVehicle.objects.first())


def test_a_user_id_of_another_local_user_is_refused(v2_account, anna, bert, v2_connection):
    v3_user_id = store.owner("2-vehicles@smartcar.com").id
    SmartcarAccount.objects.update(smartcar_user=SmartcarUser.objects.create(id="v2-user-id", user=anna))
    SmartcarUser.objects.filter(pk=v3_user_id).update(user=bert)
    lines, _ = run("--apply")
    assert lines == [
        f"{v2_account}: not migrated (its driver's user id in API v3 belongs to another user of this site)"
    ]
    assert versions() == ["2.0"]


def test_a_v3_user_id_cannot_be_found_without_a_management_token(v2_account, settings, anna):
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    SmartcarAccount.objects.update(smartcar_user=SmartcarUser.objects.create(id="v2-user-id", user=anna))
    lines, _ = run("--apply")
    assert "setting SMARTCAR_MANAGEMENT_TOKENS helps" in lines[0]
    assert versions() == ["2.0"]


def test_two_drivers_of_one_car_are_not_mixed_up(v2_account, anna):
    """Another driver's connection of the same vehicle is not used."""
    SmartcarAccount.objects.update(smartcar_user=SmartcarUser.objects.create(id="gone", user=anna))
    lines, _ = run("--apply")
    assert lines == [f"{v2_account}: not migrated ({NOT_CONNECTED})"]


def test_no_vehicles_of_another_user_are_taken_if_the_filter_is_ignored(
    v2_account, settings, connect_driver, bert
):
    connect_driver("bert@example.com", user=bert)
    with store.changes() as state:
        state.grants[next(iter(state.grants))].vehicle_ids.clear()
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    SmartcarAccount.objects.update(api_version="2.0")
    lines, _ = run("--apply")
    assert f"{v2_account}: not migrated" in lines[0]
    assert versions() == ["2.0", "3"]


def test_the_command_needs_the_settings_of_v3(account):
    assert 'set SMARTCAR_API_VERSION = "3"' in run("--apply")[1]


def test_an_account_that_another_process_has_migrated_is_skipped(v2_account):
    found = migration.find(v2_account)
    assert migration.migrate_to_v3(v2_account, found)
    assert not migration.migrate_to_v3(v2_account, found)
    assert migration.roll_back(SmartcarAccount.objects.get())
    assert not migration.roll_back(SmartcarAccount.objects.get())


@pytest.mark.parametrize("how", ["no pair", "dead token", "2.0 is gone"])
def test_an_account_that_cannot_be_rolled_back_stays_with_v3(v2_account, settings, how):
    run("--apply")
    SmartcarAccount.objects.update(access_expires_at=timezone.now() - timedelta(hours=1))
    if how == "no pair":
        settings.SMARTCAR_V2_CLIENT_ID = settings.SMARTCAR_V2_CLIENT_SECRET = ""
        assert "not rolled back" in run("--back")[0][0], "the dry run reports it, too"
    elif how == "dead token":
        SmartcarAccount.objects.update(refresh_token="dead")
    else:
        settings.SMARTCAR_AUTH_URL = "http://127.0.0.1:9"
    lines, error = run("--back", "--apply")
    assert lines[0].startswith(f"{v2_account}: not rolled back (")
    assert error == "0 rolled back, 1 not rolled back"
    assert versions() == ["3"]
    vehicles.odometer(ConnectedVehicle.objects.first())


def test_a_driver_who_connected_with_the_v3_user_id_has_each_vehicle_once(
    v2_account, connect_driver, anna, v2_connection
):
    v3_user_id = store.owner("2-vehicles@smartcar.com").id
    SmartcarAccount.objects.update(smartcar_user=SmartcarUser.objects.create(id="v2-user-id", user=anna))
    rows_before = set(ConnectedVehicle.objects.values_list("pk", flat=True))
    SmartcarUser.objects.filter(pk=v3_user_id).delete()
    connect_driver("2-vehicles@smartcar.com")
    assert ConnectedVehicle.objects.count() == 4
    run("--apply")
    assert set(ConnectedVehicle.objects.values_list("pk", flat=True)) == rows_before
    assert SmartcarAccount.objects.get().smartcar_user_id == v3_user_id
    connect_driver("2-vehicles@smartcar.com")
    assert set(ConnectedVehicle.objects.values_list("pk", flat=True)) == rows_before


def test_another_drivers_connection_of_the_same_vehicle_does_not_count(
    v2_account, anna, settings, v2_connection
):
    """A sold vehicle: the seller is still connected in API v2, and the buyer has just connected in API v3."""
    v3_user_id = store.owner("2-vehicles@smartcar.com").id
    SmartcarAccount.objects.update(smartcar_user=SmartcarUser.objects.create(id="v2-user-id", user=anna))
    SmartcarUser.objects.filter(pk=v3_user_id).delete()
    v2_connection.connected_at -= timedelta(days=700)
    lines, _ = run("--apply")
    assert lines == [f"{v2_account}: not migrated ({OTHER_CONNECTIONS})"]
    assert not SmartcarUser.objects.filter(pk=v3_user_id).exists()


@pytest.mark.parametrize("by", ["the command", "the driver"])
def test_a_failed_refresh_in_progress_does_not_mark_a_migrated_account(
    v2_account, connect_driver, settings, mock_api, smartcar, by
):
    SmartcarAccount.objects.update(refresh_token="dead")
    settings.SMARTCAR_SIMULATOR_CODES = False
    settings.SMARTCAR_AUTH_URL = "https://auth.smartcar.com/oauth/token"
    mock_api.mock.add_passthru(smartcar.url)

    def respond(request):
        if by == "the command":
            run("--apply")
        else:
            connect_driver("2-vehicles@smartcar.com")
        return 400, {}, '{"error": "invalid_grant"}'

    mock_api.mock.add_callback("POST", settings.SMARTCAR_AUTH_URL, respond, content_type="application/json")
    assert not tokens.refresh(SmartcarAccount.objects.get()), "the error of an exchange without its lease"
    assert versions() == ["3"]
    assert SmartcarAccount.objects.get().reconnect_required_at is None
    vehicles.odometer(ConnectedVehicle.objects.first())


def test_a_single_select_grant_does_not_prevent_the_rollback_of_the_others(v2_account, connect_driver):
    connect_driver("2-vehicles@smartcar.com", single_select=True)
    SmartcarAccount.objects.update(access_expires_at=timezone.now() - timedelta(hours=1))
    assert run("--back", "--apply")[1] is None
    for vehicle in ConnectedVehicle.objects.all():
        vehicles.odometer(vehicle)


def test_the_dry_run_reports_a_user_id_that_belongs_to_another_user(v2_account, anna, bert, v2_connection):
    v3_user_id = store.owner("2-vehicles@smartcar.com").id
    SmartcarAccount.objects.update(smartcar_user=SmartcarUser.objects.create(id="v2-user-id", user=anna))
    SmartcarUser.objects.filter(pk=v3_user_id).update(user=bert)
    assert run()[0] == run("--apply")[0]


def test_another_drivers_connection_does_not_count_if_the_filter_is_ignored(
    v2_account, settings, connect_driver, bert
):
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    connect_driver("bert@example.com", user=bert)
    with store.changes() as state:
        first, second = state.grants.values()
        second.vehicle_ids += first.vehicle_ids
        first.vehicle_ids = []
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    lines, _ = run("--apply")
    assert lines[0].startswith(f"{v2_account}: not migrated (API v3 does not list its vehicles")
    assert versions() == ["2.0", "3"]
