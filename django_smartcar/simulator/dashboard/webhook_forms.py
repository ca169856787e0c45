"""Forms of the garage for webhooks: those of Smartcar's dashboard, and faults of the delivery."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import profiles, store
from ..access.connections import Connection, connections, of_vehicle
from ..signals.catalog import SIGNALS
from ..store.models import Webhook
from ..webhooks import notify, payloads, registry
from .fault_forms import fault_choices

_CORRUPTIONS = [
    ("", _("None")),
    ("signature", _("Sign with another token")),
    ("unsigned", _("Send no signature")),
    ("body", _("Change the body after signing")),
    ("truncated", _("Send only half of the body")),
    ("not-json", _("Sign a body that is not JSON")),
]
_VERSIONS = [("4.0", _("4.0: state and errors of a car")), ("2.0", _("2.0: schedules and charging events"))]
_KINDS = [
    ("VEHICLE_STATE", _("VEHICLE_STATE: the car's signals")),
    ("VEHICLE_ERROR", _("VEHICLE_ERROR: an error of the car")),
    ("RESOLVED", _("VEHICLE_ERROR: an error is resolved")),
    ("COMPLAINTS", _("VEHICLE_ERROR: what the car's profile always reports")),
]
_CHARGE_EVENTS = {
    "CHARGING_STARTED": _("CHARGING_STARTED: the car starts to charge"),
    "CHARGING_STOPPED": _("CHARGING_STOPPED: the car stops before it is full"),
    "CHARGING_COMPLETED": _("CHARGING_COMPLETED: the car is full"),
}
_V2_KINDS = [("schedule", _("schedule: the values of all subscribed cars")), *_CHARGE_EVENTS.items()]


def _validate_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or not url.isprintable() or " " in url:
        raise forms.ValidationError(_("Enter a URL that begins with https:// or http://."))
    return url


class _URLField(forms.CharField):
    widget = forms.URLInput

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return _validate_url(text) if text else text


class RegisterForm(forms.Form):
    """Register a webhook and send the verification challenge to its receiver."""

    done = _("The webhook is registered. The verification challenge is sent.")
    name = forms.CharField(label=_("Name"), max_length=80)
    callback_uri = _URLField(
        label=_("Callback URL"),
        help_text=_("Smartcar accepts https:// only. The simulator accepts http:// as well."),
    )
    error_uri = _URLField(
        label=_("Callback URL for errors"), required=False, help_text=_("Leave empty to use the same URL.")
    )
    version = forms.ChoiceField(label=_("Version"), choices=_VERSIONS)
    variant = forms.ChoiceField(label=_("Variant of 4.0"), choices=list(payloads.VARIANTS.items()))
    auto_subscribe = forms.BooleanField(label=_("Automatically subscribe every car"), required=False)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["auto_subscribe"].widget.attrs["role"] = "switch"

    def save(self) -> Webhook:
        """Create the webhook, subscribe the connected vehicles if asked to, and verify its receiver."""
        webhook = registry.add(**self.cleaned_data)
        if webhook.auto_subscribe:
            for connection in connections():
                registry.subscribe(webhook.id, connection.owner_id, connection.car.id)
        registry.verify(webhook)
        return webhook


class WebhookForm(forms.Form):
    """Base class of the forms for one webhook."""

    done = _("Saved.")

    def __init__(self, webhook: Webhook, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.webhook = webhook

    def save(self) -> None:
        """Apply the form."""
        raise NotImplementedError


class VerifyForm(WebhookForm):
    """Send the verification challenge again."""

    done = _("The verification challenge is sent.")

    def save(self) -> None:
        registry.verify(self.webhook)


class SendTestForm(WebhookForm):
    """Send the test event of Smartcar's dashboard."""

    done = _("The test event is on its way.")

    def clean(self) -> None:
        if self.webhook.version != "4.0":
            raise forms.ValidationError(_("There are test events only for webhooks of version 4.0."))

    def save(self) -> None:
        registry.send_test(self.webhook)


class TurnOnForm(WebhookForm):
    """Turn the webhook on."""

    done = _("The webhook is on.")

    def save(self) -> None:
        registry.enable(self.webhook, True)


class TurnOffForm(WebhookForm):
    """Turn the webhook off."""

    done = _("The webhook is off.")

    def save(self) -> None:
        registry.enable(self.webhook, False)


class DeleteForm(WebhookForm):
    """Delete the webhook."""

    done = _("The webhook is deleted.")

    def save(self) -> None:
        registry.remove(self.webhook)


class SubscribeForm(WebhookForm):
    """Subscribe a vehicle to the webhook."""

    done = _("The car is subscribed.")
    vehicle = forms.CharField()

    def clean_vehicle(self) -> Connection:
        connection = of_vehicle(self.cleaned_data["vehicle"])
        if connection is None:
            raise forms.ValidationError(_("This car is no longer connected."))
        return connection

    def save(self) -> None:
        connection = self.cleaned_data["vehicle"]
        if self.webhook.id not in store.state().subscriptions.get(connection.car.id, []):
            registry.subscribe(self.webhook.id, connection.owner_id, connection.car.id)


