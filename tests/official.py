"""Smartcar's own Python SDKs, each in a folder of its own, because both are named ``smartcar``."""

import sys
from pathlib import Path

from .missing import skip_or_fail


def path_of(version: str) -> Path:
    """Return the folder of this version of ``smartcar``; ``run.py test`` installs it."""
    folder = Path(sys.prefix) / "official" / f"smartcar-{version}"
    if not folder.is_dir():
        skip_or_fail(f"smartcar {version} is not installed in {folder}: `python3 run.py test` installs it")
    return folder
