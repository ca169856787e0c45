"""Axe-core, which finds accessibility problems of the page in the browser."""

import sys
from pathlib import Path

from ..missing import skip_or_fail

VERSION = "4.14.1"


def script(version=VERSION):
    """Return the source of axe-core; ``run.py test`` installs it."""
    folder = Path(sys.prefix) / "official" / f"axe-core-{version}"
    path = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        skip_or_fail(
            f"axe-core {version} is not installed in {folder}: `python3 run.py test` installs it with npm"
        )
    return path.read_text()


def problems(browser):
    """Return what axe-core finds on the page, one line for each element. All its rules are on."""
    browser.execute_script(script())
    result = browser.execute_async_script(
        "axe.run(document, {resultTypes: ['violations']}).then(arguments[arguments.length - 1])"
    )
    return [
        f"{found['id']}: {node['target'][0]}: {node['failureSummary']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]
