"""For django.tasks (Django 6), or the package django-tasks, which is the same before it."""

from importlib import import_module

from django import VERSION

from ..services import webhooks
from ..services.tokens import bulk_refresh

task = import_module("django.tasks" if VERSION >= (6, 0) else "django_tasks").task


@task
def refresh_account(pk: int, version: int) -> str:
    """Refresh the account that was found due when its token had this version.

    What fails here is handed out again by the next run of the command.
    """
    return bulk_refresh.refresh_one(pk, version)


@task
def work_events() -> int:
    """Work the events that are due: handed out when one comes. It does not wait for what is not due yet."""
    return webhooks.process_due(webhooks.MAX_TASK_SECONDS)


def enqueue(pk: int, version: int) -> None:
    refresh_account.enqueue(pk, version)


def enqueue_events() -> None:
    work_events.enqueue()
