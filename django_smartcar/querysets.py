"""Which rows: the questions that views, services and a project's own code ask of the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models


class LeasedTokenQuerySet(models.QuerySet[Any]):
    def refreshable(self) -> Any:
        """Rows whose token may be renewed."""
        return self.all()

    def refresh_due(self, before: datetime) -> Any:
        """Refreshable rows whose access token ends before this moment."""
        return self.refreshable().filter(access_expires_at__lt=before)


class SmartcarAccountQuerySet(LeasedTokenQuerySet):
    def for_user(self, user: Any) -> SmartcarAccountQuerySet:
        """The accounts of this local user; of nobody, for an anonymous one."""
        return self.filter(smartcar_user__user_id=user.pk) if user.pk else self.none()

    def of_generation(self, api_version: str) -> SmartcarAccountQuerySet:
        """Accounts that are used through this generation: ``"2.0"`` or ``"3"``."""
        return self.filter(api_version=api_version)

    def refreshable(self) -> SmartcarAccountQuerySet:
        """Accounts of generation 2 whose refresh token may still be exchanged."""
        return self.of_generation("2.0").filter(reconnect_required_at=None).exclude(refresh_token="")


class ConnectedVehicleQuerySet(models.QuerySet[Any]):
    def for_user(self, user: Any) -> ConnectedVehicleQuerySet:
        """The cars of this local user; of nobody, for an anonymous one."""
        return self.filter(account__smartcar_user__user_id=user.pk) if user.pk else self.none()

    def connected(self) -> ConnectedVehicleQuerySet:
        """Cars that Smartcar still lets this site reach."""
        return self.filter(disconnected_at=None)


class ConnectAttemptQuerySet(models.QuerySet[Any]):
    def open(self, now: datetime) -> ConnectAttemptQuerySet:
        """Attempts that a callback may still finish."""
        return self.filter(consumed_at=None, expires_at__gt=now)
