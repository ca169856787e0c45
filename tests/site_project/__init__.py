"""The project of ``tests.site``: laid out as Celery wants it, with its application imported here."""

from .celery import app as celery_app

__all__ = ["celery_app"]
