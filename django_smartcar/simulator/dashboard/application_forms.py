"""Forms of the garage for the application: its redirect URIs, as in Smartcar's dashboard."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import store
from ..access import redirect_uris
from .settings_forms import SettingsForm


class RegisterRedirectUriForm(SettingsForm):
    """Register a redirect URI."""

    done = _("The redirect URI is registered.")
    uri = forms.CharField(
        label=_("Redirect URI"),
        max_length=2000,
        help_text=_("The full URL, for example http://127.0.0.1:8000/cars/callback/"),
    )

    def clean_uri(self) -> str:
        uri = str(self.cleaned_data["uri"])
        if not redirect_uris.is_redirect_uri(uri):
            raise forms.ValidationError(_("Enter a full URL, like https://example.com/callback."))
        if uri in redirect_uris.registered():
            raise forms.ValidationError(_("This redirect URI is registered already."))
        return uri

    def save(self) -> None:
        redirect_uris.register(self.cleaned_data["uri"])


class UnregisterRedirectUriForm(SettingsForm):
    """Remove a redirect URI that was registered in the garage."""

    done = _("The redirect URI is removed.")
    uri = forms.CharField()

    def clean_uri(self) -> str:
        uri = str(self.cleaned_data["uri"])
        if uri not in store.state().redirect_uris:
            raise forms.ValidationError(
                _("Only redirect URIs that were registered here can be removed here.")
            )
        return uri

    def save(self) -> None:
        redirect_uris.unregister(self.cleaned_data["uri"])


#: The forms by the name that the page posts as ``do``.
APPLICATION_FORMS: dict[str, type[SettingsForm]] = {
    "register": RegisterRedirectUriForm,
    "unregister": UnregisterRedirectUriForm,
}
