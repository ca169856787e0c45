"""The fleet dashboard: the state of all vehicles on one page, each number linked to its list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.http import urlencode
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from ..conf import conf
from ..models import VehicleCommand
from . import locations
from .imports import fleet

#: How many cars the dashboard locates at most.
MAX_LOCATED = 200


class Figure(NamedTuple):
    """A number of the dashboard, and the list that it counts, if the operator may see that."""

    label: str
    text: str
    url: str = ""
    #: Whether somebody should look at it.
    is_alert: bool = False


class Group(NamedTuple):
    title: str
    figures: list[Figure]


def dashboard(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show the dashboard to operators with the permission ``smartcar.view_fleet``.

    A POST shows where the cars are, too, to those who may locate them.
    """
    may_locate = model_admin.has_view_permission(request) and model_admin.has_locate_permission(request)
    is_asked = request.method == "POST"
    if not request.user.has_perm("smartcar.view_fleet") or (is_asked and not may_locate):
        raise PermissionDenied
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Fleet"),
        "groups": [group(request) for group in (_vehicles, _commands, _requests, _webhooks, _tokens)],
        "may_locate": may_locate,
        "places": locations.locate(model_admin, request, fleet.located(MAX_LOCATED)) if is_asked else None,
        "max_located": MAX_LOCATED,
        "map_tiles": conf.SMARTCAR_MAP_TILES,
        "opts": model_admin.opts,
    }
    return TemplateResponse(request, "admin/smartcar/fleet.html", context)


def _vehicles(request: HttpRequest) -> Group:
    numbers = fleet.vehicles()

    def figure(label: str, number: int, *, is_alert: bool = False, **query: str) -> Figure:
        return _figure(request, "connectedvehicle", label, number, is_alert, query)

    return Group(
        _("Vehicles"),
        [
            figure(_("connected"), numbers.connected, connection="connected"),
            figure(_("with values of the last day"), numbers.fresh, connection="fresh"),
            figure(_("without values of the last day"), numbers.stale, connection="stale"),
            figure(
                _("need a login at the brand"),
                numbers.needs_login,
                is_alert=True,
                connection="needs-login",
            ),
            figure(
                _("need to be connected again"),
                numbers.needs_reconnecting,
                is_alert=True,
                connection="needs-reconnecting",
            ),
            figure(_("with a low battery"), numbers.low_battery, is_alert=True, battery="low"),
            figure(_("disconnected"), numbers.disconnected, connection="disconnected"),
        ],
    )


def _commands(request: HttpRequest) -> Group:
    since = timezone.now() - timedelta(days=1)
    numbers = fleet.commands_since(since)
    alerts = (VehicleCommand.Status.FAILED, VehicleCommand.Status.UNKNOWN)
    return Group(
        _("Commands of the last day"),
        [
            _figure(
                request,
                "vehiclecommand",
                str(status.label),
                numbers.get(status.value, 0),
                status in alerts,
                {"status__exact": status.value, "created_at__gte": since.isoformat()},
            )
            for status in VehicleCommand.Status
        ],
    )


def _requests(request: HttpRequest) -> Group:
    numbers = fleet.requests_this_month()
    return Group(
        _("Requests of this month"),
        [
            Figure(_("sent"), number_format(numbers.sent, force_grouping=True)),
            Figure(_("in the plan"), number_format(numbers.included, force_grouping=True)),
            _figure(
                request,
                "connectedvehicle",
                _("vehicles without any left"),
                numbers.exhausted,
                True,
                {"requests": "used-up"},
            ),
        ],
    )


def _webhooks(request: HttpRequest) -> Group:
    numbers = fleet.webhooks()

    def figure(label: str, number: int, *, is_alert: bool = False, **query: str) -> Figure:
        return _figure(request, "webhookevent", label, number, is_alert, query)

    lag = numbers.lag
    hour_ago = timezone.now() - timedelta(hours=1)
    found = [
        figure(_("received in the last hour"), numbers.received, received_at__gte=hour_ago.isoformat()),
        figure(_("due"), numbers.due, due="now"),
        Figure(
            _("the oldest is due since"),
            "–" if lag is None else timesince(timezone.now() - lag),
            _list_url(request, "webhookevent", {"due": "now"}),
            lag is not None and lag > timedelta(minutes=5),
        ),
        figure(_("failed"), numbers.failed, is_alert=True, state__exact="failed"),
        figure(_("dead"), numbers.dead, is_alert=True, state__exact="dead"),
    ]
    if numbers.last_refused_at is not None:
        ago = _("%s ago") % timesince(numbers.last_refused_at)
        found.append(Figure(_("last refused signature"), ago, _list_url(request, "webhookendpoint", {})))
    return Group(_("Webhooks"), found)


def _tokens(request: HttpRequest) -> Group:
    numbers = fleet.tokens()

    def figure(label: str, number: int, health: str) -> Figure:
        return _figure(request, "smartcaraccount", label, number, True, {"health": health})

    return Group(
        _("Tokens"),
        [
            _figure(
                request,
                "applicationtoken",
                _("applications whose refresh failed"),
                numbers.failed_applications,
                True,
                {"refresh": "failed"},
            ),
            figure(_("overdue"), numbers.overdue, "overdue"),
            figure(_("accounts to connect again"), numbers.needs_reconnecting, "needs-reconnecting"),
        ],
    )


def _figure(
    request: HttpRequest, model: str, label: str, number: int, is_alert: bool, query: dict[str, str]
) -> Figure:
    return Figure(label, _text(number), _list_url(request, model, query), is_alert and number > 0)


def _list_url(request: HttpRequest, model: str, query: dict[str, str]) -> str:
    """Return the URL of a filtered list; empty without the permission to see it."""
    if not request.user.has_perm(f"smartcar.view_{model}"):
        return ""
    url = reverse(f"admin:smartcar_{model}_changelist")
    return f"{url}?{urlencode(query)}" if query else url


def _text(number: int) -> str:
    if number > fleet.MAX_COUNTED:
        return _("more than %s") % number_format(fleet.MAX_COUNTED, force_grouping=True)
    return number_format(number, force_grouping=True)
