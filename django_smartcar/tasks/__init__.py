"""Tasks that refresh tokens, process webhook events and send commands: one module for each task backend."""

import contextlib

# Celery discovers an app's tasks in this module only. The import fails where Celery is not installed.
with contextlib.suppress(ImportError):
    from . import celery  # noqa: F401
