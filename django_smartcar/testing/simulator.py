"""The pretend Smartcar of a test: its cars, the hands of its drivers, and what it would send."""

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

#: Opens what a test without keys of its own stores.
ENCRYPTION_KEY = "b25seS1mb3ItdGVzdHMtb2Ytc2l0ZXMtMzItYnl0ZXM="

#: Where `Simulator.connect` has the driver come back to; nobody listens there.
_CALLBACK = "https://testserver/smartcar/callback/"

_REQUIRED = (
    "SMARTCAR_CLIENT_ID",
    "SMARTCAR_CLIENT_SECRET",
    "SMARTCAR_APPLICATION_ID",
    "SMARTCAR_ENCRYPTION_KEYS",
)

#: Overrides settings, as ``override_settings`` does.
Override = Callable[..., AbstractContextManager[Any]]

_playing: list[Simulator] = []


@contextlib.contextmanager
def simulator(api_version: str = "", *, override: Override = override_settings) -> Iterator[Simulator]:
    """Let a new pretend Smartcar answer in place of the real one, in this process and without a port.

    The site speaks ``api_version`` to it, ``"3"`` or ``"2.0"``; its own SMARTCAR_API_VERSION if not told. The
    settings of credentials and hosts are overridden. One at a time; it begins and ends without cars.
    """
    if _playing:
        raise RuntimeError("This test has a simulator already, and there is one at a time: use that one.")
    smartcar = Simulator(api_version or conf.SMARTCAR_API_VERSION, override)
    with (
        network.blocked(),
        network.answered(
            transport.Adapter(), lambda host: host == transport.HOST or network.is_smartcars(host)
        ),
        override(**_settings(transport.ORIGIN, smartcar.api_version)),
    ):
        store.reset()
        _playing.append(smartcar)
        try:
            yield smartcar
        finally:
            _playing.remove(smartcar)
            store.reset()


