"""The engines that work can be handed to. Their tasks are imported by name: a site may have neither."""

from importlib import import_module
from typing import Any

#: The extra that installs an engine, and the module with its tasks.
MODULES = {"tasks": "django_smartcar.tasks.django_tasks", "celery": "django_smartcar.tasks.celery"}


def load(name: str) -> Any:
    """The module with the tasks of this engine. Raises ImportError, which says what to type."""
    try:
        return import_module(MODULES[name])
    except ImportError as error:
        raise ImportError(f"{error}; type: pip install 'django-smartcar[{name}]'") from None
