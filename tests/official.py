"""Smartcar's own Python SDKs, as published, each in a folder of its own (both are named ``smartcar``)."""

import sys
from pathlib import Path

from .requirements import lack


def path_of(version: str) -> Path:
    """The folder that holds ``smartcar`` of this version; ``run.py test`` puts it there."""
    folder = Path(sys.prefix) / "official" / f"smartcar-{version}"
    if not folder.is_dir():
        lack(f"smartcar {version} is not installed in {folder}: `python3 run.py test` installs it")
    return folder
