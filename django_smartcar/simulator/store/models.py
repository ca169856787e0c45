"""The simulator's records, as plain dataclasses: vehicles, owners, grants, tokens, webhooks and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass
class Car:
    """A vehicle and its current values, in km, litres, kPa, kWh and fractions of 1."""

    id: str
    owner_id: str
    vin: str
    make: str
    model: str
    year: int
    powertrain: str
    recorded_at: datetime
    odometer_km: float
    latitude: float
    longitude: float
    battery_capacity_kwh: float
    battery_percent: float
    battery_range_km: float
    tank_litres: float
    fuel_percent: float
    fuel_range_km: float
    oil_life: float
    tires_kpa: list[float]
    is_locked: bool = False
    is_plugged_in: bool = False
    charge_state: str = "NOT_CHARGING"
    charge_limit: float = 0.9
    #: The current that it asks an AC charger for.
    charge_amperage: float = 32.0
    #: Whether the plugged charger is a fast one (DC).
    is_fast_charger: bool = False
    #: Energy of the current or latest charging session, in kWh.
    energy_added_kwh: float = 0.0
    #: When the charging session began, and at which level. None: no session is going on.
    charging_since: datetime | None = None
    charging_from: float = 0.0
    #: Past charging sessions, oldest first, as the signal of v3 has them (`vehicles.charging`).
    charge_records: list[dict[str, Any]] = field(default_factory=list)
    destination: list[float] | None = None
    #: ``TYPE:CODE`` of the error that every request to the vehicle gets (see `faults.injection`).
    fault: str | None = None
    is_charge_port_open: bool = False
    #: Where its nights are spent: latitude and longitude. None: where it is.
    home: list[float] | None = None
    #: Direction in degrees from north, clockwise, and the speed while it drives.
    heading: float = 185.0
    speed_kmh: float = 60.0
    #: Level of the 12 V battery.
    low_voltage_percent: float = 0.95
    #: When its climate control was last turned on or off, and the temperature inside at that moment.
    climate_since: datetime | None = None
    climate_from: float | None = None
    #: Active trouble codes: ``{"code": "P0420", "timestamp": …}``.
    trouble_codes: list[dict[str, Any]] = field(default_factory=list)
    #: Past visits to a workshop, latest first: ``{"time": …, "odometer_km": …}``.
    service_visits: list[dict[str, Any]] = field(default_factory=list)
    #: Ids of the webhooks that its past has been told to (`behaviour.history`).
    past_told_to: list[str] = field(default_factory=list)
    #: Settings that only its make has, by path below the make: ``{"climate/cabin": {"status": "ON"}}``.
    make_settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Charge schedules (v3) by id: ``{"type": "daily", "attributes": {…}}``.
    charge_schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What it is doing, apart from charging: a key of `vehicles.states.STATES`.
    condition: str = "parked"
    #: What it sends where that differs from Smartcar's documentation: a key of `profiles.PROFILES`.
    profile: str = "documented"
    #: Until when its values have been computed. The rest is computed at the next request.
    evolved_at: datetime | None = None
    #: Injected faults: ``TYPE:CODE`` by path below the vehicle, optionally for one method,
    #: ``{"POST security": "SERVER:INTERNAL"}``.
    faults: dict[str, str] = field(default_factory=dict)
    #: Injected latency in seconds, by path as above. ``*`` is any path.
    latencies: dict[str, float] = field(default_factory=dict)
    #: Billed requests by month: ``{"2026-11": 41}``.
    requests: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Return what the vehicle is doing: a key of `vehicles.states.STATES`."""
        is_charging = self.condition == "parked" and self.charge_state == "CHARGING"
        return "charging" if is_charging else self.condition

    @property
    def is_electric(self) -> bool:
        """Return whether it has a plug."""
        return self.powertrain in ("BEV", "PHEV")

    @property
    def has_engine(self) -> bool:
        """Return whether it has a fuel tank."""
        return self.powertrain != "BEV"


@dataclass
class Owner:
    """A vehicle owner with an account at a car maker. Smartcar calls it a user."""

    id: str
    email: str
    external_id: str | None = None


