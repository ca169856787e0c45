"""Tasks for django.tasks (Django 6), or for its backport django-tasks on earlier versions."""

from importlib import import_module

from django import VERSION

from ..services import commands, webhooks
from ..services.tokens import bulk_refresh

task = import_module("django.tasks" if VERSION >= (6, 0) else "django_tasks").task


@task
def refresh_account(pk: int, version: int) -> str:
    """Refresh the account's token, unless it no longer has the version that was due.

    After a failure the account stays due, and the next run of the command enqueues it again.
    """
    return bulk_refresh.refresh_one(pk, version)


@task
def work_events() -> int:
    """Process the webhook events that are due; events that become due later are not waited for."""
    commands.expire_pending()
    return webhooks.process_due(webhooks.MAX_TASK_SECONDS)


@task
def work_commands() -> bool:
    """Send the next queued command to its car. Each of them enqueues one such task."""
    return commands.work()


def enqueue(pk: int, version: int) -> None:
    refresh_account.enqueue(pk, version)


def enqueue_events() -> None:
    work_events.enqueue()


def enqueue_commands() -> None:
    work_commands.enqueue()
