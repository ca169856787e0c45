"""For django.tasks (Django 6), or the package django-tasks, which is the same before it."""

from importlib import import_module

from django import VERSION

from ..services import refreshing

task = import_module("django.tasks" if VERSION >= (6, 0) else "django_tasks").task


@task
def refresh_account(pk: int, version: int) -> str:
    """Refresh the account that was found due when its token had this version.

    What fails here is handed out again by the next run of the command.
    """
    return refreshing.refresh_one(pk, version)


def enqueue(pk: int, version: int) -> None:
    refresh_account.enqueue(pk, version)
