"""Kill a process that refreshes accounts, repeatedly and at random times, and count the lost accounts.

A program for `databases.run`. A worker refreshes one account after the other and is killed with SIGKILL; the
next one starts at once. After the last kill the expired locks are refreshed, Smartcar's grace period passes,
and every account is used once more.

A worker refreshes accounts with an expired lock first: their process has died. Code that only saves after the
exchange, without a lock, cannot find them.

The simulator's clock is faster than real time, and the lease is shorter by the same factor: what matters is
its length compared with the grace period of a used refresh token.
"""

import contextlib
import logging
import multiprocessing
import os
import random
import signal
import time

import requests
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from django_smartcar.exceptions import ReconnectRequired, SmartcarAppError, SmartcarException
from django_smartcar.models import SmartcarAccount, SmartcarUser
from django_smartcar.services import client, tokens
from django_smartcar.services.tokens import _refresh_lock

#: A worker is killed in one of its first exchanges. If it were always the first, which is for an expired
#: lock, every attempt for one account would be killed until the grace period is over.
MAX_EXCHANGES = 6

#: The longest delay before a kill in seconds: longer than an exchange takes.
MAX_DELAY = 0.03

#: Indices of a worker's progress, which is in shared memory that outlives it: its account, the account's
#: version, whether the response has arrived, and the number of exchanges so far.
ACCOUNT, VERSION, RESPONSE, NUMBER = range(4)


def main(options):
    """Run with the tokens of each consent, how to refresh, the number of kills and the speed of the clock."""
    logging.disable(logging.WARNING)  # lost accounts are counted; stderr is for errors of this program
    _refresh_lock.LEASE /= options["speed"]
    make_accounts(options["drivers"])
    refresh = {"tokens": refresh_as_the_app_does, "save after exchange": save_after_exchange}[options["how"]]
    killed_before_commit = sum(kill(refresh) for _ in range(options["kills"]))
    with_expired_lock = refresh_expired_locks()
    time.sleep(options["grace"] / options["speed"])
    lost = sum(not is_usable(account) for account in SmartcarAccount.objects.all())
    versions = SmartcarAccount.objects.aggregate(Sum("token_version"))["token_version__sum"]
    return {
        "killed_before_commit": killed_before_commit,
        "with_expired_lock": with_expired_lock,
        "lost": lost,
        "versions": versions,
    }


def make_accounts(drivers):
    user = get_user_model().objects.create(username="site")
    SmartcarUser.objects.bulk_create(SmartcarUser(id=driver["user_id"], user=user) for driver in drivers)
    SmartcarAccount.objects.bulk_create(
        SmartcarAccount(
            smartcar_user_id=driver["user_id"],
            api_version="2.0",
            access_token=driver["access_token"],
            refresh_token=driver["refresh_token"],
        )
        for driver in drivers
    )


# The worker.


def refresh_as_the_app_does(account):
    tokens.refresh(account, wait=False)


def save_after_exchange(account):
    """Refresh as a site without this app might: exchange first, then save, without a lock."""
    tokens.store(account, client.auth_client().exchange_refresh_token(account.refresh_token))
    account.save(update_fields=account.TOKEN_FIELDS)


def work(refresh, progress):
    keys = list(SmartcarAccount.objects.values_list("pk", flat=True))
    while True:
        account = first_with_expired_lock() or SmartcarAccount.objects.get(pk=random.choice(keys))
        progress[:] = account.pk, account.token_version, False, progress[NUMBER] + 1
        with contextlib.suppress(SmartcarException, SmartcarAppError):  # lost accounts are counted at the end
            refresh(account)


def first_with_expired_lock():
    ended = SmartcarAccount.objects.refreshable().filter(refresh_lease_until__lte=timezone.now())
    return ended.order_by("refresh_lease_until").first()


def refresh_expired_locks():
    """Refresh accounts until none is locked, as the next workers would. Return the number of accounts."""
    number = 0
    while SmartcarAccount.objects.refreshable().exclude(refresh_lease_until=None).exists():
        if account := first_with_expired_lock():
            with contextlib.suppress(ReconnectRequired):
                tokens.refresh(account)
            number += 1
    return number


def is_usable(account):
    """Return whether the account can be refreshed and Smartcar accepts its new token."""
    try:
        tokens.refresh(account)
        return client.user_id(account.access_token) == account.smartcar_user_id
    except (SmartcarException, SmartcarAppError):
        return False


# The process that kills workers.


def kill(refresh):
    """Start a worker and kill it. Return whether it had a response that was not committed."""
    connection.close()  # child processes must not share a connection
    progress = multiprocessing.RawArray("q", 4)
    worker = os.fork()
    if worker == 0:
        try:
            record_responses(progress)
            work(refresh, progress)
        finally:
            os._exit(1)  # never continue with the parent's code
    number = random.randint(1, MAX_EXCHANGES)
    wait_until(lambda: progress[NUMBER] >= number, 20)
    # The time between response and commit is short, so half of the workers are killed exactly then.
    if random.choice([True, False]):
        wait_until(lambda: progress[RESPONSE], 0.2)
    else:
        time.sleep(random.uniform(0, MAX_DELAY))
    os.kill(worker, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    assert os.WIFSIGNALED(status), "the worker ended before it was killed"
    account, version, has_response, _ = progress
    return has_response and SmartcarAccount.objects.filter(pk=account, token_version=version).exists()


def record_responses(progress):
    """Record a response in the worker's progress as soon as requests returns it."""
    send = requests.Session.send

    def send_and_record(*args, **kwargs):
        response = send(*args, **kwargs)
        progress[RESPONSE] = response.ok
        return response

    requests.Session.send = send_and_record


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.0001)
