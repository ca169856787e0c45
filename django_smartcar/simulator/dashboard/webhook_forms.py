"""What the garage page lets one do with webhooks: what Smartcar's dashboard does, and what goes wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import store
from ..access.connections import connections
from ..signals.catalog import SIGNALS
from ..store.models import Webhook
from ..webhooks import notify, payloads, registry
from .vehicle_forms import fault_choices

_CORRUPTIONS = [
    ("", _("Nothing")),
    ("signature", _("The signature is of another token")),
    ("unsigned", _("There is no signature")),
    ("body", _("The body was changed on the way")),
    ("truncated", _("Half of the body is missing")),
    ("not-json", _("It is signed, and no JSON")),
]
_VERSIONS = [("4.0", _("4.0: states and errors")), ("2.0", _("2.0: scheduled and event-based"))]
_CHARGE_EVENTS = ("CHARGING_STARTED", "CHARGING_STOPPED", "CHARGING_COMPLETED")


def _check_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or not address.isprintable() or " " in address:
        raise forms.ValidationError(_("Enter an address that begins with https:// or http://."))
    return address


class _AddressField(forms.CharField):
    widget = forms.URLInput

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return _check_address(text) if text else text


class RegisterForm(forms.Form):
    """A new webhook. Its receiver is asked at once whether it knows the token."""

    name = forms.CharField(label=_("Name"), max_length=80)
    callback_uri = _AddressField(
        label=_("Address"), help_text=_("Smartcar takes https:// only; here http:// will do as well.")
    )
    error_uri = _AddressField(
        label=_("Address for errors"), required=False, help_text=_("Empty: the same address.")
    )
    version = forms.ChoiceField(label=_("Version"), choices=_VERSIONS)
    variant = forms.ChoiceField(label=_("Shape of 4.0"), choices=list(payloads.VARIANTS.items()))
    auto_subscribe = forms.BooleanField(label=_("Subscribe every car that connects"), required=False)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["auto_subscribe"].widget.attrs["role"] = "switch"

    def carry_out(self) -> Webhook:
        """Make the webhook, with every car that there is when it wants every car."""
        made = registry.add(**self.cleaned_data)
        if made.auto_subscribe:
            for known in connections():
                registry.subscribe(made.id, known.owner_id, known.car.id)
        registry.verify(made)
        return made


class WebhookForm(forms.Form):
    """A form about one webhook."""

    done = _("Saved.")

    def __init__(self, webhook: Webhook, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.webhook = webhook

    def carry_out(self) -> None:
        """Do what the form says."""
        raise NotImplementedError


class VerifyForm(WebhookForm):
    """Ask the receiver again."""

    done = _("The receiver is asked whether it knows the token.")

    def carry_out(self) -> None:
        registry.verify(self.webhook)


class EnableForm(WebhookForm):
    """On or off."""

    is_enabled = forms.BooleanField(required=False)

    def carry_out(self) -> None:
        registry.enable(self.webhook, self.cleaned_data["is_enabled"])


class SubscribeForm(WebhookForm):
    """A car, to be told of or not."""

    vehicle = forms.CharField()
    is_subscribed = forms.BooleanField(required=False)

    def carry_out(self) -> None:
        wanted = self.cleaned_data
        subscribed = {
            one.connection.car.id: one
            for one in registry.subscriptions()
            if one.webhook_id == self.webhook.id
        }
        known = subscribed.get(wanted["vehicle"])
        if known and not wanted["is_subscribed"]:
            registry.unsubscribe(known)
        elif not known and wanted["is_subscribed"]:
            for connection in connections():
                if connection.car.id == wanted["vehicle"]:
                    registry.subscribe(self.webhook.id, connection.owner_id, connection.car.id)
                    return


class FaultInjectionForm(WebhookForm):
    """What goes wrong on the way."""

    done = _("From now on this happens on the way.")
    copies = forms.IntegerField(label=_("Copies of each event"), min_value=1, max_value=10)
    delay = forms.FloatField(label=_("Seconds late"), min_value=0, max_value=86_400)
    corruption = forms.ChoiceField(label=_("Damage"), choices=_CORRUPTIONS, required=False)
    is_reordered = forms.BooleanField(label=_("Out of order"), required=False)

    def __init__(self, webhook: Webhook, *arguments: Any, **options: Any) -> None:
        super().__init__(webhook, *arguments, initial=vars(webhook), **options)
        self.fields["is_reordered"].widget.attrs["role"] = "switch"
        self.fields["delay"].widget.attrs["step"] = "any"

    def carry_out(self) -> None:
        with store.changes():
            for name, value in self.cleaned_data.items():
                setattr(self.webhook, name, value)
            store.touch()


class SendForm(WebhookForm):
    """One event, whether or not anything has happened."""

    done = _("The event is on its way.")
    kind = forms.ChoiceField(label=_("Event"))
    vehicle = forms.ChoiceField(label=_("Car"), required=False)
    trigger = forms.ChoiceField(label=_("Caused by"), required=False)
    fault = forms.ChoiceField(label=_("Error"), required=False)
    is_test = forms.BooleanField(label=_("As a test"), required=False)

    def __init__(self, webhook: Webhook, *arguments: Any, **options: Any) -> None:
        super().__init__(webhook, *arguments, **options)
        self._choices("vehicle", [(one.car.id, f"{one.car.model} {one.car.vin}") for one in connections()])
        if webhook.version == "2.0":
            self._choices("kind", [(name, name) for name in ("schedule", *_CHARGE_EVENTS)])
            for name in ("trigger", "fault", "is_test"):
                del self.fields[name]
            return
        self._choices("kind", [(name, name) for name in ("VEHICLE_STATE", "VEHICLE_ERROR", "RESOLVED")])
        self._choices("trigger", [(code, code) for code in (payloads.FIRST_DELIVERY, *SIGNALS)])
        self._choices("fault", [group for group in fault_choices() if group[0] in notify.WEBHOOK_ERROR_TYPES])

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the types
        field.choices = choices

    def clean(self) -> dict[str, Any] | None:
        if self.cleaned_data.get("kind") != "schedule" and not self.cleaned_data.get("vehicle"):
            self.add_error("vehicle", _("Connect a car first."))
        return self.cleaned_data

    def carry_out(self) -> None:
        wanted, webhook = self.cleaned_data, self.webhook
        if wanted["kind"] == "schedule":
            registry.send_schedule(webhook)
            return
        known = next(one for one in connections() if one.car.id == wanted["vehicle"])
        if wanted["kind"] in _CHARGE_EVENTS:
            registry.send_charge_event(webhook, known, wanted["kind"])
        elif wanted["kind"] == "VEHICLE_STATE":
            trigger = wanted["trigger"] or payloads.FIRST_DELIVERY
            registry.send_state(webhook, known, [trigger], is_test=wanted["is_test"])
        else:
            is_resolved = wanted["kind"] == "RESOLVED"
            fault = wanted["fault"] or "VEHICLE_STATE:UNREACHABLE"
            registry.send_error(webhook, known, fault, is_resolved=is_resolved, is_test=wanted["is_test"])


#: By the name that the page posts as ``do``.
WEBHOOK_FORMS: dict[str, type[WebhookForm]] = {
    "verify": VerifyForm,
    "enable": EnableForm,
    "subscribe": SubscribeForm,
    "mischief": FaultInjectionForm,
    "send": SendForm,
}
