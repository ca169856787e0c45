"""Axe-core, which finds accessibility problems of the page in the browser."""

import sys
from pathlib import Path

from ..missing import skip_or_fail

VERSION = "4.14.1"

#: What the templates of Django's admin have around the pages of this app.
OF_DJANGO = ["#changelist-filter", "#nav-sidebar", "#toolbar", ".breadcrumbs"]


def script(version=VERSION):
    """Return the source of axe-core; ``run.py test`` installs it."""
    folder = Path(sys.prefix) / "official" / f"axe-core-{version}"
    path = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        skip_or_fail(
            f"axe-core {version} is not installed in {folder}: `python3 run.py test` installs it with npm"
        )
    return path.read_text()


def problems(browser, but=()):
    """Return what axe-core finds on the page, but for these selectors: one line for each element.

    All its rules of WCAG 2.2 AA are on.
    """
    browser.execute_script(script())
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    result = browser.execute_async_script(
        "axe.run({exclude: arguments[0]}, arguments[1]).then(arguments[arguments.length - 1])", but, options
    )
    return [
        f"{found['id']}: {node['target'][0]}: {node['failureSummary']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]
