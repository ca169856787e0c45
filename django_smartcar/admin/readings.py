from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import VehicleReading
from .actions import SmartcarModelAdmin


@admin.register(VehicleReading)
class VehicleReadingAdmin(SmartcarModelAdmin):
    """Readings of vehicles, except positions. Read-only."""

    readonly_fields = [
        "label",
        "vehicle",
        "value",
        "unit",
        "recorded_at",
        "fetched_at",
        "source",
        "is_latest",
        "is_outlier",
    ]
    fields = tuple(readonly_fields)
    list_display = tuple(readonly_fields)
    list_filter = ["is_latest", "is_outlier", "source"]
    list_select_related = ["vehicle"]
    search_help_text = _("Search by owner, make, model or kind.")
    show_full_result_count = False

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        owner = f"vehicle__account__smartcar_user__user__{get_user_model().USERNAME_FIELD}"
        return ["kind", "vehicle__make", "vehicle__model", "vehicle__smartcar_vehicle_id", owner]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(kind="location")

    @admin.display(description=_("kind"))
    def label(self, reading: VehicleReading) -> str:
        return reading.label

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