@dataclass
class Grant:
    """The consent given in one Connect session: scopes for vehicles."""

    id: str
    owner_id: str
    vehicle_ids: list[str]
    scopes: list[str]
    mode: str
    connected_at: datetime
    #: Whether its code was exchanged. A grant without a code counts as redeemed.
    is_redeemed: bool = True
    #: The application's own id of the owner, at the time of the grant.
    external_id: str | None = None


@dataclass
class Code:
    """An authorization code: valid once, for ten minutes."""

    grant_id: str
    #: The redirect URI that it was sent to.
    redirect_uri: str
    expires_at: datetime
    #: Whether the authorization request named it. If not, the exchange need not name it either.
    is_redirect_uri_named: bool = True


@dataclass
class AccessToken:
    """A bearer token of v2."""

    grant_id: str
    expires_at: datetime


@dataclass
class RefreshToken:
    """A refresh token of v2."""

    grant_id: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass
class ApplicationToken:
    """A bearer token of v3, from the client credentials grant: valid for all users."""

    expires_at: datetime


@dataclass
class Webhook:
    """A webhook. At Smartcar it is created in the dashboard; there is no endpoint for it."""

    id: str
    name: str
    callback_uri: str
    created_at: datetime
    is_enabled: bool = True
    auto_subscribe: bool = False
    #: Whether the receiver has answered the challenge. Nothing else is sent before.
    is_verified: bool = False
    #: Payload version: ``4.0``, or ``2.0`` (scheduled and event-based webhooks).
    version: str = "4.0"
    #: A key of `webhooks.payloads.VARIANTS`.
    variant: str = "documented"
    #: Where errors are sent. Empty: to `callback_uri`.
    error_uri: str = ""
    #: Codes of the signals that are sent (None: `webhooks.payloads.DEFAULT_SIGNALS`), and of those whose
    #: change triggers an event (None: all that are sent).
    signals: list[str] | None = None
    triggers: list[str] | None = None
    #: Injected delivery problems: copies of each event, delay in seconds, whether consecutive events swap
    #: places, and a key of `webhooks.signing.CORRUPTIONS`.
    copies: int = 1
    delay: float = 0
    is_reordered: bool = False
    corruption: str = ""


@dataclass
class Limits:
    """Rate limits and plan limits. All are off by default, because tests send many requests."""

    #: Token bucket of the application: its size, and requests added per minute.
    bucket_size: int | None = None
    bucket_refill: float = 2.0
    #: Throttle of one vehicle: requests within this many seconds.
    throttle_requests: int | None = None
    throttle_seconds: int = 120
    #: The plan: requests per vehicle and month, and number of vehicles.
    monthly_requests: int | None = None
    max_vehicles: int | None = None


@dataclass
class State:
    """Everything that survives a restart."""

    owners: dict[str, Owner] = field(default_factory=dict)
    cars: dict[str, Car] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    application_tokens: dict[str, ApplicationToken] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    #: Webhook ids by vehicle id.
    subscriptions: dict[str, list[str]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    #: Injected faults of paths that name no vehicle: ``TYPE:CODE`` by path,
    #: ``{"vehicles": "SERVER:INTERNAL"}``.
    faults: dict[str, str] = field(default_factory=dict)
    #: Redirect URIs that were registered in the garage.
    redirect_uris: list[str] = field(default_factory=list)
    #: How many seconds the clock was ahead of real time when this was saved.
    clock_offset: float = 0

    def prune(self, now: datetime) -> None:
        """Delete expired codes and tokens, so that the state does not grow without bound."""
        # A used or expired code gets another error than one that was never given out.
        remembered = now - timedelta(hours=1)
        self.codes = {key: code for key, code in self.codes.items() if code.expires_at > remembered}
        self.access_tokens = {
            key: token for key, token in self.access_tokens.items() if token.expires_at > now
        }
        self.refresh_tokens = {
            key: token for key, token in self.refresh_tokens.items() if token.expires_at > now
        }
        self.application_tokens = {
            key: token for key, token in self.application_tokens.items() if token.expires_at > now
        }
