"""Checks of the settings for commands."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error

from .. import task_backends
from ..conf import conf


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
    elif mode not in ("thread", "command", "inline"):
        yield Error(
            f"SMARTCAR_COMMAND_EXECUTION is {mode!r}.",
            hint='Leave it out, or set it to "command" if work_smartcar_commands runs, to "tasks" or '
            '"celery" if their workers run, or to "inline" in tests.',
            id="smartcar.E050",
        )
