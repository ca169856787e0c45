from datetime import UTC
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..conf import conf
from ..models import ConnectedVehicle
from ..secret_types import storable
from ..services import commands, fleet, signals, vehicles
from ..services.webhooks import subscriptions
from . import search
from .actions import SmartcarActionsAdmin
from .fleet import dashboard


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


class SubscriptionFilter(admin.SimpleListFilter):
    title = _("webhooks")
    parameter_name = "webhooks"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("due", _("not as configured")), ("failed", _("subscription failed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> QuerySet[Any]:
        if self.value() == "due":
            return queryset.filter(pk__in=subscriptions.due())
        return queryset.exclude(webhooks_error="") if self.value() == "failed" else queryset


@admin.register(ConnectedVehicle)
class ConnectedVehicleAdmin(SmartcarActionsAdmin):
    list_display = [
        "name",
        "owner",
        "account",
        "is_connected",
        "last_seen_at",
        "requests_this_month",
        "created_at",
    ]
    list_filter = [ConnectionFilter, BatteryFilter, SubscriptionFilter, "make"]
    list_select_related = ["account__smartcar_user__user"]
    search_fields = ["make", "model", "smartcar_vehicle_id", "account"]
    search_help_text = _(
        "Search by make, model, Smartcar's id of the vehicle or user, or the beginning of a username."
    )
    readonly_fields = [
        "name",
        "owner",
        "account",
        "smartcar_vehicle_id",
        "make",
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
        month = f"{timezone.now().astimezone(UTC):%Y-%m}"
        vehicles: Any = super().get_queryset(request)
        return vehicles.with_requests(month)  # type: ignore[no-any-return]

    def matches(self, word: str) -> Q:
        owned = Q(smartcar_vehicle_id=word) | Q(account_id__in=search.accounts(word))
        return owned | search.make_and_model(word)

    @admin.display(description=_("car"))
    def name(self, vehicle: ConnectedVehicle) -> str:
        return vehicle.name

    @admin.display(description=_("user"))
    def owner(self, vehicle: ConnectedVehicle) -> Any:
        return vehicle.user

    @admin.display(description=_("granted permissions"))
    def granted(self, vehicle: ConnectedVehicle) -> str:
        return ", ".join(vehicle.permissions)

    @admin.display(description=_("requests this month"))
    def requests_this_month(self, vehicle: Any) -> str:
        return f"{vehicle.billed_requests or 0} / {conf.SMARTCAR_MONTHLY_REQUESTS}"

    @admin.display(description=_("connected"), boolean=True)
    def is_connected(self, vehicle: ConnectedVehicle) -> bool:
        return vehicle.is_connected

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
        return self._send(request, queryset, "lock", _("Lock these cars?"), _("locked"))

    @admin.action(description=_("Unlock"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        return self._send(request, queryset, "unlock", _("Unlock these cars?"), _("unlocked"))

    @admin.action(description=_("Start charging"), permissions=["charge"])
    def start_charge(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        title, done = _("Start charging these cars?"), _("asked to start charging")
        return self._send(request, queryset, "start_charge", title, done)

    @admin.action(description=_("Stop charging"), permissions=["charge"])
    def stop_charge(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        title, done = _("Stop charging these cars?"), _("asked to stop charging")
        return self._send(request, queryset, "stop_charge", title, done)

    @admin.action(description=_("Show location"), permissions=["locate"])
    def locate(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse:
        """Show the last known positions that drivers share. Each vehicle's history records who looked."""
        if self.has_too_many(request, queryset):
            return HttpResponseRedirect(request.get_full_path())
        rows = list(queryset)
        for row in rows:
            self.log_change(request, row, str(_("location viewed")))
        states = signals.latest(rows, ["location"])
        places = [(row, states[row.pk].get("location"), signals.is_shared(row, "location")) for row in rows]
        context = {**self.admin_site.each_context(request), "title": _("Locations"), "places": places}
        return TemplateResponse(request, "admin/smartcar/locations.html", {**context, "opts": self.opts})

    @admin.action(description=_("Re-read from Smartcar"), permissions=["reload"])
    def reload(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> None:
        self.run(request, queryset, str(_("re-read from Smartcar")), vehicles.reload)

    @admin.action(description=_("Disconnect"), permissions=["disconnect"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        page = self.confirm(request, queryset, action="disconnect", title=str(_("Disconnect these cars?")))
        if page is None:
            act = partial(vehicles.disconnect, actor=request.user)
            self.run(request, queryset, str(_("disconnected")), act)
        return page

    def _send(
        self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle], action: str, title: Any, done: Any
    ) -> HttpResponse | None:
        """Ask for confirmation, then send the command to all vehicles concurrently."""
        page = self.confirm(request, queryset, action=action, title=str(title), takes_reason=True)
        if page is None:
            reason = storable(request.POST.get("reason", ""))[:200]
            rows = queryset.select_related("account__smartcar_user__user")
            self.report(
                request,
                str(done),
                commands.send_many(rows, action, actor=request.user, reason=reason),
            )
        return page
