from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ..fields import DecryptionError
from ..models import ApplicationToken, ConnectedVehicle, SmartcarAccount, SmartcarUser
from . import display, search
from .actions import SmartcarActionsAdmin, SmartcarModelAdmin
from .imports import fleet, privacy, tokens, vehicles


@admin.register(SmartcarUser)
class SmartcarUserAdmin(SmartcarActionsAdmin):
    """Smartcar users and their local users. After erasure another local user may connect the same account."""

    list_display = ["id", "owner", "created_at"]
    search_fields = ["id", "user"]
    search_help_text = _("Search by Smartcar's id of the user, or by the beginning of a username.")
    readonly_fields = ["id", "owner", "created_at", "accounts"]
    fields = ("id", "owner", "created_at")
    actions = ["erase"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SmartcarUser]:
        return super().get_queryset(request).select_related("user")  # type: ignore[no-any-return]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*self.fields, *self.related(request, "accounts", SmartcarAccount)]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("Smartcar accounts"))
    def accounts(self, row: SmartcarUser) -> Any:
        return self.links(_named(row.accounts.all()))

    @admin.display(description=_("user"), ordering="user")
    def owner(self, row: SmartcarUser) -> Any:
        return self.link(row.user)

    def matches(self, word: str) -> Q:
        return Q(pk=word) | Q(user_id__in=search.users(word))

    def logged_on(self, row: SmartcarUser) -> Any:
        """Return the local user, so that the admin log keeps nothing of the erased row."""
        return row.user

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "erase")

    @admin.action(description=_("Erase at Smartcar and here"), permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[SmartcarUser]) -> HttpResponse | None:
        title = str(_("Erase these Smartcar users?"))
        warning = str(
            _(
                "Their cars and all records of them are deleted, too, at Smartcar and here. "
                "This cannot be undone."
            )
        )
        page = self.confirm(request, queryset, action="erase", title=title, warning=warning)
        if page is None:
            self.run(
                request, queryset, str(_("erased")), partial(privacy.erase_smartcar_user, actor=request.user)
            )
        return page


