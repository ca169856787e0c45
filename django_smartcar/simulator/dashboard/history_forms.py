"""Forms of the garage for the past of a vehicle: tell it to webhooks, or download it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ..behaviour import history
from ..store.models import Car
from ..webhooks import javascript_json
from .vehicle_forms import CarForm

#: The arguments of both fields for a number of days.
_DAYS: dict[str, Any] = {"min_value": 1, "max_value": history.MAX_DAYS, "initial": 30}


class HistoryForm(CarForm):
    """Give the vehicle a past."""

    done = _("The car has a past now. It is sent to the webhooks that the car is subscribed to.")
    days = forms.IntegerField(label=_("Days to send"), **_DAYS)

    def save(self) -> None:
        history.live(self.car, self.cleaned_data["days"])


class ArchiveForm(forms.Form):
    """Choose how much of the vehicle's past to download, sent with GET."""

    days = forms.IntegerField(label=_("Days to download"), **_DAYS)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="archive-%s")

    def lines(self, car: Car) -> Iterator[str]:
        """Return the events as lines of JSON, oldest first."""
        for event in history.archive(car, self.cleaned_data["days"]):
            yield f"{javascript_json.dumps(event)}\n"