class UnsubscribeForm(WebhookForm):
    """Unsubscribe a vehicle from the webhook."""

    done = _("The car is unsubscribed.")
    vehicle = forms.CharField()

    def save(self) -> None:
        for subscription in registry.subscriptions():
            is_this = subscription.connection.car.id == self.cleaned_data["vehicle"]
            if is_this and subscription.webhook_id == self.webhook.id:
                registry.unsubscribe(subscription)


class DeliveryFaultsForm(WebhookForm):
    """Faults of the delivery: copies, delay, damage and wrong order."""

    done = _("The delivery problems are set.")
    copies = forms.IntegerField(label=_("Copies of each event"), min_value=1, max_value=10)
    delay = forms.FloatField(label=_("Delay (seconds)"), min_value=0, max_value=86_400)
    corruption = forms.ChoiceField(label=_("Damage"), choices=_CORRUPTIONS, required=False)
    is_reordered = forms.BooleanField(label=_("Deliver out of order"), required=False)

    def __init__(self, webhook: Webhook, *arguments: Any, **options: Any) -> None:
        super().__init__(webhook, *arguments, initial=vars(webhook), **options)
        self.fields["is_reordered"].widget.attrs["role"] = "switch"
        self.fields["delay"].widget.attrs["step"] = "any"

    def save(self) -> None:
        with store.changes():
            for name, value in self.cleaned_data.items():
                setattr(self.webhook, name, value)
            store.touch()


class SendEventForm(WebhookForm):
    """Send one event, whether or not anything has happened."""

    done = _("The event is on its way.")
    kind = forms.ChoiceField(label=_("Event"))
    vehicle = forms.ChoiceField(label=_("Car"), required=False)
    trigger = forms.ChoiceField(label=_("Trigger"), required=False, help_text=_("For VEHICLE_STATE."))
    fault = forms.ChoiceField(label=_("Error"), required=False, help_text=_("For VEHICLE_ERROR."))
    is_test = forms.BooleanField(label=_("In test mode"), required=False)

    def __init__(self, webhook: Webhook, *arguments: Any, **options: Any) -> None:
        super().__init__(webhook, *arguments, **options)
        self._set_choices(
            "vehicle", [(each.car.id, f"{each.car.model} {each.car.vin}") for each in connections()]
        )
        if webhook.version == "2.0":
            self._set_choices("kind", _V2_KINDS)
            for name in ("trigger", "fault", "is_test"):
                del self.fields[name]
            return
        self._set_choices("kind", _KINDS)
        self._set_choices("trigger", [(code, code) for code in (payloads.FIRST_DELIVERY, *SIGNALS)])
        self._set_choices(
            "fault", [group for group in fault_choices() if group[0] in notify.WEBHOOK_ERROR_TYPES]
        )

    def _set_choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the types
        field.choices = choices

    def clean(self) -> dict[str, Any] | None:
        kind, vehicle_id = self.cleaned_data.get("kind"), self.cleaned_data.get("vehicle")
        if kind != "schedule" and not vehicle_id:
            self.add_error("vehicle", _("Connect a car first."))
        elif kind == "COMPLAINTS" and not profiles.of(store.car(str(vehicle_id))).complaints:
            self.add_error("kind", _("This car's profile reports no errors of its own."))
        return self.cleaned_data

    def save(self) -> None:
        data, webhook = self.cleaned_data, self.webhook
        if data["kind"] == "schedule":
            registry.send_schedule(webhook)
            return
        connection = next(each for each in connections() if each.car.id == data["vehicle"])
        if data["kind"] in _CHARGE_EVENTS:
            registry.send_charge_event(webhook, connection, data["kind"])
        elif data["kind"] == "COMPLAINTS":
            registry.send_complaints(webhook, connection)
        elif data["kind"] == "VEHICLE_STATE":
            trigger = data["trigger"] or payloads.FIRST_DELIVERY
            registry.send_state(webhook, connection, [trigger], is_test=data["is_test"])
        else:
            is_resolved = data["kind"] == "RESOLVED"
            fault = data["fault"] or "VEHICLE_STATE:UNREACHABLE"
            registry.send_error(webhook, connection, fault, is_resolved=is_resolved, is_test=data["is_test"])


#: The forms by the name that the page posts as ``do``.
WEBHOOK_FORMS: dict[str, type[WebhookForm]] = {
    "verify": VerifyForm,
    "send_test": SendTestForm,
    "turn_on": TurnOnForm,
    "turn_off": TurnOffForm,
    "delete": DeleteForm,
    "subscribe": SubscribeForm,
    "unsubscribe": UnsubscribeForm,
    "delivery_faults": DeliveryFaultsForm,
    "send": SendEventForm,
}
