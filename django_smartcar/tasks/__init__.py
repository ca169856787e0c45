"""Tasks for each account and for events, for engines that a site has already: one module for each."""

import contextlib

# Celery looks for an app's tasks here, and in no module below. Without Celery nobody looks.
with contextlib.suppress(ImportError):
    from . import celery  # noqa: F401
