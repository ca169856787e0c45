"""Hold leases while other things happen. A program for `databases.run`.

Each function is a scenario, and returns what `tests/services/test_leases.py` checks. Leases are shorter than
in use, so that the scenarios take seconds.
"""

import logging
import os
import signal
import threading
import time
from contextlib import closing, contextmanager, suppress
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from django.db.backends.signals import connection_created
from django.utils import timezone

from django_smartcar.models import (
    ApplicationToken,
    ConnectedVehicle,
    SmartcarAccount,
    SmartcarUser,
    WebhookEvent,
)
from django_smartcar.services import _leases
from django_smartcar.services._leases import Lease, LeaseColumns
from django_smartcar.services.sync import _leases as sync_leases
from django_smartcar.services.webhooks import _queue

COLUMNS = LeaseColumns("refresh_lease", "refresh_lease_until")
#: A lease and the time between renewals, in seconds.
DURATION, HEARTBEAT = 1.6, 0.4
#: Seconds by which a busy machine may be late.
LATE = 3.0
LONG = timedelta(minutes=1)


class Messages(logging.Handler):
    """Collects messages; stderr is for errors of this program."""

    seen = []

    def emit(self, record):
        self.seen.append(record.getMessage())


def main(scenarios):
    real = _leases.DURATION, _leases.HEARTBEAT
    shorten(timedelta(seconds=DURATION), HEARTBEAT)
    _leases.logger.propagate = False
    _leases.logger.addHandler(Messages())
    user = get_user_model().objects.create(username="site")
    SmartcarUser.objects.create(id="driver", user=user)
    accounts = [SmartcarAccount(smartcar_user_id="driver", api_version="2.0") for _ in range(20)]
    SmartcarAccount.objects.bulk_create(accounts)
    ApplicationToken.objects.create(client_id="site")
    results = {}
    for name in scenarios:
        if name == "clocks":
            shorten(*real)
        SmartcarAccount.objects.update(refresh_lease=None, refresh_lease_until=None)
        results[name] = globals()[name]()
        wait_until(lambda: not heartbeats())
    return results


def shorten(duration, heartbeat):
    _leases.DURATION = sync_leases.DURATION = duration
    _leases.HEARTBEAT = heartbeat


