"""Project of ``tests.site_processes``, which imports its Celery application."""

from .celery import app as celery_app

__all__ = ["celery_app"]
