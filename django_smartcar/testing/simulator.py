"""The simulator as tests use it: connect users, change vehicles, and create webhook events."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.test import override_settings

from ..conf import Settings, conf
from ..models import ConnectedVehicle
from ..secret_types import Secret
from ..services import connect
from ..services.connect import Callback, Connected
from ..simulator import store
from ..simulator.access import connections
from ..simulator.conf import conf as simulator_conf
from ..simulator.connect.session import ConnectSession
from ..simulator.errors.v2 import SmartcarError
from ..simulator.faults import injection
from ..simulator.store.models import Car, Webhook
from ..simulator.vehicles.catalog import MAKES
from ..simulator.webhooks import payloads, signing
from . import network, transport

#: Encrypts stored tokens if the site's settings have no key.
ENCRYPTION_KEY = "b25seS1mb3ItdGVzdHMtb2Ytc2l0ZXMtMzItYnl0ZXM="

#: The redirect URI of `Simulator.connect`; no server listens there.
_CALLBACK = "https://testserver/smartcar/callback/"

_REQUIRED = (
    "SMARTCAR_CLIENT_ID",
    "SMARTCAR_CLIENT_SECRET",
    "SMARTCAR_APPLICATION_ID",
    "SMARTCAR_ENCRYPTION_KEYS",
)

#: Overrides settings, as ``override_settings`` does.
Override = Callable[..., AbstractContextManager[Any]]

_active: list[Simulator] = []


@contextlib.contextmanager
def simulator(api_version: str = "", *, override: Override = override_settings) -> Iterator[Simulator]:
    """Replace Smartcar with a new simulator, in this process and without a port.

    The site uses ``api_version``, ``"3"`` or ``"2.0"``; by default its own SMARTCAR_API_VERSION. The settings
    of credentials and hosts are overridden. Only one can be active; it starts and ends without vehicles.
    """
    if _active:
        raise RuntimeError(
            "This test already has a simulator, and only one at a time can be active: use that one."
        )
    smartcar = Simulator(api_version or conf.SMARTCAR_API_VERSION, override)
    with (
        network.blocked(),
        network.mounted(
            transport.Adapter(), lambda host: host == transport.HOST or network.is_smartcar_host(host)
        ),
        override(**_settings(transport.ORIGIN, smartcar.api_version)),
    ):
        store.reset()
        _active.append(smartcar)
        try:
            yield smartcar
        finally:
            _active.remove(smartcar)
            store.reset()


class Simulator:
    """The simulator that `simulator` returns.

    ``url`` is its base URL, ``api_version`` the version that the site uses. For more, from errors on demand
    to passing time, use the modules of `django_smartcar.simulator`.
    """

    def __init__(self, api_version: str, override: Override) -> None:
        self.api_version = api_version
        self.url = transport.ORIGIN
        self._override = override

    @contextlib.contextmanager
    def on_a_port(self) -> Iterator[str]:
        """Serve over HTTP as well, for a browser. Yields the URL, which the settings use meanwhile.

        Webhooks are then delivered automatically.
        """
        previous = self.url
        with (
            transport.served() as url,
            network.serving(url),
            self._override(**_settings(url, self.api_version) | {"SMARTCAR_SIMULATOR_DELIVERIES": True}),
        ):
            self.url = url
            try:
                yield url
            finally:
                self.url = previous

    def car(self, vehicle: ConnectedVehicle) -> Car:
        """Return the simulated vehicle, to inspect or change it."""
        return store.car(vehicle.smartcar_vehicle_id)

    def connect(
        self, user: Any, *, email: str = "", make: str = "CHEVROLET", untick: Collection[str] = ()
    ) -> Connected:
        """Connect a user's vehicles through the whole flow; return ``.account`` and ``.vehicles``.

        The ``email`` of their account at the vehicle's brand decides which vehicles they have and what is
        wrong with them: ``"3-vehicles@smartcar.com"``, and more in `test_accounts.EXAMPLES`. Permissions in
        ``untick`` are not granted. Raises what the site raises, or ValueError with the error of Connect.
        """
        url = Secret(connect.begin(user, session_key="testing", redirect_uri=_CALLBACK))
        callback_url = Secret(self.consent(url, email or f"user-{user.pk}@example.com", make, untick=untick))
        parameters = {name: Secret(value) for name, value in parse_qsl(urlsplit(callback_url.reveal()).query)}
        if "error" in parameters:
            error, description = parameters["error"], parameters["error_description"]
            raise ValueError(f"Connect: {error.reveal()}: {description.reveal()}")
        attempt = connect.consume(parameters["state"], user=user, session_key="testing")
        user_id = parameters["user_id"].reveal() if "user_id" in parameters else ""
        code, external_id = (parameters.get(name, Secret()) for name in ("code", "external_id"))
        return connect.complete(attempt, Callback(code, user_id, external_id))

    def consent(
        self,
        url: str,
        email: str = "driver@example.com",
        make: str = "CHEVROLET",
        *,
        untick: Collection[str] = (),
        deny: bool = False,
    ) -> str:
        """Log in at Connect and consent on the user's behalf; return the callback URL.

        Raises ValueError for a ``url`` that is not the simulator's, or an unknown ``make``.
        """
        if not url.startswith(f"{self.url}/connect/"):
            raise ValueError(f"{url.partition('?')[0]} is not at the simulator, which is at {self.url}.")
        if make not in MAKES:
            raise ValueError(f"The simulator has no brand {make}. Choose one of: {', '.join(MAKES)}.")
        response = transport.request("GET", url.removeprefix(self.url))
        while location := response.headers.get("Location"):
            if not location.startswith("/connect/"):
                return str(location)
            session = store.connect_sessions[location.split("/")[2]]
            response = transport.request("POST", location, _form_data(session, email, make, untick, deny))
        raise ValueError(f"Connect shows an error of status {response.status_code} for this address.")

    def state_event(self, vehicle: ConnectedVehicle, signals: Collection[str] = ()) -> dict[str, Any]:
        """Return a VEHICLE_STATE event with a vehicle's current signals, by default those most vehicles have.

        Signals are given by code (``"odometer-traveleddistance"``). Raises KeyError if it is not connected.
        """
        webhook, connection = _webhook(list(signals) or None), _connection(vehicle)
        codes = payloads.signal_codes(webhook)
        return _delivery(payloads.vehicle_state(webhook, connection, codes))

    def error_event(
        self, vehicle: ConnectedVehicle, fault: str, *, is_resolved: bool = False
    ) -> dict[str, Any]:
        """Return a VEHICLE_ERROR event: a vehicle has this error, or (``is_resolved``) no longer has it.

        ``fault`` is ``TYPE:CODE`` (``"CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"``). Raises ValueError
        for an unknown one.
        """
        error = injection.exception_for(fault) if fault in injection.FAULTS else None
        if not isinstance(error, SmartcarError):
            raise ValueError(
                f"{fault} is not an error of a vehicle. Choose one of: {', '.join(injection.FAULTS)}."
            )
        webhook, connection = _webhook(None), _connection(vehicle)
        codes = payloads.signal_codes(webhook)
        return _delivery(payloads.vehicle_error(webhook, connection, error, codes, is_resolved=is_resolved))


def missing_settings() -> dict[str, Any]:
    """Return test values for the settings that the system checks require and this site has not set."""
    values = _settings(transport.ORIGIN, conf.SMARTCAR_API_VERSION)
    missing = {name: values[name] for name in _REQUIRED if not getattr(settings, name, None)}
    return {**missing, "SMARTCAR_SIMULATOR_URL": ""}


def _settings(origin: str, api_version: str) -> dict[str, Any]:
    """Return the settings with which a site uses a simulator at this origin."""
    credentials = dict.fromkeys(["SMARTCAR_V2_CLIENT_ID", "SMARTCAR_V2_CLIENT_SECRET"], "")
    credentials |= store.environment(origin, api_version)
    return {
        **{name: value for name, value in credentials.items() if hasattr(Settings, name)},
        "SMARTCAR_MANAGEMENT_TOKENS": [simulator_conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN],
        "SMARTCAR_SIMULATOR_URL": "",  # all that it stands for is set here
        # The site's own keys, if any: its tests may have stored tokens before.
        "SMARTCAR_ENCRYPTION_KEYS": list(conf.encryption_keys) or [ENCRYPTION_KEY],
        "SMARTCAR_SIMULATOR_STATE": None,  # the file of a developer's own simulator
        "SMARTCAR_SIMULATOR_DELIVERIES": False,
        "SMARTCAR_SIMULATOR_ORIGIN": "",  # of the same
        "SMARTCAR_SIMULATOR_ANY_REDIRECT_URI": True,  # tests have callbacks of their own
        "ALLOWED_HOSTS": [*settings.ALLOWED_HOSTS, transport.HOST, "127.0.0.1"],
    }


def _form_data(
    session: ConnectSession, email: str, make: str, untick: Collection[str], deny: bool
) -> Mapping[str, Any]:
    """Return the form data for any page of Connect."""
    return {
        "make": make,
        "username": email,
        "password": "any",
        "vehicle": session.vehicle_ids,
        "scope": [scope for scope in session.scopes if scope not in untick],
        **({"decision": "deny"} if deny else {}),
    }


def _webhook(signals: list[str] | None) -> Webhook:
    return Webhook(str(uuid.uuid4()), "Test", "", store.now(), signals=signals)


def _connection(vehicle: ConnectedVehicle) -> connections.Connection:
    connection = connections.of_vehicle(vehicle.smartcar_vehicle_id, vehicle.account.smartcar_user_id)
    if connection is None:
        raise KeyError(f"{vehicle} is not connected at this simulator: connect it with connect().")
    return connection


def _delivery(body: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the fields that each delivery adds."""
    meta = {"deliveryId": str(uuid.uuid4()), "deliveredAt": signing.milliseconds(store.now())}
    return body | {"meta": body["meta"] | meta}
