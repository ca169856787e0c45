"""Template tags: ``{% load smartcar %}``."""

from datetime import datetime
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from ..models import ConnectedVehicle
from ..services import readings, signals
from ..views import command_sentences, vehicle_states

register = template.Library()


@register.filter
def ago(moment: datetime) -> str:
    """Return "just now" or "31 minutes ago": ``{{ vehicle.odometer_recorded_at|ago }}``."""
    return command_sentences.since(moment)


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


@register.simple_tag(takes_context=True)
def smartcar_signal(context: template.Context, vehicle: ConnectedVehicle, name: str) -> Any:
    """Return the latest value of a signal, in the units of the vehicle::

        {% smartcar_signal vehicle "battery_level" %}                       {# 0.68 #}
        {% smartcar_signal vehicle "tires" as tires %}

    None if there is no value, or if the driver has not granted it or has disconnected. A signal that says
    where the car is or who has it is shown to the car's own user only, whoever else sees the page. Prefetch
    ``signal_states`` to show many vehicles without a query for each.
    """
    if not signals.is_shared(vehicle, name):
        return None
    if signals.is_private(name) and not _is_own(context, vehicle):
        return None
    state = vehicle.signals.get(name)
    if state is None or not state.has_value:
        return None
    return readings.in_units(state, vehicle.unit_system).value


@register.simple_tag(takes_context=True)
def smartcar_vehicle_card(context: template.Context, vehicle: ConnectedVehicle) -> str:
    """Render a vehicle's card: gauges, states and the one command that makes sense::

        {% for vehicle in vehicles %}{% smartcar_vehicle_card vehicle %}{% endfor %}

    Its buttons lead back to the page. Empty for everybody but the car's own user. Link the stylesheet
    ``smartcar/smartcar.css``, and the script ``smartcar/follow.js``: it keeps the card new. Four queries.
    """
    if not _is_own(context, vehicle):
        return ""
    request = context["request"]
    shown = vehicle_states.with_state(ConnectedVehicle.objects.filter(pk=vehicle.pk)).get()
    vehicle_states.add_state(shown, request.get_full_path())
    return render_to_string("smartcar/vehicle_card.html", {"vehicle": shown, "is_alone": True}, request)


def _is_own(context: template.Context, vehicle: ConnectedVehicle) -> bool:
    user = getattr(context.get("request"), "user", None)
    return user is not None and user.pk is not None and user.pk == vehicle.account.smartcar_user.user_id
