"""Forms of the garage for the whole simulator: its clock, its rate limits and the faults of its hosts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import store
from ..behaviour import motion
from ..faults import injection, rate_limits
from ..store.models import Limits
from .fault_forms import fault_choices

#: The paths that are not about one vehicle.
HOST_PATHS = (
    ("vehicles", "GET /vehicles"),
    ("user", "GET /user"),
    ("connections", "GET /connections"),
    ("webhooks", "GET /webhooks"),
    ("subscriptions", "/subscriptions"),
    ("oauth/token", "POST /oauth/token"),
    ("oauth2/token", "POST /oauth2/token"),
)

#: The largest number of requests in one of the limits.
_MAX_REQUESTS = 1_000_000

#: The steps of the buttons that move the clock, in seconds.
CLOCK_STEPS = {
    25: _("25 seconds"),
    60: _("1 minute"),
    900: _("15 minutes"),
    3600: _("1 hour"),
    86_400: _("1 day"),
    5_270_400: _("61 days"),
}


class SettingsForm(forms.Form):
    """Base class of the forms for the whole simulator."""

    #: The message that the page shows after saving.
    done = _("Saved.")

    def save(self) -> None:
        """Apply the form."""
        raise NotImplementedError


class ClockForm(SettingsForm):
    """Move the clock forward."""

    done = _("The clock is moved forward.")
    seconds = forms.FloatField(label=_("Seconds"), min_value=1, max_value=10 * 366 * 86_400)

    def save(self) -> None:
        motion.pass_time(self.cleaned_data["seconds"])


class LimitsForm(SettingsForm):
    """The rate limits and the limits of the plan; an empty field means no limit."""

    done = _("The limits are set.")
    bucket_size = forms.IntegerField(
        label=_("Bucket size (requests)"), min_value=1, max_value=_MAX_REQUESTS, required=False
    )
    bucket_refill = forms.FloatField(
        label=_("Refill per minute"), min_value=0, max_value=_MAX_REQUESTS, initial=2
    )
    throttle_requests = forms.IntegerField(
        label=_("Requests per car"), min_value=1, max_value=_MAX_REQUESTS, required=False
    )
    throttle_seconds = forms.IntegerField(label=_("Within (seconds)"), min_value=1, max_value=86_400)
    monthly_requests = forms.IntegerField(
        label=_("Monthly requests per car"), min_value=0, max_value=_MAX_REQUESTS, required=False
    )
    max_vehicles = forms.IntegerField(
        label=_("Cars in the plan"), min_value=0, max_value=1_000_000, required=False
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(initial=vars(store.state().limits), **options)
        defaults = vars(rate_limits.SMARTCAR_LIMITS)
        for name, field in self.fields.items():
            field.widget.attrs["placeholder"] = _("Smartcar: %(number)s") % {"number": defaults[name]}

    def save(self) -> None:
        with store.changes() as state:
            state.limits = Limits(**self.cleaned_data)
            store.touch()


class ResetLimitsForm(SettingsForm):
    """Fill the bucket and lift the throttle of every vehicle."""

    done = _("Requests are allowed again.")

    def save(self) -> None:
        rate_limits.reset()


class HostFaultForm(SettingsForm):
    """An error for a path that is not about one vehicle."""

    done = _("The error is set.")
    path = forms.ChoiceField(label=_("Where"), choices=HOST_PATHS)
    fault = forms.ChoiceField(label=_("Error"), choices=fault_choices)

    def save(self) -> None:
        injection.set_fault(self.cleaned_data["fault"], self.cleaned_data["path"])


class RemoveHostFaultForm(SettingsForm):
    """Remove the error of a path."""

    done = _("The error is removed.")
    path = forms.CharField()

    def clean_path(self) -> str:
        path = str(self.cleaned_data["path"])
        if path not in store.state().faults:
            raise forms.ValidationError(_("This error is no longer set."))
        return path

    def save(self) -> None:
        injection.set_fault(None, self.cleaned_data["path"])


#: The forms by the name that the page posts as ``do``.
SETTINGS_FORMS: dict[str, type[SettingsForm]] = {
    "clock": ClockForm,
    "limits": LimitsForm,
    "reset_limits": ResetLimitsForm,
    "fault": HostFaultForm,
    "remove_fault": RemoveHostFaultForm,
}
