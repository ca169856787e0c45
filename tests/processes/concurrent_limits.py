"""Several processes ask for one user at the same time. A program for `databases.run`.

Each of the ``workers`` asks as often as the ``limit`` of a day allows. The result says how often that was
granted.
"""

import logging
import multiprocessing

from django.contrib.auth import get_user_model
from django.db import connections
from django.test import override_settings

from django_smartcar.exceptions import TooManyRequests
from django_smartcar.models import Throttle
from django_smartcar.services import throttling


def main(options):
    logging.disable()  # each refusal is a warning
    user = get_user_model().objects.create(username="anna")
    connections.close_all()  # child processes must not share a connection
    context = multiprocessing.get_context("fork")
    asked, granted = context.Value("i"), context.Value("i")
    start = context.Barrier(options["workers"])
    arguments = (user, options["limit"], start, asked, granted)
    workers = [context.Process(target=work, args=arguments) for _ in range(options["workers"])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {"asked": asked.value, "granted": granted.value, "rows": Throttle.objects.count()}


def work(user, limit, start, asked, granted):
    with override_settings(SMARTCAR_USER_LIMITS={"command": f"{limit}/d"}):
        start.wait()
        for _ in range(limit):
            try:
                throttling.check(user, "command")
            except TooManyRequests:
                is_granted = 0
            else:
                is_granted = 1
            with asked.get_lock():
                asked.value += 1
                granted.value += is_granted
