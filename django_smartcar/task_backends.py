"""The task backends. Their tasks are imported by name, because a site may have neither installed."""

from importlib import import_module
from typing import Any

#: The extra that installs a backend, and the module with its tasks.
MODULES = {"tasks": "django_smartcar.tasks.django_tasks", "celery": "django_smartcar.tasks.celery"}


def load(name: str) -> Any:
    """Return the module with the backend's tasks. Raises ImportError, which says what to install."""
    try:
        return import_module(MODULES[name])
    except ImportError as error:
        raise ImportError(f"{error}; run: pip install 'django-smartcar[{name}]'") from None
