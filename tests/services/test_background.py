"""Background work leaves a part of Smartcar's rate limit to drivers, and drivers may use all of it."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_smartcar import services
from django_smartcar.exceptions import RateLimited
from django_smartcar.models import RateLimit, SmartcarAccount
from django_smartcar.services import _background, commands, sync, vehicles
from django_smartcar.simulator import store
from django_smartcar.simulator.faults import rate_limits
from django_smartcar.simulator.webhooks import registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def limit(smartcar, settings):
    """Give the application a small bucket at Smartcar, and tell the site."""
    with store.changes():
        store.state().limits.bucket_size, store.state().limits.bucket_refill = 20, 1
    settings.SMARTCAR_RATE_LIMIT = (20, 1)


@pytest.fixture
def fleet(connect_driver, limit):
    """Connect 30 cars of one driver, with a full bucket afterwards."""
    with store.changes():
        store.state().limits.bucket_size = None
    connected = connect_driver("30-vehicles@smartcar.com").vehicles
    with store.changes():
        store.state().limits.bucket_size = 20
    rate_limits.reset()
    return connected


@pytest.fixture
def now():
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def run(name, *options):
    out = StringIO()
    try:
        call_command(name, *options, stdout=out)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


def use_share(version="3"):
    _background.take(version, [1] * 100)
    with pytest.raises(RateLimited):
        _background.take(version)


def due():
    return sync.due(timezone.now() - timedelta(hours=1)).count()


def test_a_sync_stops_at_the_reserve_and_says_why(fleet, now):
    output = run("sync_smartcar_vehicles")
    assert "16 read" in output
    assert "kept for drivers (SMARTCAR_RATE_LIMIT)" in output
    assert rate_limits.bucket_level() == 4
    assert due() == 14


def test_drivers_are_served_while_a_sync_has_used_its_share(fleet, now):
    run("sync_smartcar_vehicles")
    for vehicle in fleet[:3]:
        assert commands.send(vehicle, "lock").status == "succeeded"


def test_the_next_runs_read_the_rest(fleet, now):
    run("sync_smartcar_vehicles")
    assert "0 read" in run("sync_smartcar_vehicles")
    now.shift(10 * 60)
    assert "8 read" in run("sync_smartcar_vehicles")
    now.shift(10 * 60)
    output = run("sync_smartcar_vehicles")
    assert "6 read" in output
    assert "SMARTCAR_RATE_LIMIT" not in output
    assert due() == 0


def test_syncs_at_the_same_time_share_the_share(fleet, now):
    assert [_background.take("3", [1] * 10), _background.take("3", [1] * 10)] == [10, 6]
    assert "0 read" in run("sync_smartcar_vehicles")


@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_each_path_of_a_batch_counts(fleet, now):
    """As at Smartcar. The cars have eight values to read, so two of them fit into 16 requests."""
    names = [name for name in vehicles.DASHBOARD_READINGS if fleet[0].can(vehicles.PERMISSIONS[name])]
    assert f"{16 // len(names)} read" in run("sync_smartcar_vehicles")


def test_drivers_may_use_the_whole_limit(fleet, now):
    for vehicle in fleet[:20]:
        assert commands.send(vehicle, "lock").status == "succeeded"


def test_without_a_limit_all_are_read_and_nothing_is_counted(fleet, settings, now):
    settings.SMARTCAR_RATE_LIMIT = None
    with store.changes():
        store.state().limits.bucket_size = None
    assert "30 read" in run("sync_smartcar_vehicles")
    assert not RateLimit.objects.filter(key="application:3").exists()


def test_a_limit_smaller_than_one_batch_does_not_stop_the_sync_for_good(fleet, settings, now):
    settings.SMARTCAR_RATE_LIMIT = (1, 1)
    assert _background.take("2.0", [9]) == 1
    assert "1 read" in run("sync_smartcar_vehicles")


class TestOtherCommands:
    """Those that have used the share send nothing to the vehicle and management APIs."""

    @pytest.fixture
    def sent(self, smartcar):
        def sent():
            return [path for _, path in smartcar.requests if "/iam/" not in path and "/auth/" not in path]

        return sent

    def test_subscribing_stops(self, fleet, settings, sent):
        settings.SMARTCAR_WEBHOOKS = [registry.add("Mine", "https://site.example.com/cars/webhook/").id]
        with store.changes():
            store.state().limits.bucket_size = None
        use_share()
        before = sent()
        assert "0 updated, 1 failed; rate limit of the application reached" in run(
            "subscribe_smartcar_vehicles"
        )
        assert sent() == before

    def test_subscribing_uses_the_share(self, fleet, settings, now):
        settings.SMARTCAR_WEBHOOKS = [registry.add("Mine", "https://site.example.com/cars/webhook/").id]
        output = run("subscribe_smartcar_vehicles")
        assert "16 updated, 1 failed; rate limit of the application reached" in output
        assert commands.send(fleet[0], "lock").status == "succeeded"

    def test_connecting_subscribes_although_the_share_is_used(
        self, smartcar, settings, connect_driver, limit
    ):
        settings.SMARTCAR_WEBHOOKS = [registry.add("Mine", "https://site.example.com/cars/webhook/").id]
        use_share()
        connect_driver()
        assert len(registry.subscriptions()) == 1

    def test_migrating_stops(self, fleet, sent):
        SmartcarAccount.objects.update(api_version="2.0")
        use_share()
        before = sent()
        output = run("migrate_smartcar_accounts", "--apply")
        assert "0 migrated; rate limit reached: run it again later" in output
        assert sent() == before
        assert not SmartcarAccount.objects.filter(api_version="3").exists()

    def test_rolling_back_stops(self, fleet, sent):
        use_share("2.0")
        before = sent()
        assert "0 rolled back; rate limit reached" in run("migrate_smartcar_accounts", "--back", "--apply")
        assert sent() == before
        assert SmartcarAccount.objects.get().api_version == "3"

    def test_diagnostics_stop(self, smartcar, limit, sent):
        use_share()
        before = len(sent())
        output = run("check_smartcar")
        assert "Smartcar's rate limit is reached" in output
        assert not [
            path for path in sent()[before:] if path.endswith(("/vehicle-api/v3/connections", "/v3/webhooks"))
        ]


def test_the_error_says_when_to_try_again(settings, now):
    settings.SMARTCAR_RATE_LIMIT = (10, 2)
    assert _background.take("3", [1] * 20) == 8
    with pytest.raises(RateLimited) as raised:
        services.in_background(lambda token: pytest.fail("sent"))
    assert (raised.value.scope, raised.value.retry_after) == ("application", 38)  # 1.6 a minute
