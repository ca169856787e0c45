from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..models import VehicleReading, VehicleSignal
from . import display, search
from .actions import SmartcarModelAdmin
from .imports import signals


class SignalAdmin(SmartcarModelAdmin):
    """Signals, except those that say where a car is or who has it. Read-only.

    Their values are shown while the driver shares them.
    """

    sortable_by = ()
    search_fields = ["signal", "vehicle"]
    search_help_text = _(
        "Search by signal, by Smartcar's id of the vehicle or user, or by the beginning of a username."
    )

    def matches(self, word: str) -> Q:
        names, vehicles = search.signals_or_vehicles(word)
        return Q(vehicle_id__in=vehicles) | Q(signal__in=names)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return signals.without_private(super().get_queryset(request).select_related("vehicle"))

    @admin.display(description=_("signal"))
    def label(self, row: Any) -> str:
        return str(row.label)

    @admin.display(description=_("value"))
    def shown_value(self, row: Any) -> Any:
        is_shared = signals.is_shared(row.vehicle, row.signal)
        return display.value(row, row.vehicle.unit_system) if is_shared else _("not shared")

    @admin.display(description=_("car"))
    def car(self, row: Any) -> Any:
        return self.link(row.vehicle)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OutlierFilter(admin.SimpleListFilter):
    title = _("implausible")
    parameter_name = "is_outlier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Yes")), ("0", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[VehicleReading]) -> QuerySet[Any]:
        # Not "=": for booleans Django then writes a condition that SQLite and MariaDB use no index for.
        return queryset if self.value() is None else queryset.filter(is_outlier__in=[self.value() == "1"])


@admin.register(VehicleReading)
class VehicleReadingAdmin(SignalAdmin):
    """The history of signals."""

    readonly_fields = [
        "label",
        "car",
        "shown_value",
        "recorded_at",
        "received_at",
        "source",
    ]
    fields = tuple(readonly_fields)
    list_display = ("label", "car", "shown_value", "recorded_at")
    list_filter = [OutlierFilter]

    @admin.display(description=_("value"))
    def shown_value(self, row: VehicleReading) -> Any:
        value = super().shown_value(row)
        if not row.is_outlier:
            return value
        return format_html("{} {}", value, display.pill(_("implausible"), "warning", "warning"))


@admin.register(VehicleSignal)
class VehicleSignalAdmin(SignalAdmin):
    """The latest state of signals."""

    readonly_fields = [
        "label",
        "car",
        "shown_value",
        "state",
        "problem",
        "recorded_at",
        "received_at",
        "source",
    ]
    fields = tuple(readonly_fields)
    list_display = (
        "label",
        "car",
        "shown_value",
        "state",
        "recorded_at",
    )
    list_filter = ["status"]

    @admin.display(description=_("status"))
    def state(self, row: VehicleSignal) -> Any:
        return display.state_pill(row.status, row.get_status_display())

    @admin.display(description=_("what went wrong"))
    def problem(self, row: VehicleSignal) -> str:
        return display.problem(row.error_type, row.error_code)

    def matches(self, word: str) -> Q:
        # All statuses: the index that has the signal begins with them.
        names, vehicles = search.signals_or_vehicles(word)
        return Q(vehicle_id__in=vehicles) | Q(status__in=VehicleSignal.Status.values, signal__in=names)
