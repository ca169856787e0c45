from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ..models import ConnectedVehicle
from ..services import commands, vehicles
from .actions import ActsOnSmartcar


class ConnectionFilter(admin.SimpleListFilter):
    title = _("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("connected", _("connected")), ("disconnected", _("disconnected"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(disconnected_at__isnull=self.value() == "connected")


@admin.register(ConnectedVehicle)
class ConnectedVehicleAdmin(ActsOnSmartcar):
    list_display = ["name", "owner", "account", "is_connected", "created_at"]
    list_filter = [ConnectionFilter, "make"]
    list_select_related = ["account__smartcar_user__user"]
    readonly_fields = [
        "name",
        "owner",
        "account",
        "smartcar_vehicle_id",
        "make",
        "model",
        "year",
        "granted",
        "odometer_recorded_at",
        "location_recorded_at",
        "created_at",
        "updated_at",
        "reauthentication_required_at",
        "disconnected_at",
    ]
    fields = (*readonly_fields, "unit_system")
    actions = ["lock", "unlock", "reread", "disconnect"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        owner = f"account__smartcar_user__user__{get_user_model().USERNAME_FIELD}"
        return ["make", "model", "smartcar_vehicle_id", owner]

    @admin.display(description=_("car"))
    def name(self, vehicle: ConnectedVehicle) -> str:
        return vehicle.name

    @admin.display(description=_("user"))
    def owner(self, vehicle: ConnectedVehicle) -> Any:
        return vehicle.user

    @admin.display(description=_("granted permissions"))
    def granted(self, vehicle: ConnectedVehicle) -> str:
        return ", ".join(vehicle.permissions)

    @admin.display(description=_("connected"), boolean=True)
    def is_connected(self, vehicle: ConnectedVehicle) -> bool:
        return vehicle.is_connected

    def has_lock_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "lock")

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "unlock")

    def has_reread_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "reread")

    def has_disconnect_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "disconnect")

    @admin.action(description=_("Lock"), permissions=["lock"])
    def lock(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        asked = self.confirm(request, queryset, action="lock", title=str(_("Lock these cars?")))
        if asked is None:
            self.run(request, queryset, str(_("locked")), self._command(request, "lock"))
        return asked

    @admin.action(description=_("Unlock"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        asked = self.confirm(request, queryset, action="unlock", title=str(_("Unlock these cars?")))
        if asked is None:
            self.run(request, queryset, str(_("unlocked")), self._command(request, "unlock"))
        return asked

    @admin.action(description=_("Re-read from Smartcar"), permissions=["reread"])
    def reread(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> None:
        self.run(request, queryset, str(_("re-read from Smartcar")), vehicles.reread)

    @admin.action(description=_("Disconnect"), permissions=["disconnect"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[ConnectedVehicle]) -> HttpResponse | None:
        asked = self.confirm(request, queryset, action="disconnect", title=str(_("Disconnect these cars?")))
        if asked is None:
            act = partial(vehicles.disconnect, actor=request.user)
            self.run(request, queryset, str(_("disconnected")), act)
        return asked

    def _command(self, request: HttpRequest, action: str) -> Any:
        return partial(commands.send, action=action, actor=request.user)
