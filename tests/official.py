"""Smartcar's own SDKs, each in a folder of its own: the Python ones are both named ``smartcar``."""

import shutil
import sys
from pathlib import Path

from .missing import skip_or_fail


def path_of(version: str) -> Path:
    """Return the folder of this version of ``smartcar``; ``run.py test`` installs it."""
    return _installed(f"smartcar-{version}", f"smartcar {version}")


def node_sdk(version: str) -> tuple[str, Path]:
    """Return Node and the folder of the modules of its SDK; ``run.py test`` installs the SDK."""
    node = shutil.which("node")
    if node is None:
        skip_or_fail("Node is not installed: Smartcar's SDK for it was not tried")
    return node, _installed(f"node-smartcar-{version}", f"smartcar {version} for Node") / "node_modules"


def _installed(name: str, what: str) -> Path:
    folder = Path(sys.prefix) / "official" / name
    if not folder.is_dir():
        skip_or_fail(f"{what} is not installed in {folder}: `python3 run.py test` installs it")
    return folder
