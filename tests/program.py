"""Program that runs ``main()`` of a module of the tests in the example project; see `databases.run`."""

import json
import sys
from importlib import import_module

import django
import pymysql
from django.core.management import call_command


def main(name: str) -> None:
    pymysql.install_as_MySQLdb()
    django.setup()
    call_command("migrate", verbosity=0)
    # Models can be imported only after setup().
    json.dump(import_module(f"tests.{name}").main(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
