"""Doing one thing to many rows: ask first if need be, go on after a failure, write the history."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _

from ..exceptions import SmartcarAppError, SmartcarException, error_code, help_url, user_message

logger = logging.getLogger(__name__)

#: A row, and what went wrong with it, if anything did.
Outcome = tuple[Any, Exception | None]

#: How many rows a confirmed action takes: each may keep its car, and the operator, waiting.
AT_ONCE = 100


class SmartcarModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A ModelAdmin for rows that connecting makes and disconnecting ends, not people."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not here; but with the user whom the rows belong to."""
        own_pages = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        if match and (match.url_name or "").startswith(own_pages):
            return False
        return super().has_delete_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Filter by what the page offers, and nothing else.

        Django lets any column of the row be asked for in the address, and the number of results would answer
        ``?refresh_token__startswith=a``, letter by letter.
        """
        filters = (getattr(given, "parameter_name", given) for given in self.get_list_filter(request))
        offered = {"pk", "id", *filters}
        return lookup.split("__")[0] in offered and bool(super().lookup_allowed(lookup, value, request))


@method_decorator(transaction.non_atomic_requests, name="changelist_view")
class ActsOnSmartcar(SmartcarModelAdmin):
    """A ModelAdmin whose actions speak to Smartcar, row by row.

    They run outside ATOMIC_REQUESTS: a later failure must roll back no record of a command, and no token.
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
        """The page that lists the rows and asks; None once it has been answered with yes."""
        if request.POST.get("confirmed") == "yes":
            return None
        if queryset.count() > AT_ONCE:
            sentence = _("Please choose at most %(count)d at once.") % {"count": AT_ONCE}
            self.message_user(request, sentence, messages.WARNING)
            return HttpResponseRedirect(request.get_full_path())
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
        """Do ``act`` to each row. One that fails is told and written down, and the others go on."""

        def outcomes() -> Iterator[Outcome]:
            for row in queryset:
                try:
                    act(row)
                except (SmartcarException, SmartcarAppError) as error:
                    yield row, error
                else:
                    yield row, None

        self.report(request, done, outcomes())

    def report(self, request: HttpRequest, done: str, outcomes: Iterable[Outcome]) -> None:
        """Tell how it went with each row, and write it into its history."""
        for row, error in outcomes:
            if error is not None:
                self._failed(request, row, done, error)
            else:
                self.log_change(request, self.logged_on(row), done)
                messages.success(request, f"{row}: {done}")

    def logged_on(self, row: Any) -> Any:
        """Whose history an action on this row is written into."""
        return row

    def _failed(self, request: HttpRequest, row: Model, done: str, error: Exception) -> None:
        reason = error_code(error)
        self.log_change(
            request, self.logged_on(row), _("Not %(done)s: %(reason)s") % {"done": done, "reason": reason}
        )
        if not isinstance(error, (SmartcarException, SmartcarAppError)):
            logger.error("an action of the admin failed", exc_info=error)
        link = help_url(error)
        more = format_html(' <a href="{}">{}</a>', link, _("What to do")) if link else ""
        messages.error(request, format_html("{}: {} ({}){}", row, user_message(error), reason, more))
