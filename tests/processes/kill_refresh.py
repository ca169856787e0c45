"""Kill ``refresh_smartcar_tokens`` again and again, and return the tokens that are stored afterwards.

A program for `databases.run`. The command refreshes all accounts, 16 at a time. It is killed with SIGKILL
0.5 to 2.2 seconds after it has begun, and started again at once. After the last kill it runs to its end.
"""

import io
import logging
import os
import random
import signal
import time
from contextlib import suppress
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import Sum

from django_smartcar.models import SmartcarAccount, SmartcarUser
from django_smartcar.services import _leases
from django_smartcar.services.tokens import bulk_refresh

#: Seconds from the start of the command to the kill.
LIFETIME = 0.5, 2.2


def main(options):
    """Run with the tokens of each consent, the number of kills, and the seconds of a lease."""
    logging.disable(logging.CRITICAL)  # stderr is for errors of this program
    _leases.DURATION = bulk_refresh.DURATION = timedelta(seconds=options["lease"])
    make_accounts(options["drivers"])
    left_behind = LeftBehind()
    for _ in range(options["kills"]):
        kill(random.uniform(*LIFETIME))
        left_behind.count()
    for _ in range(2):  # the second time, accounts that the first one could not have refreshed
        with suppress(CommandError):
            refresh()
    accounts = SmartcarAccount.objects
    return {
        "left_behind": left_behind.number,
        "for_seconds": round(left_behind.longest),
        "versions": accounts.aggregate(Sum("token_version"))["token_version__sum"],
        "locked": accounts.exclude(refresh_lease=None).count(),
        "lost": accounts.exclude(reconnect_required_at=None).count(),
        "tokens": list(accounts.values_list("refresh_token", flat=True)),
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
            access_expires_at=driver["expires_at"],
        )
        for driver in drivers
    )


def refresh():
    call_command("refresh_smartcar_tokens", "--all", stdout=io.StringIO(), stderr=io.StringIO())


def kill(seconds):
    """Start the command and kill it after so many seconds."""
    connections.close_all()  # child processes must not share a connection
    command = os.fork()
    if command == 0:
        try:
            while True:
                with suppress(CommandError):  # lost accounts are counted at the end
                    refresh()
        finally:
            os._exit(1)  # never continue with the parent's code
    time.sleep(seconds)
    os.kill(command, signal.SIGKILL)
    _, status = os.waitpid(command, 0)
    assert os.WIFSIGNALED(status), "the command ended before it was killed"


class LeftBehind:
    """How many accounts the commands left behind, and for how many seconds until they were refreshed."""

    def __init__(self):
        self.number, self.longest = 0, 0.0
        self._since = {}

    def count(self):
        locked = SmartcarAccount.objects.exclude(refresh_lease=None)
        found, now = set(locked.values_list("pk", "token_version")), time.monotonic()
        self.number += len(found - self._since.keys())
        self._since = {key: self._since.get(key, now) for key in found}
        self.longest = max([self.longest, *(now - since for since in self._since.values())])
