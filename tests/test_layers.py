"""The layers of the package, read from its imports.

1. A package imports only from layers below its own: the table LAYERS, from the top down.
2. The simulator imports nothing of the rest, and of the rest only ``testing`` imports it.
3. Modules do not import each other in a circle, and neither do the packages of a layer.
4. A module whose name begins with an underscore is imported only inside the package that holds it.
5. Only ``services``, ``diagnostics`` and ``exceptions`` import the SDK, which imports no Django.
6. Only ``sdk/_http`` sends a request; the simulator sends its webhooks in ``simulator/webhooks/http.py``.
7. Only ``conf`` reads a setting; what belongs to Django (databases, users) others may read, too.
8. No import stands inside a function, no function is longer than 40 lines, and nothing is called utils.
"""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "django_smartcar"

LAYERS = [
    {"pytest_plugin"},
    {"testing"},
    {"urls"},
    {"views", "admin", "management", "templatetags", "tasks"},
    {"diagnostics"},
    {"services", "apps"},
    {"models", "exceptions", "checks"},
    {"_error_messages"},
    {"sdk", "fields", "querysets", "signals"},
    {"conf", "task_backends"},
    {"secret_types"},
]
LAYER = {name: len(LAYERS) - number for number, names in enumerate(LAYERS) for name in names}

#: What stands in for the network may name what it stands in for; types of requests send nothing.
SENDERS = {("sdk", "_http"), ("simulator", "webhooks", "http"), ("testing",)}
TYPES_OF_REQUESTS = {"Request", "PreparedRequest", "Response", "HTTPError", "RequestException"}

#: pytest loads its plugins before Django's apps are there.
IMPORTS_LATE = ("pytest_plugin",)

FILES = {
    path.relative_to(PACKAGE).with_suffix("").parts: ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
    if "migrations" not in path.parts
}
MODULES = {parts[:-1] if parts[-1] == "__init__" else parts for parts in FILES}


@cache
def imports(parts):
    """What a file imports, as absolute dotted names in parts: ``from .. import a`` gives that ``a``."""
    found = []
    for node in ast.walk(FILES[parts]):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ("django_smartcar", *parts[:-1])
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = (*start, *(node.module.split(".") if node.module else ()))
            found += [(*module, alias.name) for alias in node.names]
    return found


def own_imports(parts):
    return [name[1:] for name in imports(parts) if name[0] == "django_smartcar"]


def module_of(name):
    """The module that an imported name is, or is in."""
    return name if name in MODULES else name[:-1]


def functions(parts):
    return [n for n in ast.walk(FILES[parts]) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def is_below(parts, folders):
    return any(parts[: len(folder)] == folder for folder in folders)


def circle(edges):
    """The names on a circle of a graph; none if there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_a_package_imports_only_from_layers_below():
    wrong = []
    for parts in FILES:
        for name in own_imports(parts):
            here, target = parts[0], name[0]
            if here == "simulator" or target == "simulator":
                is_fine = here == target or here == "testing"
            elif target == "__version__" or here == target:
                is_fine = True
            else:
                is_fine = here != "__init__" and LAYER[target] < LAYER[here]
            if not is_fine:
                wrong.append((parts, name))
    assert not wrong
    assert len(FILES) > 100


def test_no_module_imports_itself_by_way_of_others():
    edges = {}
    for parts in FILES:
        here = parts[:-1] if parts[-1] == "__init__" else parts
        edges[here] = {module_of(name) for name in own_imports(parts)} - {here, ()}
    assert not circle(edges)


def test_packages_of_a_layer_do_not_import_each_other_in_a_circle():
    for layer in ("services", "sdk", "simulator"):
        packages = {parts[:2] for parts in FILES if parts[0] == layer and len(parts) > 2}
        edges = {package: set() for package in packages}
        for parts in FILES:
            if parts[:2] in packages and len(parts) > 2:
                targets = {name[:2] for name in own_imports(parts)} & packages
                edges[parts[:2]] |= targets - {parts[:2]}
        assert not circle(edges), layer


def test_what_is_private_to_a_package_is_imported_only_there():
    wrong = []
    for parts in FILES:
        for name in own_imports(parts):
            module = module_of(name)
            private = next((n for n, part in enumerate(module) if part.startswith("_")), None)
            if private is not None and parts[:private] != module[:private]:
                wrong.append((parts, name))
    assert not wrong


def test_the_sdk_the_network_and_the_settings_have_one_place_each():
    wrong = []
    for parts, tree in FILES.items():
        names = {".".join(name) for name in imports(parts)}
        imported = {name.split(".")[0] for name in names}
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "requests"
        }
        is_harmless = parts[0] == "sdk" and used <= TYPES_OF_REQUESTS
        if "requests" in imported and not is_below(parts, SENDERS) and not is_harmless:
            wrong.append((parts, "sends requests"))
        if parts[0] == "sdk" and "django" in imported:
            wrong.append((parts, "imports Django"))
        may_read = ("conf", "simulator", "models", "checks", "diagnostics", "testing")
        if "django.conf.settings" in names and parts[0] not in may_read:
            wrong.append((parts, "reads the settings"))
        may_import_the_sdk = ("sdk", "services", "exceptions", "_error_messages", "diagnostics", "testing")
        if any(name[0] == "sdk" for name in own_imports(parts)) and parts[0] not in may_import_the_sdk:
            wrong.append((parts, "imports the SDK"))
    assert not wrong


def test_functions_are_short_and_import_nothing():
    wrong = []
    for parts in FILES:
        for function in functions(parts):
            if (function.end_lineno or 0) - function.lineno >= 40:
                wrong.append((parts, function.name, "is longer than 40 lines"))
            inner = [node for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]
            if inner and parts != IMPORTS_LATE:
                wrong.append((parts, function.name, "imports"))
    assert not wrong


def test_nothing_is_called_utils():
    assert not [parts for parts in FILES if {"utils", "helpers", "common", "base"} & set(parts)]
