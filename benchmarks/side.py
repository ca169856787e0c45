"""One side of a comparison, in a process of its own: prints what it took, as JSON.

``python -m benchmarks.side SUBJECT SIDE [ARGUMENT …]``: the functions of ``benchmarks.sides``.
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