def renewal():
    """Twenty leases on one table and one on another are renewed by one UPDATE each, in one thread."""
    statements, opened = [], []

    def record(sender, connection, **kwargs):
        if threading.current_thread() in heartbeats():
            connection.execute_wrappers.append(note)
            opened.append(connection)

    def note(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    connection_created.connect(record)
    leases = [take(account) for account in SmartcarAccount.objects.all()]
    leases.append(Lease(COLUMNS, ApplicationToken.objects.all(), LONG))
    leases[-1].take(ApplicationToken.objects.all())
    threads, is_held = len(heartbeats()), always(lambda: not free().exists(), 2 * DURATION)
    held = sum(lease.held.count() for lease in leases)
    for lease in leases:
        lease.close()
    connection_created.disconnect(record)
    number = sum(sql.startswith("UPDATE") for sql in statements)
    return {
        "threads": threads,
        "is_held": is_held,
        "held": held,
        "updates_per_tick_and_table": number / (len(opened) or 1),
        "is_free_in_time": within(lambda: free().count() == 20, DURATION + LATE),
        "is_thread_gone": within(lambda: not heartbeats(), HEARTBEAT + LATE),
        "is_connection_closed": all(one.connection is None for one in opened),
    }


def age():
    """A lease is renewed until its holder takes too long, unless the work goes on."""
    lease = take(max_age=timedelta(seconds=DURATION))
    seconds = seconds_until(lambda: free().filter(pk=first().pk).exists())
    SmartcarAccount.objects.update(refresh_lease=None, refresh_lease_until=None)
    lease = take(max_age=timedelta(seconds=DURATION))

    def is_held():
        lease.extend()
        return not free().filter(pk=first().pk).exists()

    is_extended = always(is_held, 3 * DURATION)
    lease.close()
    return {"seconds": seconds, "is_extended": is_extended}


def locked_row():
    """Another transaction locks the row of one lease, on SQLite the database, for longer than it lasts."""
    locked, other = SmartcarAccount.objects.order_by("pk")[:2]
    leases = [take(locked), take(other)]
    with lock_held(locked):
        is_other_held = always(lambda: not free().filter(pk=other.pk).exists(), 2 * DURATION)
    is_held_after = within(lambda: not free().filter(pk__in=[locked.pk, other.pk]).exists(), DURATION)
    for lease in leases:
        lease.close()
    return {"vendor": connection.vendor, "is_other_held": is_other_held, "is_held_after": is_held_after}


def unavailable():
    """The database refuses connections for two renewals."""
    failures, open_connection = [1, 2], _leases._own_connection

    @contextmanager
    def fail_twice(alias):
        if failures:
            raise ConnectionRefusedError(failures.pop())
        with open_connection(alias) as own:
            yield own

    Messages.seen.clear()
    _leases._own_connection = fail_twice
    lease = take()
    is_held = always(lambda: not free().filter(pk=first().pk).exists(), 2 * DURATION)
    lease.close()
    _leases._own_connection = open_connection
    return {"is_held": is_held, "messages": list(Messages.seen)}


def fork():
    """A child does not renew its parent's lease, but its own."""
    lease = take()

    def child():
        is_forgotten = not heartbeats() and not _leases._heartbeat._leases
        mine = take(SmartcarAccount.objects.order_by("pk")[1])
        is_held = always(
            lambda: mine.held.filter(refresh_lease_until__gt=timezone.now()).exists(), 2 * DURATION
        )
        os._exit(0 if is_forgotten and is_held and len(heartbeats()) == 1 else 1)

    pid = forked(child)
    lease.close()
    is_freed = within(lambda: free().filter(pk=first().pk).exists(), DURATION + LATE)
    _, status = os.waitpid(pid, 0)
    return {"is_freed_although_the_child_lives": is_freed, "child": os.waitstatus_to_exitcode(status)}


def killed():
    """A process is killed while it holds a lease."""
    pid = forked(take_and_wait)
    wait_until(lambda: first().refresh_lease is not None)
    time.sleep(DURATION)
    os.kill(pid, signal.SIGKILL)
    seconds = seconds_until(lambda: free().filter(pk=first().pk).exists())
    os.waitpid(pid, 0)
    return {"seconds": seconds}


def suspended():
    """A process is stopped, and continues after another one has taken its lease."""
    pid = forked(take_and_wait)
    wait_until(lambda: first().refresh_lease is not None)
    holder = first().refresh_lease
    os.kill(pid, signal.SIGSTOP)
    seconds = seconds_until(lambda: free().filter(pk=first().pk).exists())
    lease = take()
    os.kill(pid, signal.SIGCONT)
    is_mine = always(lambda: lease.held.exists(), 2 * DURATION)
    lease.close()
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return {"seconds": seconds, "is_mine": is_mine, "is_another": holder != lease.id}


def pool_of_one():
    """Django's pool has one connection, which this thread uses."""
    if connection.vendor != "postgresql":
        return {"is_held": True}
    connections.close_all()
    options = connection.settings_dict["OPTIONS"]
    options["pool"] = {"min_size": 1, "max_size": 1, "timeout": 1}
    lease = take()
    is_held = always(lambda: not free().filter(pk=first().pk).exists(), 2 * DURATION)
    lease.close()
    connection.close()
    connection.close_pool()
    del options["pool"]
    return {"is_held": is_held}


def clocks():
    """The clock of another machine is two seconds ahead. The last scenario: with leases as in use."""
    lease = take()
    ahead = timedelta(seconds=2)
    is_held = always(lambda: not free(timezone.now() + ahead).filter(pk=first().pk).exists(), 7)
    lease.close()
    return {"is_held": is_held}


def in_a_transaction():
    """The caller commits, after longer than a lease, the rows that it has leased."""
    with transaction.atomic():
        lease = take()
        time.sleep(2 * DURATION)
    is_held = within(lambda: not free().filter(pk=first().pk).exists(), DURATION)
    held = lease.held.count()
    lease.close()
    return {"held": held, "is_held": is_held}


def sync():
    """A page of vehicles that are read."""
    ConnectedVehicle.objects.create(account=first(), smartcar_vehicle_id="car")
    before = timezone.now()
    lease = sync_leases.SyncLease(list(ConnectedVehicle.objects.all()), before)
    is_held = always(lambda: not sync_leases.due(before).exists(), 2 * DURATION)
    lease._lease.close()  # as if the process died
    return {"is_held": is_held, "is_freed": within(lambda: sync_leases.due(before).exists(), DURATION + LATE)}


def events():
    """A batch of webhook events that is processed."""
    WebhookEvent.objects.create(event_id="event", size=2, payload="{}", key_position=1)
    (_event,), lease = _queue.lease_batch()

    def is_due():
        return WebhookEvent.objects.due(timezone.now()).exists()

    is_held = always(lambda: not is_due(), 2 * DURATION)
    lease.close()  # as if the process died
    return {"is_held": is_held, "is_freed": within(is_due, DURATION + LATE)}


# Parts of scenarios.


def first():
    return SmartcarAccount.objects.order_by("pk").first()


def take(account=None, max_age=LONG):
    rows = SmartcarAccount.objects.filter(pk=(account or first()).pk)
    lease = Lease(COLUMNS, rows, max_age)
    assert lease.take(rows.filter(COLUMNS.free(timezone.now()))) == 1
    return lease


def take_and_wait():
    take()
    time.sleep(60)


def free(now=None):
    return SmartcarAccount.objects.filter(COLUMNS.free(now or timezone.now()))


def heartbeats():
    return [thread for thread in threading.enumerate() if thread.name == "smartcar-leases"]


def forked(function):
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            function()
        os._exit(2)
    return pid


@contextmanager
def lock_held(account):
    """Lock the row of an account in another thread's transaction."""
    is_locked, end = threading.Event(), threading.Event()

    def hold():
        with closing(connection), transaction.atomic():
            SmartcarAccount.objects.filter(pk=account.pk).update(mode="live")
            is_locked.set()
            end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    is_locked.wait(60)
    try:
        yield
    finally:
        end.set()
        thread.join()


def always(condition, seconds):
    """Return whether a condition is true for so many seconds."""
    deadline = time.monotonic() + seconds
    while condition():
        if time.monotonic() > deadline:
            return True
        time.sleep(0.05)
    return False


def within(condition, seconds):
    """Return whether a condition becomes true within so many seconds."""
    return seconds_until(condition) <= seconds


def seconds_until(condition):
    started = time.monotonic()
    wait_until(condition)
    return time.monotonic() - started


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met within a minute"
        time.sleep(0.01)
