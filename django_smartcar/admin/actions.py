"""Base classes of the admin: actions on many rows, with confirmation, error messages and history."""

import time
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import router
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..databases import outside_transactions
from . import search
from .imports import exceptions
from .linking import LinkingModelAdmin
from .paginator import LargeTablePaginator

#: Seconds after which an action that sends requests begins no further row: web servers end requests after 30.
MAX_ACTION_SECONDS = 20.0


class SmartcarModelAdmin(LinkingModelAdmin):
    """A ModelAdmin for rows that only this app adds and deletes, maybe millions of them."""

    class Media:
        css = {"all": ["smartcar/admin.css"]}

    paginator = LargeTablePaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    #: The maximum number of rows of an action: each may take a while.
    max_action_rows = 100

    def matches(self, word: str) -> Q:
        """Return the condition for rows that a word of a search finds, of columns with an index."""
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows; for a POST from the database that they are written to, as a replica may lag."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.using(router.db_for_write(self.model)) if request.method == "POST" else rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows that match each word; no row is found twice. ``search_fields`` only shows the box."""
        for word in search.words(search_term):
            is_forbidden = search.is_forbidden(word, request.user)
            queryset = queryset.none() if is_forbidden else queryset.filter(self.matches(word))
        return queryset, False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Forbid deletion on the model's own pages; deleting the owning user may still cascade."""
        own_pages = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        if match and (match.url_name or "").startswith(own_pages):
            return False
        return super().has_delete_permission(request, obj)

    def related(self, request: HttpRequest, field: str, model: type[Model]) -> list[str]:
        """Return the field that shows rows of another model, if the user may view these; else nothing."""
        return [field] if self.may_view(request, model) else []

    def log_changes(self, request: HttpRequest, rows: Sequence[Model], text: str) -> None:
        """Log a change in the history of each row, with one statement: `log_change` needs one for each."""
        operator: Any = request.user.pk
        LogEntry.objects.log_actions(operator, rows, CHANGE, text)

    def has_too_many(self, request: HttpRequest, queryset: QuerySet[Any]) -> bool:
        """Return whether an action has more rows than it may have, with a message to the user if it has.

        “Select all” selects every row that the list finds, even those that it does not count.
        """
        if queryset.order_by().values("pk")[: self.max_action_rows + 1].count() <= self.max_action_rows:
            return False
        text = _("Please choose at most %(count)d at once.") % {"count": self.max_action_rows}
        self.message_user(request, text, messages.WARNING)
        return True

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only the lookups of the page's own filters.

        Django allows lookups of any column in the URL, so the number of results would reveal a token, letter
        by letter: ``?refresh_token__startswith=a``.
        """
        filters = (getattr(item, "parameter_name", item) for item in self.get_list_filter(request))
        allowed = {"pk", "id", *filters}
        return lookup.split("__")[0] in allowed and bool(super().lookup_allowed(lookup, value, request))


@method_decorator(outside_transactions, name="changelist_view")
class SmartcarActionsAdmin(SmartcarModelAdmin):
    """A ModelAdmin whose actions send requests to Smartcar, row by row.

    They run outside ATOMIC_REQUESTS, so that a later failure rolls back no command record and no token.
    """

    def may(self, request: HttpRequest, verb: str) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.{verb}_{self.opts.model_name}"))

    def confirm(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        *,
        action: str,
        title: str,
        warning: str = "",
        takes_reason: bool = False,
    ) -> HttpResponse | None:
        """Return the confirmation page; None if the user has confirmed these rows, as the page lists them."""
        if self.has_too_many(request, queryset):
            return HttpResponseRedirect(request.get_full_path())
        if request.POST.get("confirmed") == "yes" and request.POST.get("select_across", "0") == "0":
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "warning": warning or _("Somebody may be in or near these cars."),
            "rows": queryset,
            "action": action,
            "takes_reason": takes_reason,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/smartcar/confirm_action.html", context)

    def run(
        self, request: HttpRequest, queryset: QuerySet[Any], done: str, act: Callable[[Any], Any]
    ) -> None:
        """Call ``act`` with each row; show the outcome and log it. A failure does not stop the others.

        No further row is begun after `MAX_ACTION_SECONDS`: a message says how many are left.
        """
        if self.has_too_many(request, queryset):
            return
        rows, deadline = list(queryset), time.monotonic() + MAX_ACTION_SECONDS
        for position, row in enumerate(rows):
            if time.monotonic() > deadline:
                self._stopped(request, len(rows) - position)
                return
            named = copy(row)  # the action may reload the row, without the relations that its name needs
            try:
                act(row)
            except (exceptions.SmartcarException, exceptions.SmartcarAppError) as error:
                self.failed(request, named, done, error)
            else:
                self.log_change(request, self.logged_on(named), done)
                messages.success(request, f"{named}: {done}")

    def _stopped(self, request: HttpRequest, left: int) -> None:
        text = ngettext(
            "Smartcar takes long to answer. %(count)d is left: please choose it again.",
            "Smartcar takes long to answer. %(count)d are left: please choose them again.",
            left,
        )
        self.message_user(request, text % {"count": left}, messages.WARNING)

    def logged_on(self, row: Any) -> Any:
        """Return the object whose history an action on this row is logged in."""
        return row

    def failed(self, request: HttpRequest, row: Model, done: str, error: Exception) -> None:
        """Show why the action failed for this row, and log it in the row's history."""
        reason = exceptions.error_code(error)
        self.log_change(
            request, self.logged_on(row), _("Not %(done)s: %(reason)s") % {"done": done, "reason": reason}
        )
        link = exceptions.help_url(error)
        help_link = format_html(' <a href="{}">{}</a>', link, _("What to do")) if link else ""
        message = exceptions.user_message(error)
        messages.error(request, format_html("{}: {} ({}){}", row, message, reason, help_link))
