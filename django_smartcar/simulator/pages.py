"""Render the simulator's pages with a template engine of their own, independent of the site's settings."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.backends.django import DjangoTemplates
from django.utils import translation


def render(
    request: HttpRequest, name: str, context: dict[str, Any] | None = None, status: int | None = None
) -> HttpResponse:
    """Render a template of the simulator, as Django's ``render`` does for the site's templates.

    The pages are in English: the site's translations have only some of their words.
    """
    with translation.override("en"):
        return HttpResponse(_engine().get_template(name).render(context, request), status=status)


@cache
def _engine() -> DjangoTemplates:
    folder = Path(__file__).parent / "templates"
    return DjangoTemplates({"NAME": "smartcar_simulator", "DIRS": [folder], "APP_DIRS": False, "OPTIONS": {}})
