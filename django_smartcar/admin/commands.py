from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import VehicleCommand
from .actions import SmartcarModelAdmin


@admin.register(VehicleCommand)
class VehicleCommandAdmin(SmartcarModelAdmin):
    """The log of commands: who sent which command to which vehicle, and its outcome. Read-only."""

    list_display = ["created_at", "vehicle", "action", "status", "actor", "error_type", "error_code"]
    list_filter = ["action", "status", "created_at"]
    list_select_related = ["vehicle", "actor"]
    readonly_fields = [
        "vehicle",
        "action",
        "parameters",
        "status",
        "actor",
        "reason",
        "error_type",
        "error_code",
        "request_id",
        "created_at",
        "finished_at",
        "resolved_at",
        "idempotency_key",
    ]
    fields = tuple(readonly_fields)
    search_help_text = _("Search by user, reason, make, model or Smartcar request id.")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        actor = f"actor__{get_user_model().USERNAME_FIELD}"
        return [
            "request_id",
            "reason",
            "vehicle__make",
            "vehicle__model",
            "vehicle__smartcar_vehicle_id",
            actor,
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
