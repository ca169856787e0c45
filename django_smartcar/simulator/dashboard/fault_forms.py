"""Forms of the garage for the errors and delays of one vehicle, and the list of all errors."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from django import forms
from django.utils.translation import gettext_lazy as _

from ..behaviour.commands_v2 import COMMANDS
from ..behaviour.commands_v3 import V3_COMMANDS
from ..errors.table import ERRORS
from ..errors.v3 import V3_ERRORS
from ..faults import injection
from ..signals.catalog import SIGNALS
from ..store.models import Car
from ..vehicles.v2_readings import READINGS
from ..webhooks import notify
from .labels import ERROR_TYPES, Label
from .vehicle_forms import CarForm

#: The choice of errors and delays for every request about the vehicle.
_EVERY_REQUEST = ("", _("Every request about this car"))


class Fault(NamedTuple):
    """An error that can be set."""

    name: str
    type: str
    code: str
    status: int
    description: Label
    is_v3: bool = False


class FaultGroup(NamedTuple):
    """The errors of one type."""

    type: str
    meaning: Label
    faults: list[Fault]
    is_open: bool


def _all_faults() -> list[Fault]:
    faults = [
        Fault(
            injection.fault_name(*pair),
            pair[0],
            pair[1] or "",
            spec.status,
            spec.description,
            pair in V3_ERRORS,
        )
        for pair, spec in (ERRORS | V3_ERRORS).items()
    ]
    text = _("The response is plain text instead of JSON.")
    return [*faults, Fault(injection.GATEWAY_TIMEOUT, injection.GATEWAY_TIMEOUT, "", 504, text)]


FAULTS = _all_faults()


def fault_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every error as choices, grouped by type."""
    return [
        (type_, [(one.name, f"{one.status} {one.code or type_}") for one in FAULTS if one.type == type_])
        for type_ in ERROR_TYPES
    ]


def path_choices() -> list[Any]:
    """Return the paths below a vehicle as choices, as errors and delays name them."""
    reads = [("/", "GET /"), *((f"GET {path}", f"GET /{path}") for path in READINGS if path)]
    commands = [(f"POST {path}", f"POST /{path}") for path in ("batch", *COMMANDS)]
    signals = [
        ("signals", "GET /signals"),
        *((f"signals/{code}", f"GET /signals/{code}") for code in SIGNALS),
    ]
    v3_commands = [(f"commands/{path}", f"POST /commands/{path}") for path in V3_COMMANDS]
    return [
        _EVERY_REQUEST,
        (_("v2 reads"), reads),
        (_("v2 commands"), commands),
        (_("v3 commands"), v3_commands),
        (_("v3 signals"), signals),
    ]


class FilterForm(forms.Form):
    """A search in the list of errors, sent with GET."""

    search = forms.CharField(label=_("Search"), required=False, max_length=80)
    status = forms.ChoiceField(label=_("Status"), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter-%s")
        statuses = sorted({fault.status for fault in FAULTS})
        field = self.fields["status"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the types
        field.choices = [("", _("Any")), *((str(status), str(status)) for status in statuses)]
        self.fields["search"].widget = forms.TextInput(attrs={"type": "search"})

    def groups(self, active: Collection[str]) -> list[FaultGroup]:
        """Return the errors that match, by type; open are types with an active error, or all in a search."""
        self.full_clean()
        words = self.cleaned_data.get("search", "").casefold().split()
        status = self.cleaned_data.get("status", "")
        is_filtered = bool(words or status)
        groups = []
        for type_, meaning in ERROR_TYPES.items():
            found = [one for one in FAULTS if one.type == type_ and _matches(one, words, status)]
            if found:
                is_open = is_filtered or any(one.name in active for one in found)
                groups.append(FaultGroup(type_, meaning, found, is_open))
        return groups


def _matches(fault: Fault, words: list[str], status: str) -> bool:
    text = f"{fault.name} {fault.name.replace('_', ' ')} {fault.description}".casefold()
    return status in ("", str(fault.status)) and all(word in text for word in words)


class FaultForm(CarForm):
    """An error: which one, and for which path."""

    done = _("The error is set.")
    path = forms.ChoiceField(label=_("Where"), choices=path_choices, required=False)
    fault = forms.ChoiceField(label=_("Error"), choices=fault_choices)

    def save(self) -> None:
        _set_fault(self.car, self.cleaned_data["path"], self.cleaned_data["fault"])


class RemoveFaultForm(CarForm):
    """Remove the error of a path."""

    done = _("The error is removed.")
    path = forms.CharField(required=False)

    def clean_path(self) -> str:
        path = str(self.cleaned_data["path"])
        if path and path not in self.car.faults:
            raise forms.ValidationError(_("This error is no longer set."))
        return path

    def save(self) -> None:
        _set_fault(self.car, self.cleaned_data["path"], None)


def _set_fault(car: Car, path: str, fault: str | None) -> None:
    with notify.changing(car):
        if path:
            injection.set_fault(fault, path, car)
        else:
            car.fault = fault


class LatencyForm(CarForm):
    """A delay: the seconds, and for which path."""

    done = _("The delay is set.")
    path = forms.ChoiceField(label=_("Where"), choices=path_choices, required=False)
    seconds = forms.FloatField(label=_("Seconds"), min_value=0.01, max_value=600)

    def __init__(self, car: Car, *arguments: Any, **options: Any) -> None:
        super().__init__(car, *arguments, **options)
        self.fields["seconds"].widget.attrs["step"] = "any"

    def save(self) -> None:
        injection.set_latency(self.cleaned_data["seconds"], self.car, self.cleaned_data["path"] or "*")


class RemoveLatencyForm(CarForm):
    """Remove the delay of a path."""

    done = _("The delay is removed.")
    path = forms.CharField()

    def clean_path(self) -> str:
        path = str(self.cleaned_data["path"])
        if path not in self.car.latencies:
            raise forms.ValidationError(_("This delay is no longer set."))
        return path

    def save(self) -> None:
        injection.set_latency(None, self.car, self.cleaned_data["path"])


#: The forms by the name that the page posts as ``do``.
FAULT_FORMS: dict[str, type[CarForm]] = {
    "fault": FaultForm,
    "remove_fault": RemoveFaultForm,
    "latency": LatencyForm,
    "remove_latency": RemoveLatencyForm,
}
