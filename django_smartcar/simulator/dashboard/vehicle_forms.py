"""Forms of the garage for one vehicle: its state and its values."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import store
from ..behaviour import motion
from ..profiles import PROFILES
from ..store.models import Car
from ..vehicles import charging
from ..vehicles.states import STATES
from ..webhooks import notify
from .labels import Label

#: The name of charging at a fast charger (DC), in this form only.
FAST_CHARGING = "fast_charging"


def _states() -> list[tuple[str, Label]]:
    choices: list[tuple[str, Label]] = [(name, state.title) for name, state in STATES.items()]
    after = list(STATES).index("charging") + 1
    return [*choices[:after], (FAST_CHARGING, _("Fast charging")), *choices[after:]]


_STATES = _states()


def _round(number: float) -> float:
    """Round to two decimals, and to an int where possible: 55 and not 55.0."""
    rounded = round(number, 2)
    return int(rounded) if rounded.is_integer() else rounded


def _possible_states(car: Car) -> list[str]:
    can_charge = {"charging": car.is_electric, FAST_CHARGING: charging.can_charge_fast(car)}
    return [name for name, _title in _STATES if can_charge.get(name, True)]


def state_choices(car: Car) -> list[tuple[str, Label, bool]]:
    """Return the states that the vehicle can be put into: name, title, and whether it is in it."""
    current = FAST_CHARGING if car.state == "charging" and car.is_fast_charger else car.state
    possible = _possible_states(car)
    return [(name, title, name == current) for name, title in _STATES if name in possible]


class CarForm(forms.Form):
    """Base class of the forms for one vehicle."""

    #: The message that the page shows after saving.
    done = _("Saved.")

    def __init__(self, car: Car, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.car = car

    def save(self) -> None:
        """Apply the form."""
        raise NotImplementedError


class StateForm(CarForm):
    """The state of the vehicle, such as parked or driving."""

    done = _("The car has changed its state.")
    state = forms.ChoiceField(choices=_STATES)

    def clean_state(self) -> str:
        state = str(self.cleaned_data["state"])
        if state not in _possible_states(self.car):
            raise forms.ValidationError(_("This car cannot charge this way."))
        return state

    def save(self) -> None:
        state = self.cleaned_data["state"]
        if state == FAST_CHARGING:
            motion.enter(self.car, "charging", is_fast=True)
        else:
            motion.enter(self.car, state)


class ValuesForm(CarForm):
    """The values that the vehicle reports. Only the fields that were changed on the page are applied."""

    done = _("The values are saved.")
    odometer_km = forms.FloatField(label=_("Odometer (km)"), min_value=0, max_value=5_000_000)
    battery = forms.FloatField(label=_("Battery (%)"), min_value=0, max_value=100)
    fuel = forms.FloatField(label=_("Fuel (%)"), min_value=0, max_value=100)
    charge_limit = forms.FloatField(label=_("Charge limit (%)"), min_value=50, max_value=100)
    latitude = forms.FloatField(label=_("Latitude"), min_value=-90, max_value=90)
    longitude = forms.FloatField(label=_("Longitude"), min_value=-180, max_value=180)
    is_locked = forms.BooleanField(label=_("Locked"), required=False)
    is_plugged_in = forms.BooleanField(label=_("Plugged in"), required=False)

    def __init__(self, car: Car, *arguments: Any, **options: Any) -> None:
        levels = {"battery": car.battery_percent, "fuel": car.fuel_percent, "charge_limit": car.charge_limit}
        initial: dict[str, Any] = {name: _round(level * 100) for name, level in levels.items()}
        initial |= {
            name: getattr(car, name) for name in ("latitude", "longitude", "is_locked", "is_plugged_in")
        }
        initial["odometer_km"] = _round(car.odometer_km)
        super().__init__(car, *arguments, initial=initial, **options)
        if not car.has_engine:
            del self.fields["fuel"]
        if not car.is_electric:
            for name in ("battery", "charge_limit", "is_plugged_in"):
                del self.fields[name]
        for field in self.fields.values():
            # The vehicle may have changed since the page was loaded.
            field.show_hidden_initial = True
            is_switch = isinstance(field, forms.BooleanField)
            field.widget.attrs |= {"role": "switch"} if is_switch else {"step": "any"}

    def clean(self) -> dict[str, Any] | None:
        is_plugged = "is_plugged_in" in self.changed_data and self.cleaned_data.get("is_plugged_in")
        if is_plugged and self.car.state == "driving":
            self.add_error("is_plugged_in", _("A driving car cannot be plugged in."))
        return self.cleaned_data

    def save(self) -> None:
        car, changed = self.car, {name: self.cleaned_data[name] for name in self.changed_data}
        if not changed:
            return
        with notify.changing(car):
            if "battery" in changed:
                motion.set_battery(car, changed.pop("battery") / 100)
            if "fuel" in changed:
                motion.set_fuel(car, changed.pop("fuel") / 100)
            if "charge_limit" in changed:
                car.charge_limit = changed.pop("charge_limit") / 100
            if changed.get("is_plugged_in") is False:
                charging.unplug(car, store.now())
            for name, value in changed.items():
                setattr(car, name, value)
            car.recorded_at = store.now()


class ProfileForm(CarForm):
    """What the vehicle sends where that differs from Smartcar's documentation."""

    done = _("The car uses this profile now.")
    profile = forms.ChoiceField(
        label=_("Profile"), choices=[(key, profile.title) for key, profile in PROFILES.items()]
    )

    def __init__(self, car: Car, *arguments: Any, **options: Any) -> None:
        super().__init__(car, *arguments, initial={"profile": car.profile}, **options)

    def save(self) -> None:
        with notify.changing(self.car):
            self.car.profile = self.cleaned_data["profile"]


#: The forms by the name that the page posts as ``do``.
CAR_FORMS: dict[str, type[CarForm]] = {
    "state": StateForm,
    "facts": ValuesForm,
    "profile": ProfileForm,
}
