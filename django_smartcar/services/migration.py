"""Moves accounts from API v2 to 3 and back: the driver notices nothing, the cars keep their rows.

API v3 needs no token of the driver's: what has to be found is that Smartcar's API v3 shows the same cars
under the driver's id. The tokens of API v2 stay on the row, for the way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .. import sdk
from ..models import ConnectedVehicle, SmartcarAccount, SmartcarUser
from . import _session, client, tokens, vehicles

V2, V3 = SmartcarAccount.ApiVersion.V2, SmartcarAccount.ApiVersion.V3


#: How far apart the two API versions may put the moment in which a connection was made.
SAME_MOMENT = timedelta(minutes=5)


@dataclass(frozen=True)
class Found:
    """What API v3 shows of an account's cars: whose they are there, and what is permitted for each."""

    user_id: str
    permissions: dict[str, list[str]]


class CannotMigrate(Exception):
    """This account stays where it is, and why."""


def find(account: SmartcarAccount) -> Found:
    """What API v3 shows of this account's cars. Raises CannotMigrate or a SmartcarException."""
    wanted = _cars_of(account)
    found = _shown_for(account, account.smartcar_user_id)
    missing = wanted - set(found.permissions)
    if missing:
        other = _other_name(account, missing)
        found = _shown_for(account, other)
        missing = wanted - set(found.permissions)
    if missing:
        raise CannotMigrate(f"API v3 does not show {len(missing)} of its {len(wanted)} cars")
    owner = SmartcarUser.objects.filter(pk=found.user_id).exclude(user=account.user)
    if owner.exists():
        raise CannotMigrate("its driver's id of API v3 belongs to another user of this site")
    return Found(found.user_id, {vehicle_id: found.permissions[vehicle_id] for vehicle_id in wanted})


def migrate_to_v3(account: SmartcarAccount, found: Found) -> bool:
    """Let the account speak API v3 from now on; False if somebody else has moved it meanwhile."""
    with transaction.atomic():
        if found.user_id != account.smartcar_user_id:
            _reassign_owner(account, found.user_id)
        moved = SmartcarAccount.objects.of_api_version(V2).filter(pk=account.pk)
        changes = {"smartcar_user_id": found.user_id, "api_version": V3, "updated_at": timezone.now()}
        # Smartcar shows its cars, so a refresh token that died, or dies just now, does not matter any more.
        if not moved.update(**changes, **tokens.RECONNECT_CLEARED):
            return False
        for vehicle_id, permissions in found.permissions.items():
            ConnectedVehicle.objects.filter(account=account, smartcar_vehicle_id=vehicle_id).update(
                permissions=permissions
            )
    return True


def ensure_way_back(account: SmartcarAccount) -> None:
    """Check that the account can go back to v2. Raises CannotMigrate or MissingCredentials."""
    client.auth_client()
    if not account.refresh_token:
        raise CannotMigrate("it has no tokens of API v2: it was connected through API v3")
    if account.refresh_expires_at is None or account.refresh_expires_at <= timezone.now():
        raise CannotMigrate("its tokens of API v2 have ended")


def roll_back(account: SmartcarAccount) -> bool:
    """Let the account speak API v2 again; False if somebody else has moved it meanwhile.

    Raises CannotMigrate if its tokens do not open all of its cars, and as `tokens.access_token` does: then it
    goes on speaking API v3.
    """
    moved = SmartcarAccount.objects.of_api_version(V3).filter(pk=account.pk)
    if not moved.update(api_version=V2, updated_at=timezone.now()):
        return False
    account.refresh_from_db()
    try:
        missing = _cars_of(account) - set(client.vehicle_ids(tokens.access_token(account)))
        if missing:
            raise CannotMigrate(f"its tokens of API v2 do not open {len(missing)} of its cars")
    except Exception:
        SmartcarAccount.objects.filter(pk=account.pk).update(api_version=V3, **tokens.RECONNECT_CLEARED)
        raise
    return True


def delete_v2_tokens() -> int:
    """Wipe the tokens of API v2 from all accounts of API v3; how many there were."""
    kept = SmartcarAccount.objects.of_api_version(V3).exclude(refresh_token="")
    return kept.update(
        access_token="",
        access_expires_at=None,
        refresh_token="",
        refresh_expires_at=None,
        token_version=F("token_version") + 1,
    )


def _cars_of(account: SmartcarAccount) -> set[str]:
    return set(account.vehicles.connected().values_list("smartcar_vehicle_id", flat=True))


def _shown_for(account: SmartcarAccount, user_id: str) -> Found:
    shown = _connections(account, user_id=user_id)
    # The filter is not believed: the application's token shows everybody's cars.
    own = [one for one in shown if one["user_id"] == user_id]
    return Found(user_id, {one["vehicle_id"]: one["permissions"] for one in own if one["vehicle_id"]})


def _other_name(account: SmartcarAccount, vehicle_ids: set[str]) -> str:
    """The id that API v3 has for this driver, where it is not the one of API v2.

    Believed only if each car has one connection in either, that of 2.0 being this driver's, and both were
    made in the same moment: then it is one under two names, and not another driver's of the same car.
    """
    names: set[str | None] = set()
    for vehicle_id in vehicle_ids:
        older = client.v2_connections(vehicle_id)
        if older is None:
            raise CannotMigrate(
                "API v3 does not show its cars under its driver's id; SMARTCAR_MANAGEMENT_TOKENS would help"
            )
        if [one["user_id"] for one in older] != [account.smartcar_user_id]:
            raise CannotMigrate("it is no longer connected at Smartcar, or shares a car with another driver")
        newer = _connections(account, vehicle_id=vehicle_id)
        made, renewed = older[0]["connected_at"], [one["created_at"] for one in newer]
        if len(newer) != 1 or None in (made, *renewed) or abs(made - renewed[0]) > SAME_MOMENT:  # type: ignore[operator]
            raise CannotMigrate("the connections that API v3 shows for its cars are not the ones of API v2")
        names.add(newer[0]["user_id"])
    if len(names) != 1 or not (name := names.pop()):
        raise CannotMigrate("API v3 does not show one driver for its cars")
    return name


def _reassign_owner(account: SmartcarAccount, user_id: str) -> None:
    """Let the account be this Smartcar user's; rows that its driver has there of the same cars give way."""
    owner, _created = SmartcarUser.objects.get_or_create(id=user_id, defaults={"user": account.user})
    if vehicles.lock_owner(owner.pk).user_id != account.user.pk:
        raise CannotMigrate("its driver's id of API v3 belongs to another user of this site")
    own = account.vehicles.values_list("smartcar_vehicle_id", flat=True)
    others = owner.accounts.exclude(pk=account.pk)
    ConnectedVehicle.objects.filter(account__in=others, smartcar_vehicle_id__in=list(own)).delete()
    others.filter(vehicles=None).delete()


def _connections(account: SmartcarAccount, **filters: str) -> list[sdk.v3.Connection]:
    return _session.as_application(lambda token: client.connections(token, account.mode, filters))