class RefreshFilter(admin.SimpleListFilter):
    title = _("last refresh")
    parameter_name = "refresh"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("failed", _("failed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApplicationToken]) -> QuerySet[Any]:
        return queryset.filter(pk__in=fleet.failed_applications()) if self.value() == "failed" else queryset


@admin.register(ApplicationToken)
class ApplicationTokenAdmin(SmartcarModelAdmin):
    """The application tokens of API v3: when they expire, and why a refresh failed."""

    fields = ("client_id", "access_expires_at", "refreshed_at", "refresh_error")
    list_display = fields
    list_filter = [RefreshFilter]
    readonly_fields = fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _named(accounts: QuerySet[SmartcarAccount]) -> QuerySet[SmartcarAccount]:
    """Load what the name of an account is made of."""
    return accounts.select_related("smartcar_user__user").annotate(brand=brand_of("pk"))


def brand_of(account: str) -> Subquery:
    """Return the make of the cars of an account, if all have the same: it may have several brands."""
    vehicles = ConnectedVehicle.objects.filter(account=OuterRef(account)).exclude(make="")
    makes = vehicles.order_by().values("account").annotate(first=Min("make"), last=Max("make"))
    return Subquery(makes.filter(first=F("last")).values("first"))


class HealthFilter(admin.SimpleListFilter):
    title = _("health")
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("good", _("good")),
            ("needs-reconnecting", _("needs reconnecting")),
            ("overdue", _("token overdue")),
            ("disconnected", _("disconnected")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SmartcarAccount]) -> QuerySet[Any]:
        has_vehicles = Q(Exists(_connected()), api_version=SmartcarAccount.ApiVersion.V3)
        has_tokens = Q(api_version=SmartcarAccount.ApiVersion.V2) & ~Q(refresh_token="")
        is_usable = has_vehicles | has_tokens
        if self.value() == "good":
            return queryset.filter(is_usable, reconnect_required_at=None)
        if self.value() == "needs-reconnecting":
            return queryset.exclude(reconnect_required_at=None)
        if self.value() == "overdue":
            return queryset.filter(pk__in=fleet.overdue().order_by())
        if self.value() == "disconnected":
            return queryset.filter(~is_usable, reconnect_required_at=None)
        return queryset


def _connected() -> QuerySet[ConnectedVehicle]:
    return ConnectedVehicle.objects.connected().filter(account=OuterRef("pk"))  # type: ignore[no-any-return]


@admin.register(SmartcarAccount)
class SmartcarAccountAdmin(SmartcarActionsAdmin):
    list_display = [
        "name",
        "health",
        "vehicle_count",
        "mode",
        "api_version",
        "created_at",
    ]
    list_filter = [HealthFilter, "api_version", "mode"]
    sortable_by = ["api_version", "mode", "created_at"]
    search_fields = ["smartcar_user"]
    search_help_text = _("Search by Smartcar's id of the user, or by the beginning of a username.")
    readonly_fields = [
        "owner",
        "smartcar_user_id",
        "api_version",
        "mode",
        "health",
        "access_expires_at",
        "refresh_expires_at",
        "refreshed_at",
        "refresh_error",
        "reconnect_required_at",
        "created_at",
        "updated_at",
        "cars",
        "grantor",
    ]
    fields = tuple(readonly_fields[:-2])
    actions = ["refresh_tokens", "reload"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        cars = self.related(request, "cars", ConnectedVehicle)
        return [*cars, *self.fields, *self.related(request, "grantor", SmartcarUser)]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SmartcarAccount]:
        # A subquery, which only the rows of a page run: a join would group all accounts first.
        numbers = _connected().order_by().values("account").annotate(number=Count("pk")).values("number")
        accounts: QuerySet[SmartcarAccount] = super().get_queryset(request)
        return _named(accounts).annotate(connected_vehicles=Coalesce(Subquery(numbers), 0))

    def matches(self, word: str) -> Q:
        return Q(pk__in=search.accounts(word))

    @admin.display(description=_("account"))
    def name(self, account: SmartcarAccount) -> str:
        return str(account)

    @admin.display(description=_("user"))
    def owner(self, account: SmartcarAccount) -> Any:
        return self.link(account.user)

    @admin.display(description=_("Smartcar user id"), ordering="smartcar_user_id")
    def smartcar_user_id(self, account: SmartcarAccount) -> str:
        return account.smartcar_user_id

    @admin.display(description=_("cars"))
    def cars(self, account: SmartcarAccount) -> Any:
        return self.links(account.vehicles.all())

    @admin.display(description=_("Smartcar user"))
    def grantor(self, account: SmartcarAccount) -> Any:
        return self.link(account.smartcar_user)

    @admin.display(description=_("connected cars"))
    def vehicle_count(self, account: Any) -> int:
        return int(account.connected_vehicles)

    @admin.display(description=_("health"))
    def health(self, account: Any) -> Any:
        color, text = self._health(account)
        return display.pill(text, color, display.ICONS.get(color, ""))

    def _health(self, account: Any) -> tuple[str, Any]:
        """Return the health of an account in words, with its color."""
        if account.reconnect_required_at is not None:
            return "bad", _("needs reconnecting")
        if account.uses_v3:
            return ("good", _("good")) if account.connected_vehicles else ("", _("disconnected"))
        try:
            if not account.refresh_token:
                return "", _("disconnected")
        except DecryptionError:
            return "bad", _("tokens cannot be decrypted")
        if account.access_expires_within(timedelta(0)):
            return "warning", _("refresh due")
        return "good", _("good")

    def has_refresh_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "refresh")

    @admin.action(description=_("Refresh tokens"), permissions=["refresh"])
    def refresh_tokens(self, request: HttpRequest, queryset: QuerySet[SmartcarAccount]) -> None:
        self.run(request, queryset, str(_("tokens refreshed")), tokens.refresh)

    @admin.action(description=_("Re-read cars from Smartcar"), permissions=["refresh"])
    def reload(self, request: HttpRequest, queryset: QuerySet[SmartcarAccount]) -> None:
        self.run(request, queryset, str(_("re-read from Smartcar")), vehicles.sync)
