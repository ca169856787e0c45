"""Project of ``tests.site``, which imports its Celery application."""

from .celery import app as celery_app

__all__ = ["celery_app"]
