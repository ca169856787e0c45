"""Migrate accounts from API v2 to v3 and back. Drivers notice nothing, and vehicles keep their rows.

API v3 needs no token of the driver; it only has to list the same vehicles under the driver's id. The v2
tokens are kept on the row, so that the account can be rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone

from .. import databases, sdk
from ..databases import primary
from ..models import ConnectedVehicle, SmartcarAccount, SmartcarUser
from . import _authenticated_calls, _background, client, tokens, vehicles

V2, V3 = SmartcarAccount.ApiVersion.V2, SmartcarAccount.ApiVersion.V3


#: Maximum difference between the times at which v2 and v3 say that a connection was created.
MAX_TIME_DIFFERENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Found:
    """An account's vehicles in API v3: the user id there, and the permissions of each vehicle."""

    user_id: str
    permissions: dict[str, list[str]]


class CannotMigrate(Exception):
    """The account cannot be migrated; the message says why."""


def find(account: SmartcarAccount) -> Found:
    """Find the account's vehicles in API v3. Raises CannotMigrate, or as `in_background` does."""
    wanted = _vehicle_ids(account)
    found = _find_for_user(account, account.smartcar_user_id)
    missing = wanted - set(found.permissions)
    if missing:
        other_id = _find_v3_user_id(account, missing)
        found = _find_for_user(account, other_id)
        missing = wanted - set(found.permissions)
    if missing:
        raise CannotMigrate(f"API v3 does not list {len(missing)} of its {len(wanted)} vehicles")
    owner = primary(SmartcarUser).filter(pk=found.user_id).exclude(user=account.user)
    if owner.exists():
        raise CannotMigrate("its driver's user id in API v3 belongs to another user of this site")
    return Found(found.user_id, {vehicle_id: found.permissions[vehicle_id] for vehicle_id in wanted})


def migrate_to_v3(account: SmartcarAccount, found: Found) -> bool:
    """Switch the account to API v3; return False if another process has switched it already.

    Raises CannotMigrate if the user id in API v3 belongs to another user of this site.
    """
    with transaction.atomic(using=router.db_for_write(SmartcarAccount)):
        if found.user_id != account.smartcar_user_id:
            _reassign_owner(account, found.user_id)
        account_row = primary(SmartcarAccount).of_api_version(V2).filter(pk=account.pk)
        changes = {"smartcar_user_id": found.user_id, "api_version": V3, "updated_at": timezone.now()}
        # API v3 lists its vehicles, so it no longer matters if the refresh token was rejected.
        if not account_row.update(**changes, **tokens.RECONNECT_CLEARED):
            return False
        for vehicle_id, permissions in found.permissions.items():
            primary(ConnectedVehicle).filter(account=account, smartcar_vehicle_id=vehicle_id).update(
                permissions=permissions
            )
    return True


def ensure_way_back(account: SmartcarAccount) -> None:
    """Check that the account can be rolled back to v2. Raises CannotMigrate or MissingCredentials."""
    client.auth_client()
    if not account.refresh_token:
        raise CannotMigrate("it has no v2 tokens, because it was connected with API v3")
    if account.refresh_expires_at is None or account.refresh_expires_at <= timezone.now():
        raise CannotMigrate("its v2 tokens have expired")


def roll_back(account: SmartcarAccount) -> bool:
    """Switch the account back to API v2; return False if another process has switched it already.

    Raises CannotMigrate if its tokens do not cover all of its vehicles, and as `tokens.access_token` does.
    The account then stays on API v3.
    """
    _background.take(client.V2)
    account_row = primary(SmartcarAccount).of_api_version(V3).filter(pk=account.pk)
    if not account_row.update(api_version=V2, updated_at=timezone.now()):
        return False
    databases.reload(account)
    try:
        missing = _vehicle_ids(account) - set(client.vehicle_ids(tokens.access_token(account)))
        if missing:
            raise CannotMigrate(f"its v2 tokens do not cover {len(missing)} of its vehicles")
    except Exception:
        primary(SmartcarAccount).filter(pk=account.pk).update(api_version=V3, **tokens.RECONNECT_CLEARED)
        raise
    return True


