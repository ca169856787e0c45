"""Run one side of a comparison in this process and print its result as JSON.

``python -m benchmarks.side SUBJECT SIDE [ARGUMENT …]`` calls a function of ``benchmarks.sides.SUBJECT``.
"""

import importlib
import json
import sys

import django
from django.db import connection


def main(subject: str, side: str, *arguments: str) -> None:
    django.setup()
    connection.ensure_connection()
    module = importlib.import_module(f"benchmarks.sides.{subject}")
    json.dump(getattr(module, side)(*arguments), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
