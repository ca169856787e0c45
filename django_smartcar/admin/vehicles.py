from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..conf import conf
from ..models import ConnectedVehicle, VehicleCommand, VehicleSignal, make_as_written, named_permissions
from ..secret_types import storable
from . import display, locations, search
from .accounts import brand_of
from .actions import SmartcarActionsAdmin
from .fleet import dashboard
from .imports import commands, exceptions, fleet, signals, subscriptions
from .vehicle_page import vehicle_page

#: The signals with a column in the list.
LISTED = ("battery_level", "is_locked")


class ConnectionFilter(admin.SimpleListFilter):
    title = _("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("connected", _("connected")),
            ("fresh", _("with values of the last day")),
            ("stale", _("without values of the last day")),
            ("needs-login", _("needs a login at the brand")),
            ("needs-reconnecting", _("needs to be connected again")),
            ("disconnected", _("disconnected")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> QuerySet[Any]:
        rows_of = {
            "connected": ConnectedVehicle.objects.connected,
            "fresh": fleet.fresh,
            "stale": fleet.stale,
            "needs-login": fleet.needs_login,
            "needs-reconnecting": fleet.needs_reconnecting,
            "disconnected": fleet.disconnected,
        }.get(self.value() or "")
        return queryset if rows_of is None else queryset.filter(pk__in=rows_of().order_by())


class BatteryFilter(admin.SimpleListFilter):
    title = _("battery")
    parameter_name = "battery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("low", _("low"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> QuerySet[Any]:
        return queryset.filter(pk__in=fleet.low_battery().order_by()) if self.value() == "low" else queryset


class RequestsFilter(admin.SimpleListFilter):
    title = _("requests this month")
    parameter_name = "requests"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("used-up", _("none left"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> QuerySet[Any]:
        return queryset.filter(pk__in=fleet.exhausted().order_by()) if self.value() == "used-up" else queryset


class SubscriptionFilter(admin.SimpleListFilter):
    title = _("webhooks")
    parameter_name = "webhooks"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("due", _("not as configured")), ("failed", _("subscription failed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> QuerySet[Any]:
        if self.value() == "due":
            return queryset.filter(pk__in=subscriptions.due())
        return queryset.exclude(webhooks_error="") if self.value() == "failed" else queryset


class MakeFilter(admin.SimpleListFilter):
    title = _("make")
    parameter_name = "make"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        makes = ConnectedVehicle.objects.exclude(make="").order_by("make").values_list("make", flat=True)
        return [(make, make_as_written(make)) for make in makes.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> QuerySet[Any]:
        return queryset.filter(make=self.value()) if self.value() else queryset


def _shared_state(vehicle: Any, name: str) -> VehicleSignal | None:
    """Return the state of a listed signal, if the driver shares it now."""
    if not signals.is_shared(vehicle, name):
        return None
    return next((state.current() for state in vehicle.listed_states if state.signal == name), None)


@admin.register(ConnectedVehicle)
class ConnectedVehicleAdmin(SmartcarActionsAdmin):
    list_display = [
        "name",
        "condition",
        "battery",
        "lock_state",
        "owner",
        "requests_this_month",
    ]
    list_filter = [ConnectionFilter, BatteryFilter, RequestsFilter, SubscriptionFilter, MakeFilter]
    list_select_related = ["account__smartcar_user__user"]
    search_fields = ["make", "model", "smartcar_vehicle_id", "account"]
    search_help_text = _(
        "Search by make, model, Smartcar's id of the vehicle or user, or the beginning of a username."
    )
    readonly_fields = [
        "name",
        "health",
        "owner",
        "grant",
        "smartcar_vehicle_id",
        "brand",
        "model",
        "year",
        "granted",
        "last_seen_at",
        "created_at",
        "updated_at",
        "requests_this_month",
        "reauthentication_required_at",
        "webhooks",
        "webhooks_error",
        "disconnected_at",
    ]
    fields = (*readonly_fields, "unit_system")
    actions = ["lock", "unlock", "start_charge", "stop_charge", "locate", "reload", "disconnect"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(partial(dashboard, self))
        return [path("fleet/", view, name="smartcar_fleet"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConnectedVehicle]:
        vehicles: Any = super().get_queryset(request)
        shown = VehicleSignal.objects.filter(signal__in=LISTED)
        states = Prefetch("signal_states", shown, to_attr="listed_states")
        named = vehicles.annotate(account_brand=brand_of("account"))
        return fleet.with_requests(named).prefetch_related(states)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if vehicle := kwargs.get("obj"):
            period = request.GET.get("period", "")
            context["page"] = vehicle_page(self, request, vehicle, period)
        return super().render_change_form(request, context, *args, **kwargs)

    def matches(self, word: str) -> Q:
        owned = Q(smartcar_vehicle_id=word) | Q(account_id__in=search.accounts(word))
        return owned | search.make_and_model(word)

    @admin.display(description=_("car"))
    def name(self, vehicle: ConnectedVehicle) -> str:
        return vehicle.name

    @admin.display(description=_("health"))
    def health(self, vehicle: ConnectedVehicle) -> Any:
        health = fleet.health_of(vehicle)
        return display.state_pill(health, health.label)

    @admin.display(description=_("battery"))
    def battery(self, vehicle: Any) -> Any:
        state = _shared_state(vehicle, "battery_level")
        if state is None or not display.is_number(state.value):
            return display.NOTHING
        color = "bad" if state.value < fleet.LOW_BATTERY else ""
        return display.pill(display.with_unit(state.value, "fraction"), color, "battery")

    @admin.display(description=_("doors"))
    def lock_state(self, vehicle: Any) -> Any:
        state = _shared_state(vehicle, "is_locked")
        if state is None or state.value is None:
            return display.NOTHING
        color, icon = ("good", "lock") if state.value else ("warning", "door")
        return display.pill(display.value(state, vehicle.unit_system), color, icon)

    @admin.display(description=_("last seen"), ordering="last_seen_at")
    def condition(self, vehicle: ConnectedVehicle) -> Any:
        return format_html("{}<br>{}", self.health(vehicle), display.ago(vehicle.last_seen_at))

    @admin.display(description=_("user"))
    def owner(self, vehicle: ConnectedVehicle) -> Any:
        return self.link(vehicle.user)

    @admin.display(description=_("account"))
    def grant(self, vehicle: Any) -> Any:
        account = vehicle.account
        return self.link(account, account.named_with(vehicle.account_brand))

    @admin.display(description=_("make"))
    def brand(self, vehicle: ConnectedVehicle) -> str:
        return make_as_written(vehicle.make)

    @admin.display(description=_("granted permissions"))
    def granted(self, vehicle: ConnectedVehicle) -> str:
        named = ((name, code) for code, name in named_permissions(vehicle.permissions))
        return format_html_join(mark_safe("<br>"), "{} <code>{}</code>", named) or display.NOTHING

    @admin.display(description=_("requests this month"))
    def requests_this_month(self, vehicle: Any) -> str:
        return f"{vehicle.billed_requests or 0} / {conf.SMARTCAR_MONTHLY_REQUESTS}"

    def has_lock_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "lock")

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "unlock")

    def has_charge_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "charge")

    def has_locate_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "locate")

    def has_reload_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "reload")

    def has_disconnect_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "disconnect")

    @admin.action(description=_("Lock"), permissions=["lock"])
    def lock(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        return self._send(request, queryset, "lock", _("Lock these cars?"))

    @admin.action(description=_("Unlock"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        return self._send(request, queryset, "unlock", _("Unlock these cars?"))

    @admin.action(description=_("Start charging"), permissions=["charge"])
    def start_charge(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        return self._send(request, queryset, "start_charge", _("Start charging these cars?"))

    @admin.action(description=_("Stop charging"), permissions=["charge"])
    def stop_charge(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        return self._send(request, queryset, "stop_charge", _("Stop charging these cars?"))

    @admin.action(description=_("Show location"), permissions=["locate"])
    def locate(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse:
        """Show the last known positions that drivers share. Each vehicle's history records who looked."""
        if self.has_too_many(request, queryset):
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": _("Locations"),
            "places": locations.locate(self, request, queryset),
            "map_tiles": conf.SMARTCAR_MAP_TILES,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/smartcar/locations.html", context)

    @admin.action(description=_("Re-read from Smartcar"), permissions=["reload"])
    def reload(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> None:
        if not self.has_too_many(request, queryset):
            self._enqueue(request, queryset, "reload")

    @admin.action(description=_("Disconnect"), permissions=["disconnect"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        page = self.confirm(request, queryset, action="disconnect", title=str(_("Disconnect these cars?")))
        if page is None:
            self._enqueue(request, queryset, "disconnect")
        return page

    def _send(
        self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle], action: str, title: Any
    ) -> HttpResponse | None:
        """Ask for confirmation, then queue the command for each vehicle."""
        page = self.confirm(request, queryset, action=action, title=str(title), takes_reason=True)
        if page is None:
            self._enqueue(request, queryset, action, storable(request.POST.get("reason", ""))[:200])
        return page

    def _enqueue(
        self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle], action: str, reason: str = ""
    ) -> None:
        """Queue the command for each vehicle. Say how many there are, and which vehicles are refused."""
        done = _("queued: %s") % VehicleCommand.Action(action).label
        number = 0
        for row in queryset.select_related("account__smartcar_user__user"):
            try:
                commands.enqueue(row, action, actor=request.user, reason=reason)
            except (exceptions.SmartcarException, exceptions.SmartcarAppError) as error:
                self.failed(request, row, done, error)
            else:
                self.log_change(request, row, done)
                number += 1
        if number:
            text = ngettext("%(count)d command is queued.", "%(count)d commands are queued.", number)
            log = reverse("admin:smartcar_vehiclecommand_changelist", current_app=self.admin_site.name)
            link = format_html(' <a href="{}">{}</a>', log, _("See the vehicle commands"))
            may_see = request.user.has_perm("smartcar.view_vehiclecommand")
            messages.success(request, format_html("{}{}", text % {"count": number}, link if may_see else ""))
