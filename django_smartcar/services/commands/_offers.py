"""Which commands to offer for a vehicle: neither what its driver has not granted, nor what it cannot do."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from ... import sdk
from ...models import ConnectedVehicle, VehicleCommand, VehicleSignal
from .. import _access
from ..command_specs import COMMANDS, CommandSpec
from . import _records

#: Signals that tell the same, beside the first: a car that lacks one may have the other.
_ALTERNATIVES = {"charge_state": ("charge_state", "is_charging")}


def refusals() -> QuerySet[VehicleCommand]:
    """Return the commands that `enqueue` refuses to repeat: the vehicle recently was not capable of them."""
    return _records.rows().filter(
        created_at__gt=timezone.now() - _access.INCAPABLE_TTL,
        error_type="COMPATIBILITY",
        error_code__in=_access.INCAPABLE,
    )


def offered(vehicle: ConnectedVehicle, refused: Iterable[VehicleCommand] | None = None) -> set[str]:
    """Return the actions to offer for the vehicle: granted, and not known to be impossible.

    ``refused`` are the vehicle's `refusals`; without them, one query. Smartcar tells what a vehicle cannot do
    when it refuses a command, and for charging also beside the signal that would confirm it, ``not_capable``.
    """
    refused = refusals().filter(vehicle=vehicle) if refused is None else refused
    impossible = {command.action for command in refused}
    api = sdk.v3.Vehicle if vehicle.account.uses_v3 else sdk.Vehicle
    signals = vehicle.signals
    return {
        action
        for action, spec in COMMANDS.items()
        if vehicle.can(spec.scope)
        and hasattr(api, action)
        and action not in impossible
        and not _is_lacking(signals, spec)
    }


def _is_lacking(signals: dict[str, VehicleSignal], spec: CommandSpec) -> bool:
    if spec.signal == "is_locked":
        return False  # A car may be locked although it does not tell whether it is.
    signal = spec.signal or ("charge_state" if spec.scope == "control_charge" else "")
    states = [signals[name] for name in _ALTERNATIVES.get(signal, (signal,)) if name in signals]
    return bool(states) and all(state.status == state.Status.NOT_CAPABLE for state in states)
