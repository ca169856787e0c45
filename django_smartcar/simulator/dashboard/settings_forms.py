"""What the garage page lets one do with Smartcar itself: its clock, its limits and its hosts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import store
from ..behaviour import motion
from ..faults import injection, rate_limits
from ..store.models import Limits
from .vehicle_forms import fault_choices

#: The paths that name no car.
HOST_PATHS = (
    ("vehicles", "GET /vehicles"),
    ("user", "GET /user"),
    ("connections", "GET /connections"),
    ("webhooks", "GET /webhooks"),
    ("subscriptions", "/subscriptions"),
    ("oauth/token", "POST /oauth/token"),
    ("oauth2/token", "POST /oauth2/token"),
)

#: What the buttons offer, in seconds.
LEAPS = {
    25: _("25 seconds"),
    60: _("1 minute"),
    900: _("15 minutes"),
    3600: _("1 hour"),
    86_400: _("1 day"),
    5_270_400: _("61 days"),
}


class RuleForm(forms.Form):
    """A form about no car."""

    done = _("Saved.")

    def carry_out(self) -> None:
        """Do what the form says."""
        raise NotImplementedError


class ClockForm(RuleForm):
    """How much time passes at once."""

    done = _("Time has passed.")
    seconds = forms.FloatField(label=_("Seconds"), min_value=1, max_value=10 * 366 * 86_400)

    def carry_out(self) -> None:
        motion.pass_time(self.cleaned_data["seconds"])


class LimitsForm(RuleForm):
    """How much may be asked; an empty field is no limit."""

    done = _("From now on these limits hold.")
    bucket_size = forms.IntegerField(label=_("Requests at once"), min_value=1, required=False)
    bucket_refill = forms.FloatField(label=_("More each minute"), min_value=0, initial=2)
    throttle_requests = forms.IntegerField(label=_("Requests per car"), min_value=1, required=False)
    throttle_seconds = forms.IntegerField(label=_("In so many seconds"), min_value=1, max_value=86_400)
    monthly_requests = forms.IntegerField(label=_("Requests a month"), min_value=0, required=False)
    max_vehicles = forms.IntegerField(label=_("Cars of the plan"), min_value=0, required=False)

    def __init__(self, **options: Any) -> None:
        super().__init__(initial=vars(store.state().limits), **options)
        smartcars = vars(rate_limits.SMARTCAR_LIMITS)
        for name, field in self.fields.items():
            field.widget.attrs["placeholder"] = _("Smartcar’s: %(number)s") % {"number": smartcars[name]}

    def carry_out(self) -> None:
        with store.changes() as state:
            state.limits = Limits(**self.cleaned_data)
            store.touch()


class ForgetForm(RuleForm):
    """Fill the bucket again."""

    done = _("The bucket is full, and no car is throttled.")

    def carry_out(self) -> None:
        rate_limits.reset()


class HostFaultForm(RuleForm):
    """An error, and the path of a host that answers it."""

    done = _("From now on this is answered.")
    path = forms.ChoiceField(label=_("Where"), choices=HOST_PATHS)
    fault = forms.ChoiceField(label=_("Error"), choices=lambda: [("", "—"), *fault_choices()], required=False)

    def carry_out(self) -> None:
        injection.set_fault(self.cleaned_data["fault"] or None, self.cleaned_data["path"])


#: By the name that the page posts as ``do``.
RULE_FORMS: dict[str, type[RuleForm]] = {
    "clock": ClockForm,
    "limits": LimitsForm,
    "forget": ForgetForm,
    "fault": HostFaultForm,
}
