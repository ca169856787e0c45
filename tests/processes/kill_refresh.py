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
MOST = 6

#: In seconds, longer than an exchange takes.
LATEST = 0.03

#: The state of a worker, in shared memory that outlives it: the account, whether it has a response, and the
#: number of its exchange.
ACCOUNT, VERSION, ANSWER, NUMBER = range(4)


def main(options):
    """Run with the tokens of each consent, how to refresh, the number of kills and the speed of the clock."""
    logging.disable(logging.WARNING)  # lost accounts are counted; stderr is for errors of this program
    _refresh_lock.LEASE /= options["speed"]
    make_accounts(options["drivers"])
    refresh = {"tokens": refresh_as_the_app_does, "save after exchange": save_after_exchange}[options["how"]]
    killed_between = sum(kill(refresh) for _ in range(options["kills"]))
    with_expired_lock = put_in_order()
    time.sleep(options["grace"] / options["speed"])
    lost = sum(not works(account) for account in SmartcarAccount.objects.all())
    versions = SmartcarAccount.objects.aggregate(Sum("token_version"))["token_version__sum"]
    return {
        "killed_between": killed_between,
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


# What runs in the killed process.


def refresh_as_the_app_does(account):
    tokens.refresh(account, wait=False)


def save_after_exchange(account):
    """As one would write it without this app; only who it is that is refreshed is the same."""
    tokens.store(account, client.auth_client().exchange_refresh_token(account.refresh_token))
    account.save(update_fields=account.TOKEN_FIELDS)


def work(refresh, hand):
    keys = list(SmartcarAccount.objects.values_list("pk", flat=True))
    while True:
        left = first_left_behind()
        account = left or SmartcarAccount.objects.get(pk=random.choice(keys))
        hand[:] = account.pk, account.token_version, False, hand[NUMBER] + 1
        with contextlib.suppress(SmartcarException, SmartcarAppError):  # who is lost is counted at the end
            refresh(account)


def first_left_behind():
    ended = SmartcarAccount.objects.refreshable().filter(refresh_lease_until__lte=timezone.now())
    return ended.order_by("refresh_lease_until").first()


def put_in_order():
    """What workers do that are not killed, until nobody is left behind; how many there were."""
    number = 0
    while SmartcarAccount.objects.refreshable().exclude(refresh_lease_until=None).exists():
        if account := first_left_behind():
            with contextlib.suppress(ReconnectRequired):
                tokens.refresh(account)
            number += 1
    return number


def works(account):
    """Whether a driver's account still gets a token, and Smartcar takes it."""
    try:
        tokens.refresh(account)
        return client.user_id(account.access_token) == account.smartcar_user_id
    except (SmartcarException, SmartcarAppError):
        return False


# Who kills it.


def kill(refresh):
    """Whether this one was killed between Smartcar's answer and the commit of what it brought."""
    connection.close()  # it is nothing to be inherited
    hand = multiprocessing.RawArray("q", 4)
    worker = os.fork()
    if worker == 0:
        try:
            note_answers(hand)
            work(refresh, hand)
        finally:
            os._exit(1)  # never on into what its parent does
    number = random.randint(1, MOST)
    wait_until(lambda: hand[NUMBER] >= number, 20)
    # The moment that matters most is short, so every other worker is killed when it comes.
    if random.choice([True, False]):
        wait_until(lambda: hand[ANSWER], 0.2)
    else:
        time.sleep(random.uniform(0, LATEST))
    os.kill(worker, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    assert os.WIFSIGNALED(status), "a worker has ended by itself"
    account, version, answer, _ = hand
    return answer and SmartcarAccount.objects.filter(pk=account, token_version=version).exists()


def note_answers(hand):
    """Put it into the worker's hand as soon as requests has one."""
    send = requests.Session.send

    def noting(*args, **kwargs):
        answer = send(*args, **kwargs)
        hand[ANSWER] = answer.ok
        return answer

    requests.Session.send = noting


def wait_until(happened, seconds):
    ends = time.monotonic() + seconds
    while not happened() and time.monotonic() < ends:
        time.sleep(0.0001)
