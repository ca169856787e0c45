"""Four processes of sixteen threads need one token at the same time, each with an instance of its own.

A program for `databases.run`. Its option is a refresh token. It returns the result of each thread for three
tokens: an account's that has expired, the application's first one, and the application's after it expired.
"""

import multiprocessing
import threading
import time
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone

from django_smartcar.models import ApplicationToken, SmartcarAccount, SmartcarUser
from django_smartcar.services import tokens

PROCESSES, THREADS = 4, 16


def main(options):
    older, newer = make_accounts(options["refresh_token"])
    results = {"account": refresh_in_all_threads(older), "first application": refresh_in_all_threads(newer)}
    ApplicationToken.objects.update(access_expires_at=timezone.now() - timedelta(seconds=1))
    results["application"] = refresh_in_all_threads(newer)
    return results


def make_accounts(refresh_token):
    """Create an account of API v2 whose access token has expired, and one of API v3."""
    user = get_user_model().objects.create(username="anna")
    owner = SmartcarUser.objects.create(id="driver-a", user=user)
    ended = timezone.now() - timedelta(seconds=1)
    stored = {"access_token": "ended", "access_expires_at": ended, "refresh_token": refresh_token}
    older = SmartcarAccount.objects.create(smartcar_user=owner, api_version="2.0", **stored)
    return older.pk, SmartcarAccount.objects.create(smartcar_user=owner, api_version="3").pk


def refresh_in_all_threads(pk):
    """Return each thread's token or error, and the seconds that it took."""
    connections.close_all()  # child processes must not share a connection
    context = multiprocessing.get_context("fork")
    start, results_queue = context.Barrier(PROCESSES * THREADS), context.SimpleQueue()
    processes = [
        context.Process(target=run_threads, args=(pk, start, results_queue)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    results = [results_queue.get() for _ in range(PROCESSES * THREADS)]
    for process in processes:
        process.join()
    return results


def run_threads(pk, start, results_queue):
    threads = [threading.Thread(target=get_token, args=(pk, start, results_queue)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def get_token(pk, start, results_queue):
    account = SmartcarAccount.objects.get(pk=pk)
    start.wait()
    started = time.monotonic()
    try:
        token, error = tokens.access_token(account), None
    except Exception as failure:  # the test asserts that there is none
        token, error = None, repr(failure)
    results_queue.put((token, error, time.monotonic() - started))
    connections.close_all()