class Simulator:
    """A pretend Smartcar, as `simulator` gives it.

    ``url`` is where it is, ``api_version`` what the site speaks to it. Whatever else it can do, from errors
    on demand to passing time, is in the modules of `django_smartcar.simulator`.
    """

    def __init__(self, api_version: str, override: Override) -> None:
        self.api_version = api_version
        self.url = transport.ORIGIN
        self._override = override

    @contextlib.contextmanager
    def on_a_port(self) -> Iterator[str]:
        """Serve over HTTP as well, for a browser; the settings lead there meanwhile. Gives the address.

        Webhooks are sent by themselves then, to addresses that answer.
        """
        before = self.url
        with (
            transport.served() as url,
            network.serving(url),
            self._override(**_settings(url, self.api_version) | {"SMARTCAR_SIMULATOR_DELIVERIES": True}),
        ):
            self.url = url
            try:
                yield url
            finally:
                self.url = before

    def car(self, vehicle: ConnectedVehicle) -> Car:
        """The car itself, as its maker knows it: look at it, or change it."""
        return store.car(vehicle.smartcar_vehicle_id)

    def connect(
        self, user: Any, *, email: str = "", make: str = "CHEVROLET", untick: Collection[str] = ()
    ) -> Connected:
        """Connect this user's car, as if they had walked the whole way; ``.account`` and ``.vehicles``.

        The ``email`` of their account at the car's brand decides which cars they have and what is wrong with
        them: ``"3-vehicles@smartcar.com"``, and more that `fleets.EXAMPLES` lists. Permissions in ``untick``
        are not given. Raises what the site raises, and ValueError with Connect's reason if that lets nobody
        through.
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
        """Log in and consent in the driver's place, where the site has sent them; where they come back to.

        Raises ValueError if ``url`` or ``make`` is none that this Connect takes.
        """
        if not url.startswith(f"{self.url}/connect/"):
            raise ValueError(f"{url.partition('?')[0]} is not at the simulator, which is at {self.url}.")
        if make not in MAKES:
            raise ValueError(f"The simulator has no brand {make}. There are: {', '.join(MAKES)}.")
        response = transport.ask("GET", url.removeprefix(self.url))
        while location := response.headers.get("Location"):
            if not location.startswith("/connect/"):
                return str(location)
            run = store.connect_sessions[location.split("/")[2]]
            response = transport.ask("POST", location, _filled_in(run, email, make, untick, deny))
        raise ValueError(f"Connect shows an error of status {response.status_code} for this address.")

    def state_event(self, vehicle: ConnectedVehicle, signals: Collection[str] = ()) -> dict[str, Any]:
        """The body of a webhook that tells how this car is now: of these signals, or of those most cars have.

        Signals go by their codes (``"odometer-traveleddistance"``). KeyError if it is not connected here.
        """
        webhook, known = _webhook(list(signals) or None), _connection(vehicle)
        codes = payloads.signal_codes(webhook)
        return _sent(payloads.vehicle_state(webhook, known, codes))

    def error_event(
        self, vehicle: ConnectedVehicle, fault: str, *, is_resolved: bool = False
    ) -> dict[str, Any]:
        """The body of a webhook that tells that this car cannot be asked, or can again.

        ``fault`` is ``TYPE:CODE`` (``"CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"``): ValueError where
        there is none such.
        """
        error = injection.exception_for(fault) if fault in injection.FAULTS else None
        if not isinstance(error, SmartcarError):
            raise ValueError(f"{fault} is no error of a car. There are: {', '.join(injection.FAULTS)}.")
        webhook, known = _webhook(None), _connection(vehicle)
        codes = payloads.signal_codes(webhook)
        return _sent(payloads.vehicle_error(webhook, known, error, codes, is_resolved=is_resolved))


def missing() -> dict[str, Any]:
    """What the system checks want and this site has not set, made up."""
    made_up = _settings(transport.ORIGIN, conf.SMARTCAR_API_VERSION)
    return {name: made_up[name] for name in _REQUIRED if not getattr(conf, name)}


def _settings(origin: str, api_version: str) -> dict[str, Any]:
    """What makes a site speak to a simulator that is here."""
    credentials = dict.fromkeys(["SMARTCAR_V2_CLIENT_ID", "SMARTCAR_V2_CLIENT_SECRET"], "")
    credentials |= store.environment(origin, api_version)
    return {
        **{name: value for name, value in credentials.items() if hasattr(Settings, name)},
        "SMARTCAR_MANAGEMENT_TOKENS": [simulator_conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN],
        # A site's own keys open what its tests have stored before.
        "SMARTCAR_ENCRYPTION_KEYS": list(conf.encryption_keys) or [ENCRYPTION_KEY],
        "SMARTCAR_SIMULATOR_STATE": None,  # the file of somebody who develops with it
        "SMARTCAR_SIMULATOR_DELIVERIES": False,
        "ALLOWED_HOSTS": [*settings.ALLOWED_HOSTS, transport.HOST, "127.0.0.1"],
    }


def _filled_in(
    run: ConnectSession, email: str, make: str, untick: Collection[str], deny: bool
) -> Mapping[str, Any]:
    """What is typed and ticked on any page of Connect."""
    return {
        "make": make,
        "username": email,
        "password": "any",
        "vehicle": run.vehicle_ids,
        "scope": [scope for scope in run.scopes if scope not in untick],
        **({"decision": "deny"} if deny else {}),
    }


def _webhook(signals: list[str] | None) -> Webhook:
    return Webhook(str(uuid.uuid4()), "Test", "", store.now(), signals=signals)


def _connection(vehicle: ConnectedVehicle) -> connections.Connection:
    known = connections.of_vehicle(vehicle.smartcar_vehicle_id, vehicle.account.smartcar_user_id)
    if known is None:
        raise KeyError(f"{vehicle} is not connected at this simulator: connect it with connect().")
    return known


def _sent(body: dict[str, Any]) -> dict[str, Any]:
    """The body with what each delivery adds."""
    meta = {"deliveryId": str(uuid.uuid4()), "deliveredAt": signing.milliseconds(store.now())}
    return body | {"meta": body["meta"] | meta}
