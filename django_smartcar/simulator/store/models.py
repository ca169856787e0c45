"""What the pretend Smartcar remembers: plain dataclasses, no behaviour that needs the rest of the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Car:
    """A car, as its maker knows it: kilometres, litres, kilopascals, shares of one."""

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
    charge_amperage: float = 32.0
    destination: list[float] | None = None
    #: ``TYPE:CODE`` of the error that answers whoever asks the car, as an error account's car does.
    fault: str | None = None
    is_charge_port_open: bool = False
    #: What only its make lets one set, by the path below the make: ``{"climate/cabin": {"status": "ON"}}``.
    make_settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Charge schedules of v3 by their id: ``{"type": "daily", "attributes": {…}}``.
    charge_schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What it is doing, apart from charging: a key of `states.STATES`.
    condition: str = "parked"
    #: Until when it has driven or charged; how far since then is worked out when somebody looks.
    evolved_at: datetime | None = None
    #: ``TYPE:CODE`` by path below the car, maybe of one method: ``{"POST security": "SERVER:INTERNAL"}``.
    faults: dict[str, str] = field(default_factory=dict)
    #: Seconds that an answer takes, by path as above; ``*`` is any.
    latencies: dict[str, float] = field(default_factory=dict)
    #: Requests by month, ``{"2026-11": 41}``: what the plan counts.
    requests: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """What it is doing: a key of `states.STATES`."""
        is_charging = self.condition == "parked" and self.charge_state == "CHARGING"
        return "charging" if is_charging else self.condition

    @property
    def is_electric(self) -> bool:
        return self.powertrain in ("BEV", "PHEV")

    @property
    def has_engine(self) -> bool:
        return self.powertrain != "BEV"


@dataclass
class Owner:
    """A person with an account at a car maker: Smartcar's user."""

    id: str
    email: str
    external_id: str | None = None


@dataclass
class Grant:
    """What an owner allowed in one visit to Connect: these scopes, for these cars."""

    id: str
    owner_id: str
    vehicle_ids: list[str]
    scopes: list[str]
    mode: str
    connected_at: datetime
    #: Whether its code was exchanged; one that never had a code counts from the start.
    is_redeemed: bool = True
    #: The application's own id of the person, as it stood after this visit.
    external_id: str | None = None


@dataclass
class Code:
    """An authorization code: good once, for ten minutes."""

    grant_id: str
    #: Where it was sent to.
    redirect_uri: str
    expires_at: datetime
    #: Whether Connect was told that address; where it was not, the exchange need not name it either.
    is_redirect_uri_named: bool = True


@dataclass
class AccessToken:
    grant_id: str
    expires_at: datetime


@dataclass
class RefreshToken:
    grant_id: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass
class ApplicationToken:
    """What client credentials buy: one token for all of the application's drivers."""

    expires_at: datetime


@dataclass
class Webhook:
    """Made in the dashboard, never over the wire."""

    id: str
    name: str
    callback_uri: str
    created_at: datetime
    is_enabled: bool = True
    auto_subscribe: bool = False
    #: Whether the receiver has answered its challenge; nothing else is sent before.
    is_verified: bool = False
    #: ``4.0``, or ``2.0`` for the scheduled and event-based ones.
    version: str = "4.0"
    #: Which of the shapes of `event_bodies.VARIANTS`.
    variant: str = "documented"
    #: Where errors go; empty: to the same address.
    error_uri: str = ""
    #: Codes of the signals that are sent, and of those that cause it; unset: some that most cars have.
    signals: list[str] | None = None
    triggers: list[str] | None = None
    #: What goes wrong on the way: how often an event comes, seconds that it is late, whether neighbours
    #: change places, and which of `signatures.CORRUPTIONS` befalls it.
    copies: int = 1
    delay: float = 0
    is_reordered: bool = False
    corruption: str = ""


@dataclass
class Limits:
    """How much the application may ask. Off to begin with: tests ask a lot."""

    #: One bucket for the whole application: this many requests at once, and this many more a minute.
    bucket_size: int | None = None
    bucket_refill: float = 2.0
    #: This many requests for one car in this many seconds.
    throttle_requests: int | None = None
    throttle_seconds: int = 120
    #: The plan: requests for one car in a month, and how many cars.
    monthly_requests: int | None = None
    most_vehicles: int | None = None


@dataclass
class State:
    """Everything that must survive a restart."""

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
    #: ``TYPE:CODE`` by path of a host, where no car is named: ``{"vehicles": "SERVER:INTERNAL"}``.
    faults: dict[str, str] = field(default_factory=dict)

    def prune(self, now: datetime) -> None:
        """Forget the codes and tokens that have expired, so that a long life does not grow without end."""
        self.codes = {key: code for key, code in self.codes.items() if code.expires_at > now}
        self.access_tokens = {
            key: token for key, token in self.access_tokens.items() if token.expires_at > now
        }
        self.refresh_tokens = {
            key: token for key, token in self.refresh_tokens.items() if token.expires_at > now
        }
        self.application_tokens = {
            key: token for key, token in self.application_tokens.items() if token.expires_at > now
        }
