"""Template tags: ``{% load smartcar %}``."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def ago(moment: datetime) -> str:
    """Return "just now" or "31 minutes ago": ``{{ vehicle.odometer_recorded_at|ago }}``."""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%s ago") % timesince(moment)


@register.inclusion_tag("smartcar/connect_button.html", takes_context=True)
def smartcar_connect_button(
    context: template.Context,
    label: str = "",
    *,
    make: str = "",
    next: str = "",  # noqa: A002 (the name of the form field, as in Django's own login)
    css_class: str = "",
    single_select: bool = False,
) -> dict[str, Any]:
    """Render the button that connects a vehicle::

        {% smartcar_connect_button %}
        {% smartcar_connect_button "Add my Tesla" make="TESLA" next="/garage/" css_class="btn btn-primary" %}

    A POST form with one button, no JavaScript. ``make`` skips Smartcar's list of brands, ``next`` is the
    URL (of this site) to redirect to afterwards, ``single_select=True`` asks for one car only. The template
    ``smartcar/connect_button.html`` may be overridden.
    """
    return {
        "label": label or _("Connect your car"),
        "make": make,
        "next": next,
        "css_class": css_class,
        "single_select": single_select,
        "csrf_token": context.get("csrf_token"),
        "request": context.get("request"),
    }