def delete_v2_tokens() -> int:
    """Delete the v2 tokens of all accounts on API v3; return how many there were."""
    with_tokens = primary(SmartcarAccount).of_api_version(V3).exclude(refresh_token="")
    deleted: int = with_tokens.update(
        access_token="",
        access_expires_at=None,
        refresh_token="",
        spare_refresh_token="",
        refresh_expires_at=None,
        token_version=F("token_version") + 1,
    )
    return deleted


def _vehicle_ids(account: SmartcarAccount) -> set[str]:
    connected = primary(ConnectedVehicle).connected().filter(account=account)
    return set(connected.values_list("smartcar_vehicle_id", flat=True))


def _find_for_user(account: SmartcarAccount, user_id: str) -> Found:
    connections = _connections(account, user_id=user_id)
    # Do not trust the filter: the application's token gives access to every user's vehicles.
    own = [connection for connection in connections if connection["user_id"] == user_id]
    return Found(
        user_id,
        {
            connection["vehicle_id"]: connection["permissions"]
            for connection in own
            if connection["vehicle_id"]
        },
    )


def _find_v3_user_id(account: SmartcarAccount, vehicle_ids: set[str]) -> str:
    """Return the driver's user id in API v3, if it differs from the one in API v2.

    It counts only if each vehicle has exactly one connection in both versions, the one in v2 is this
    driver's, and both were created at the same time. Otherwise it could be another driver of the vehicle.
    """
    user_ids: set[str | None] = set()
    for vehicle_id in vehicle_ids:
        _background.take(client.V2)
        v2_connections = client.v2_connections(vehicle_id)
        if v2_connections is None:
            raise CannotMigrate(
                "API v3 does not list its vehicles under its driver's id; setting SMARTCAR_MANAGEMENT_TOKENS "
                "helps to find them"
            )
        if [connection["user_id"] for connection in v2_connections] != [account.smartcar_user_id]:
            raise CannotMigrate(
                "it is no longer connected at Smartcar, or shares a vehicle with another driver"
            )
        v3_connections = _connections(account, vehicle_id=vehicle_id)
        if len(v3_connections) != 1 or not _is_same_connection(v2_connections[0], v3_connections[0]):
            raise CannotMigrate("the connections of its vehicles in API v3 are not those of API v2")
        user_ids.add(v3_connections[0]["user_id"])
    if len(user_ids) != 1 or not (user_id := user_ids.pop()):
        raise CannotMigrate("API v3 does not list a single driver for its vehicles")
    return user_id


def _is_same_connection(v2_connection: sdk.Connection, v3_connection: sdk.v3.Connection) -> bool:
    created_v2, created_v3 = v2_connection["connected_at"], v3_connection["created_at"]
    if created_v2 is None or created_v3 is None:
        return False
    return abs(created_v2 - created_v3) <= MAX_TIME_DIFFERENCE


def _reassign_owner(account: SmartcarAccount, user_id: str) -> None:
    """Assign the account to this Smartcar user; delete the user's other rows of the same vehicles."""
    owner, _created = SmartcarUser.objects.get_or_create(id=user_id, defaults={"user": account.user})
    if vehicles.lock_owner(owner.pk).user_id != account.user.pk:
        raise CannotMigrate("its driver's user id in API v3 belongs to another user of this site")
    own = primary(ConnectedVehicle).filter(account=account).values_list("smartcar_vehicle_id", flat=True)
    others = primary(SmartcarAccount).filter(smartcar_user=owner).exclude(pk=account.pk)
    primary(ConnectedVehicle).filter(account__in=others, smartcar_vehicle_id__in=list(own)).delete()
    others.filter(vehicles=None).delete()


def _connections(account: SmartcarAccount, **filters: str) -> list[sdk.v3.Connection]:
    return _authenticated_calls.in_background(lambda token: client.connections(token, account.mode, filters))
