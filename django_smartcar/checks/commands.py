"""Checks of the settings for commands."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from .. import task_backends
from ..conf import conf
from .webhooks import task_backend_without_worker


def check() -> Iterator[CheckMessage]:
    mode = conf.SMARTCAR_COMMAND_EXECUTION
    if mode in task_backends.MODULES:
        try:
            task_backends.load(mode)
        except ImportError as error:
            yield Error(
                f"SMARTCAR_COMMAND_EXECUTION is {mode!r}, but its tasks cannot be imported: no command is "
                "sent.",
                hint=f"{error}.",
                id="smartcar.E051",
            )
        if mode == "tasks" and (backend := task_backend_without_worker()):
            yield CheckWarning(
                f'SMARTCAR_COMMAND_EXECUTION is "tasks", but {backend} has no worker: requests wait for the '
                "cars, or no command is sent.",
                hint='Leave SMARTCAR_COMMAND_EXECUTION out, or set TASKS = {"default": {"BACKEND": '
                '"django_tasks_db.DatabaseBackend"}} with "django_tasks_db" among INSTALLED_APPS, and run '
                "db_worker.",
                id="smartcar.W050",
            )
    elif mode not in ("thread", "command", "inline"):
        yield Error(
            f"SMARTCAR_COMMAND_EXECUTION is {mode!r}.",
            hint='Leave it out, or set it to "command" if work_smartcar_commands runs, to "tasks" or '
            '"celery" if their workers run, or to "inline" in tests.',
            id="smartcar.E050",
        )
