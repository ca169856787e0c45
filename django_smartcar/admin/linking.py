"""Links between the rows of the admin, for those who may view what they lead to."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import mark_safe

from .display import NOTHING

#: No page links to more rows of another model than these.
MAX_LINKS = 20


class LinkingModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A ModelAdmin whose columns and fields link to other rows.

    Django calls them with the row alone, so a list and a page are made by a copy that knows the request.
    """

    #: The request of a copy.
    request: HttpRequest

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super(LinkingModelAdmin, self._copy_for(request)).changelist_view(request, extra_context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super(LinkingModelAdmin, self._copy_for(request)).changeform_view(request, *args, **kwargs)

    def _copy_for(self, request: HttpRequest) -> Self:
        bound = copy(self)
        bound.request = request
        return bound

    def may_view(self, request: HttpRequest, model: type[Model], row: Model | None = None) -> bool:
        """Return whether the admin has pages of a model, and the operator may view them."""
        if not self.admin_site.is_registered(model):
            return False
        return bool(self.admin_site.get_model_admin(model).has_view_permission(request, row))

    def url_of(self, model: type[Model], page: str, *args: Any) -> str:
        """Return the address of a page of a model: "changelist", or "change" with a key."""
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def link(self, row: Model | None, text: Any = "") -> Any:
        """Return a link to a row's page; the text alone to those who may not view it."""
        if row is None:
            return NOTHING
        text = text or row
        if not self.may_view(self.request, type(row), row):
            return text
        return format_html('<a href="{}">{}</a>', self.url_of(type(row), "change", row.pk), text)

    def links(self, rows: QuerySet[Any]) -> Any:
        """Return links to rows, one a line, `MAX_LINKS` at most; a dash without any."""
        found = list(rows[: MAX_LINKS + 1])
        shown = format_html_join(mark_safe("<br>"), "{}", ((self.link(row),) for row in found[:MAX_LINKS]))
        return format_html("{}{}", shown or NOTHING, "…" if len(found) > MAX_LINKS else "")

    def search_url(self, model: type[Model], term: str) -> str:
        """Return the address of a list that shows what a search finds."""
        return f"{self.url_of(model, 'changelist')}?{urlencode({'q': term})}"

    def search_link(self, model: type[Model], term: str, text: Any) -> Any:
        """Return a link to what a search finds; the text alone to those who may not view that list."""
        if not self.may_view(self.request, model):
            return text
        return format_html('<a href="{}">{}</a>', self.search_url(model, term), text)
