"""Program that creates the tables and the users of a site."""

import django
from django.conf import settings
from django.core.management import call_command


def main():
    django.setup()
    for alias in [alias for alias, database in settings.DATABASES.items() if database.get("ENGINE")]:
        call_command("migrate", database=alias, verbosity=0)
    # Models can be imported only after setup().
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    users.create_user("anna", password="anna")
    users.create_superuser("operator", password="operator")


if __name__ == "__main__":
    main()
