"""One side of a comparison, in a process of its own: prints what it took, as JSON.

``python -m benchmarks.side make NUMBER``, ``ours CONCURRENCY`` or ``sdk``.
"""

import json
import os
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from django_smartcar.models import SmartcarAccount, SmartcarUser  # noqa: E402

TABLE = SmartcarAccount._meta.db_table


def make(number: str) -> None:
    """So many accounts, all of them due."""
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


def ours(concurrency: str) -> None:
    with open(os.devnull, "w") as nowhere:
        call_command("refresh_smartcar_tokens", concurrency=int(concurrency), stdout=nowhere)


def sdk() -> None:
    """Smartcar's SDK as its documentation uses it: one token after the other, each pair saved at once.

    It is spared the ORM and the encryption.
    """
    sys.path.insert(0, str(Path(sys.prefix) / "official" / "smartcar-6.19.1"))
    import smartcar

    client = smartcar.AuthClient("id", "secret", "https://your.site/callback")
    save = f"UPDATE {TABLE} SET access_token = %s, refresh_token = %s, token_version = 1 WHERE id = %s"  # noqa: S608
    keys = list(SmartcarAccount.objects.order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        for key in keys:
            access = client.exchange_refresh_token(f"{key:036}")
            cursor.execute(save, [access.access_token, access.refresh_token, key])


def main(side: str, *arguments: str) -> None:
    # What Python and Django take to start is nobody's merit.
    connection.ensure_connection()
    since, used = time.time(), time.process_time()
    {"make": make, "ours": ours, "sdk": sdk}[side](*arguments)
    told = {
        "since": since,
        "until": time.time(),
        "cpu": time.process_time() - used,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    left = SmartcarAccount.objects.filter(token_version=0).count()
    json.dump({**told, "left": left}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
