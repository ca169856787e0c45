from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..models import VehicleCommand
from . import display, search
from .actions import SmartcarModelAdmin


@admin.register(VehicleCommand)
class VehicleCommandAdmin(SmartcarModelAdmin):
    """The log of commands: who sent which command to which vehicle, and its outcome. Read-only.

    It has refreshes and disconnects, too.
    """

    list_display = ["created_at", "what", "car", "sender", "result"]
    list_filter = ["action", "status", "created_at"]
    sortable_by = ["created_at"]
    search_fields = ["request_id", "reason", "vehicle", "actor"]
    search_help_text = _(
        "Search by Smartcar's id of the request, vehicle or user, by the beginning of a username, "
        "or by reason."
    )
    readonly_fields = [
        "car",
        "what",
        "told",
        "outcome",
        "sender",
        "reason",
        "problem",
        "help_url",
        "request_id",
        "created_at",
        "sent_at",
        "finished_at",
        "resolved_at",
    ]
    fields = tuple(readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[VehicleCommand]:
        commands: QuerySet[VehicleCommand] = super().get_queryset(request)
        return commands.select_related("vehicle", "actor")

    @admin.display(description=_("command"))
    def what(self, command: VehicleCommand) -> str:
        return capfirst(command.get_action_display())

    @admin.display(description=_("parameters"))
    def told(self, command: VehicleCommand) -> str:
        return display.parameters(command.parameters)

    @admin.display(description=_("car"))
    def car(self, command: VehicleCommand) -> Any:
        return self.link(command.vehicle)

    @admin.display(description=_("status"))
    def outcome(self, command: VehicleCommand) -> Any:
        return display.state_pill(command.status, command.get_status_display())

    @admin.display(description=_("status"))
    def result(self, command: VehicleCommand) -> Any:
        if not command.error_type:
            return self.outcome(command)
        return format_html("{}<br>{}", self.outcome(command), self.problem(command))

    @admin.display(description=_("sent by"))
    def sender(self, command: VehicleCommand) -> Any:
        return self.link(command.actor)

    @admin.display(description=_("what went wrong"))
    def problem(self, command: VehicleCommand) -> Any:
        return display.problem(command.error_type, command.error_code)

    def matches(self, word: str) -> Q:
        # Most commands have no reason: the comparison with "" leaves the index only those that do.
        reason = Q(reason__gt="", reason__icontains=word)
        owned, sent = Q(vehicle_id__in=search.vehicles(word)), Q(actor_id__in=search.users(word))
        return Q(request_id=word) | reason | owned | sent

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
