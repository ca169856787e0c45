"""Every webhook event that the simulator can send, by kind, variant and shape profile."""

from django_smartcar.simulator import store
from django_smartcar.simulator.access import connections, grants
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.errors.table import ERRORS
from django_smartcar.simulator.errors.v2 import SmartcarError
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.store.models import Webhook
from django_smartcar.simulator.vehicles import test_accounts
from django_smartcar.simulator.vehicles.catalog import MAKES
from django_smartcar.simulator.webhooks import payloads
from django_smartcar.simulator.webhooks.notify import WEBHOOK_ERROR_TYPES

REDIRECT_URI = "https://app.example.com/callback"
STATES = ("parked", "driving", "charging", "asleep")
CHARGE_EVENTS = ("CHARGING_STARTED", "CHARGING_STOPPED", "CHARGING_COMPLETED")


def make_of(profile):
    """Return the make whose cars send this."""
    return next(iter(PROFILES[profile].brands), "CHEVROLET")


def connect_cars(profile, email="2-vehicles@smartcar.com", scopes=tuple(SCOPES)):
    """Connect the cars of an account, all of this profile, with these permissions; return the connections."""
    owner, cars = test_accounts.sign_in(email, MAKES[make_of(profile)])
    grants.approve(owner, [car.id for car in cars], list(scopes), redirect_uri=REDIRECT_URI)
    for car in cars:
        car.profile = profile
    return [connections.of_vehicle(car.id, owner.id) for car in cars]


def enter(car, state):
    """Put a car into a state, without sending anything."""
    car.condition = "parked" if state == "charging" else state
    if car.is_electric:
        car.charge_state = "CHARGING" if state == "charging" else "NOT_CHARGING"


def webhook_of(variant="documented", version="4.0", **options):
    """Return a webhook that is stored nowhere, with all signals."""
    options = {"signals": list(SIGNALS), **options}
    return Webhook("hook", "Läufer’s hook", "", store.now(), version=version, variant=variant, **options)


def every_event():
    """Yield the name and the payload of each event: all kinds, of all variants, of cars of all profiles.

    The simulator must be empty. `signing.build_request` makes the body of a payload.
    """
    for profile in PROFILES:
        for number, connection in enumerate(connect_cars(profile), 1):
            for name, payload in [*_states_of(connection), *(_errors_of(connection) if number == 1 else ())]:
                yield f"{profile} / car {number} / {name}", payload
    for variant in payloads.VARIANTS:
        yield f"{variant} / verify", payloads.verify(webhook_of(variant), "challenge")
        yield f"{variant} / test", payloads.dashboard_test(webhook_of(variant))
    yield "2.0 / verify", payloads.verify(webhook_of(version="2.0"), "challenge")
    yield "2.0 / schedule", payloads.schedule(webhook_of(version="2.0"), connections.connections())


def _states_of(connection):
    codes = list(SIGNALS)
    for variant in payloads.VARIANTS:
        webhook = webhook_of(variant)
        for state in STATES:
            enter(connection.car, state)
            yield f"{variant} / {state}", payloads.vehicle_state(webhook, connection, codes)
        enter(connection.car, "parked")
        first = payloads.vehicle_state(webhook, connection, [payloads.FIRST_DELIVERY])
        yield f"{variant} / first delivery", first
    for kind in CHARGE_EVENTS:
        yield f"2.0 / {kind}", payloads.charge_event(webhook_of(version="2.0"), connection, kind)


def _errors_of(connection):
    codes = list(SIGNALS)
    for variant in payloads.VARIANTS:
        webhook = webhook_of(variant)
        for type_, code in ERRORS:
            if type_ in WEBHOOK_ERROR_TYPES:
                error = SmartcarError(type_, code)
                sent = payloads.vehicle_error(webhook, connection, error, codes)
                yield f"{variant} / {type_}:{code}", sent
                resolved = payloads.vehicle_error(webhook, connection, error, codes, is_resolved=True)
                yield f"{variant} / {type_}:{code} resolved", resolved
        if complaints := payloads.complaints(webhook, connection):
            yield f"{variant} / complaints", complaints
