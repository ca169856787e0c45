"""A crowd asks for one token at once: four processes of sixteen threads, each with a row of its own.

A program for `databases.run`. It is told a refresh token, and answers what each of the crowd got, for three
tokens: an account's that has ended, the application's where there is none yet, and where it has ended.
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


def main(told):
    older, newer = make_accounts(told["refresh_token"])
    answers = {"account": crowd(older), "first application": crowd(newer)}
    ApplicationToken.objects.update(access_expires_at=timezone.now() - timedelta(seconds=1))
    answers["application"] = crowd(newer)
    return answers


def make_accounts(refresh_token):
    """One of API v2 whose access token has ended, and one of API v3."""
    user = get_user_model().objects.create(username="anna")
    owner = SmartcarUser.objects.create(id="driver-a", user=user)
    ended = timezone.now() - timedelta(seconds=1)
    stored = {"access_token": "ended", "access_expires_at": ended, "refresh_token": refresh_token}
    older = SmartcarAccount.objects.create(smartcar_user=owner, api_version="2.0", **stored)
    return older.pk, SmartcarAccount.objects.create(smartcar_user=owner, api_version="3").pk


def crowd(pk):
    """Each one's token, or error, and how many seconds that took."""
    connections.close_all()  # a connection is nothing to be inherited
    together = multiprocessing.get_context("fork")
    start, answers = together.Barrier(PROCESSES * THREADS), together.SimpleQueue()
    processes = [together.Process(target=group, args=(pk, start, answers)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    got = [answers.get() for _ in range(PROCESSES * THREADS)]
    for process in processes:
        process.join()
    return got


def group(pk, start, answers):
    threads = [threading.Thread(target=ask, args=(pk, start, answers)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask(pk, start, answers):
    account = SmartcarAccount.objects.get(pk=pk)
    start.wait()
    began = time.monotonic()
    try:
        token, error = tokens.access_token(account), None
    except Exception as failure:  # whatever it is, it is told
        token, error = None, repr(failure)
    answers.put((token, error, time.monotonic() - began))
    connections.close_all()
