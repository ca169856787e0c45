"""Smartcar's own SDKs, each in a folder of its own: the Python ones are both named ``smartcar``."""

import shutil
import sys
from pathlib import Path

from .missing import skip_or_fail


def path_of(version: str) -> Path:
    """Return the folder of this version of ``smartcar``; ``run.py test`` installs it."""
    folder = _folder(version)
    if not folder.is_dir():
        skip_or_fail(f"smartcar {version} is not installed in {folder}: `python3 run.py test` installs it")
    return folder


def node_sdk(version: str) -> tuple[str, Path]:
    """Return Node and the folder of the modules of its SDK; ``run.py test`` installs the SDK."""
    node, modules = shutil.which("node"), _folder(version) / "node_modules"
    if node is None:
        skip_or_fail("Node is not installed: Smartcar's SDK for it was not tried")
    if not modules.is_dir():
        skip_or_fail(f"smartcar {version} is not installed in {modules}: `python3 run.py test` installs it")
    return node, modules


def _folder(version: str) -> Path:
    return Path(sys.prefix) / "official" / f"smartcar-{version}"
