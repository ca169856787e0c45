"""Renders the pages with an engine of its own, whatever the site around them has."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.backends.django import DjangoTemplates


def render(
    request: HttpRequest, name: str, context: dict[str, Any] | None = None, status: int | None = None
) -> HttpResponse:
    """As Django's own ``render``, of the templates that are here."""
    return HttpResponse(_engine().get_template(name).render(context, request), status=status)


@cache
def _engine() -> DjangoTemplates:
    folder = Path(__file__).parent / "templates"
    return DjangoTemplates({"NAME": "smartcar_simulator", "DIRS": [folder], "APP_DIRS": False, "OPTIONS": {}})
