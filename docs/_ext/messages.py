"""What the app says when something is wrong, and its advice, read from the source: many texts are f-strings.

A value that is known when the code runs only is shown as "…".
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

#: A text with fewer words than this says nothing without its values.
_FEWEST_WORDS = 3


#: In place of an advice that is not one string of the source.
DEPENDS = "The hint says it: it depends on the case."


def check_smartcar(package: Path) -> Iterator[tuple[str, str]]:
    """Yield each message of ``check_smartcar`` that needs attention, with its advice."""
    constants = _constants(package)
    for path in sorted(package.glob("diagnostics/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = constants | _strings(tree, constants)
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Tuple)]
        for node in sorted(nodes, key=lambda node: node.lineno):
            is_call = isinstance(node, ast.Call) and _name(node.func) in ("wrong", "warning", "found")
            parts = node.args if is_call else getattr(node, "elts", [])
            if len(parts) == 2 and _says_something(message := _text(parts[0], names)):
                advice = _text(parts[1], names)
                yield message, advice if _says_something(advice) else DEPENDS


def hints(package: Path) -> dict[str, str]:
    """Return the hint of each system check, by its id: the first, if there are several."""
    found: dict[str, str] = {}
    constants = _constants(package)
    for path in sorted(package.glob("checks/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = constants | _strings(tree, constants)
        for node in ast.walk(tree):
            arguments = {part.arg: part.value for part in getattr(node, "keywords", []) if part.arg}
            if {"id", "hint"} <= set(arguments):
                hint = _text(arguments["hint"], names)
                found.setdefault(_text(arguments["id"], names), hint if _says_something(hint) else DEPENDS)
    return found


def _says_something(text: str) -> bool:
    return len(re.findall(r"\w+", text)) >= _FEWEST_WORDS


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _constants(package: Path) -> dict[str, str]:
    """Return the constants of all modules with checks, which others import."""
    paths = [*package.glob("checks/*.py"), *package.glob("diagnostics/*.py"), package / "fields.py"]
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in paths)
    return {name: text for tree in trees for name, text in _strings(tree, {}).items() if name.isupper()}


def _strings(tree: ast.Module, constants: dict[str, str]) -> dict[str, str]:
    """Return the strings that are assigned to a name, once."""
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    counts = Counter(_name(target) for node in assigned for target in node.targets)
    found = {_name(node.targets[0]): _text(node.value, constants) for node in assigned}
    return {name: text for name, text in found.items() if counts[name] == 1 and text != "…"}


def _text(node: ast.expr, names: dict[str, str]) -> str:
    """Return the text of an expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = re.sub(r"{[a-z]{2,}}", "…", node.value)
    elif isinstance(node, ast.JoinedStr):
        constants = {name: text for name, text in names.items() if name.isupper()}
        text = "".join(_text(part, constants) for part in node.values)
    elif isinstance(node, ast.FormattedValue):
        text = _text(node.value, names)
    else:
        text = names.get(_name(node), "…")
    return re.sub("…+", "…", text)
