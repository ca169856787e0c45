"""Pages of the garage with forms: what their views have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.forms import BaseForm, BoundField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from .. import store
from ..webhooks import queue
from .labels import Label

_NO_MESSAGES: Mapping[str, Label] = {}


def garage_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a page of the garage of this view: no login, as in all of the simulator, but with a CSRF check."""
    in_english = translation.override("en")(view)
    checked = csrf_protect(require_http_methods(["GET", "HEAD", "POST"])(in_english))
    return login_not_required(never_cache(checked))


class FormPage:
    """A page with several forms. A form posts its name as ``do``; one form is posted at a time.

    After a form is saved, the page is loaded again with its name as ``done``, and shows its message.
    `messages` are those of forms of other pages, whose redirect leads here.
    """

    def __init__(
        self,
        request: HttpRequest,
        forms: Mapping[str, Callable[..., Any]],
        *subject: Any,
        messages: Mapping[str, Label] = _NO_MESSAGES,
    ) -> None:
        self._request = request
        self.is_done = False
        self.status = 200
        #: What the saved form returned.
        self.result: Any = None
        # Fields of different forms can have the same name, so the form's name is part of their ids.
        self._forms = {name: form(*subject, auto_id=f"{name}-%s") for name, form in forms.items()}
        self.name = request.GET.get("done", "")
        done = messages.get(self.name) or getattr(self._forms.get(self.name), "done", "")
        if request.method == "POST":
            self.name, done = request.POST.get("do", ""), ""
            if self.name not in forms:
                raise Http404
            self._save(forms[self.name](*subject, data=request.POST, auto_id=f"{self.name}-%s"))
        self.context = {
            "forms": self._forms,
            "done": done,
            "is_refused": self.status == 400,
            "wrong_field": _first_wrong_field(self._forms.get(self.name)),
            "is_busy": queue.is_busy(),
            "now": store.now(),
        }

    def _save(self, form: Any) -> None:
        self._forms[self.name] = form
        self.is_done = form.is_valid()
        if self.is_done:
            self.result = form.save()
        else:
            self.status = 400

    def redirect(self, url: str = "") -> HttpResponse:
        """Redirect to the page, or to another one, which shows the message of the saved form."""
        query = self._request.GET.copy()
        query["done"] = self.name
        return redirect(f"{url or self._request.path}?{query.urlencode()}")


def _first_wrong_field(form: BaseForm | None) -> BoundField | None:
    """Return the first visible field with an error."""
    return next((field for field in form.visible_fields() if field.errors), None) if form else None
