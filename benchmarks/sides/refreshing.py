import os
import sys
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from benchmarks.measuring import measured
from benchmarks.sides import OFFICIAL
from django_smartcar.models import SmartcarAccount, SmartcarUser

TABLE = SmartcarAccount._meta.db_table


def prepare(number: str) -> dict:
    """Create this many accounts whose tokens are all due for a refresh."""
    call_command("migrate", verbosity=0)
    SmartcarAccount.objects.all().delete()
    anna, _ = get_user_model().objects.get_or_create(username="anna")
    driver, _ = SmartcarUser.objects.get_or_create(id="driver", user=anna)
    ends = timezone.now() + timedelta(minutes=10)
    accounts = (
        SmartcarAccount(
            smartcar_user=driver,
            api_version="2.0",
            access_token=f"{number:036}",
            refresh_token=f"{number:036}",
            access_expires_at=ends,
            refresh_expires_at=ends + timedelta(days=50),
        )
        for number in range(int(number))
    )
    SmartcarAccount.objects.bulk_create(accounts, batch_size=500)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM ANALYZE {TABLE}")
    return {"remaining": remaining()}


def ours(concurrency: str) -> dict:
    with open(os.devnull, "w") as devnull, measured() as measurement:
        call_command("refresh_smartcar_tokens", concurrency=int(concurrency), stdout=devnull)
    return {**measurement, "remaining": remaining()}


def sdk() -> dict:
    """Refresh with Smartcar's SDK as it documents it: one token after the other, each pair saved at once.

    Without the ORM and without encryption.
    """
    with measured() as measurement:
        sys.path.insert(0, str(OFFICIAL))
        import smartcar

        client = smartcar.AuthClient("id", "secret", "https://your.site/callback")
        save = f"UPDATE {TABLE} SET access_token = %s, refresh_token = %s, token_version = 1 WHERE id = %s"  # noqa: S608
        keys = list(SmartcarAccount.objects.order_by("pk").values_list("pk", flat=True))
        with connection.cursor() as cursor:
            for key in keys:
                access = client.exchange_refresh_token(f"{key:036}")
                cursor.execute(save, [access.access_token, access.refresh_token, key])
    return {**measurement, "remaining": remaining()}


def remaining() -> int:
    return SmartcarAccount.objects.filter(token_version=0).count()
