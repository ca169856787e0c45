"""Program that creates the tables and the users of a site."""

import django
from django.core.management import call_command
from django.db import connections


def is_own(alias):
    """Return whether a database is there, and is not a replica of another."""
    database = connections[alias].settings_dict
    return "dummy" not in database["ENGINE"] and not database.get("TEST", {}).get("MIRROR")


def main():
    django.setup()
    for alias in filter(is_own, connections):
        call_command("migrate", database=alias, verbosity=0)
    # Models can be imported only after setup().
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    users.create_user("anna", password="anna")
    users.create_superuser("operator", password="operator")


if __name__ == "__main__":
    main()
