"""The layers of the package, read from its imports.

1. A package imports only from layers below its own: the table LAYERS, from the top down.
2. The simulator imports nothing of the rest, and of the rest only ``testing`` imports it.
3. There are no import cycles between modules, nor between the packages inside services, sdk and simulator.
4. A module whose name begins with an underscore is imported only inside the package that holds it.
5. Only ``services``, ``diagnostics``, ``exceptions`` and ``testing`` import the SDK, which imports no Django.
6. Only ``sdk/_http`` sends requests; the simulator sends its webhooks in ``simulator/webhooks/http.py``.
7. Only ``conf`` reads the settings ``SMARTCAR_…``; a few packages read Django's own (databases, users).
8. Each transaction names its database, and services read from the one that they write to.
9. No function imports a module or is longer than 40 lines, and no module is called utils.
"""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "django_smartcar"

LAYERS = [
    {"pytest_plugin"},
    {"testing"},
    {"endpoint_urls"},
    {"urls"},
    {"templatetags"},
    {"views", "admin", "management", "tasks"},
    {"diagnostics", "charts"},
    {"services", "apps"},
    {"models", "exceptions", "checks"},
    {"_error_messages"},
    {"sdk", "fields", "querysets", "signals", "addresses", "databases"},
    {"conf", "task_backends"},
    {"secret_types", "late"},
]
LAYER = {name: len(LAYERS) - number for number, names in enumerate(LAYERS) for name in names}

#: ``testing`` replaces the network in tests. The types of requests may be used elsewhere in the SDK.
SENDERS = {("sdk", "_http"), ("simulator", "webhooks", "http"), ("testing",)}
HTTP_CLIENTS = {"requests", "urllib3", "http.client", "urllib.request", "httpx"}
TYPES_OF_REQUESTS = {"Request", "PreparedRequest", "Response", "HTTPError", "RequestException"}

#: pytest loads its plugins before Django's apps are loaded.
IMPORTS_LATE = ("pytest_plugin",)

FILES = {
    path.relative_to(PACKAGE).with_suffix("").parts: ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
    if "migrations" not in path.parts
}
MODULES = {parts[:-1] if parts[-1] == "__init__" else parts for parts in FILES}


@cache
def imports(parts):
    """Return the absolute names that a file imports, as tuples; ``from . import a`` gives ``(…, "a")``."""
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
    """Return the names inside ``django_smartcar`` that a file imports."""
    return [name[1:] for name in imports(parts) if name[0] == "django_smartcar"]


def module_of(name):
    """Return the module that an imported name is, or that defines it."""
    return name if name in MODULES else name[:-1]


def functions(parts):
    return [n for n in ast.walk(FILES[parts]) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def is_below(parts, folders):
    return any(parts[: len(folder)] == folder for folder in folders)


def is_part_of(name, module):
    return name == module or name.startswith(f"{module}.")


def is_our_setting(node):
    """Return whether a node of the syntax tree is ``settings.SMARTCAR_…``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr.startswith("SMARTCAR_")
        and isinstance(node.value, ast.Name)
        and node.value.id == "settings"
    )


def find_cycle(edges):
    """Return the nodes of a cycle in a graph, or an empty list."""
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
                is_allowed = here == target or here == "testing"
            elif target == "__version__" or here == target:
                is_allowed = True
            else:
                is_allowed = here != "__init__" and LAYER[target] < LAYER[here]
            if not is_allowed:
                wrong.append((parts, name))
    assert not wrong
    assert len(FILES) > 100


def test_modules_have_no_import_cycles():
    edges = {}
    for parts in FILES:
        here = parts[:-1] if parts[-1] == "__init__" else parts
        edges[here] = {module_of(name) for name in own_imports(parts)} - {here, ()}
    assert not find_cycle(edges)


def test_the_packages_of_a_layer_have_no_import_cycles():
    for layer in ("services", "sdk", "simulator"):
        packages = {parts[:2] for parts in FILES if parts[0] == layer and len(parts) > 2}
        edges = {package: set() for package in packages}
        for parts in FILES:
            if parts[:2] in packages and len(parts) > 2:
                targets = {name[:2] for name in own_imports(parts)} & packages
                edges[parts[:2]] |= targets - {parts[:2]}
        assert not find_cycle(edges), layer


def test_a_private_module_is_imported_only_by_its_own_package():
    wrong = []
    for parts in FILES:
        for name in own_imports(parts):
            module = module_of(name)
            private = next((n for n, part in enumerate(module) if part.startswith("_")), None)
            if private is not None and parts[:private] != module[:private]:
                wrong.append((parts, name))
    assert not wrong


def test_only_some_packages_use_the_sdk_the_network_and_the_settings():
    wrong = []
    for parts, tree in FILES.items():
        names = {".".join(name) for name in imports(parts)}
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "requests"
        }
        is_harmless = parts[0] == "sdk" and used <= TYPES_OF_REQUESTS
        clients = {client for client in HTTP_CLIENTS for name in names if is_part_of(name, client)}
        if clients and not is_below(parts, SENDERS) and not (is_harmless and clients == {"requests"}):
            wrong.append((parts, "sends requests"))
        if parts[0] == "sdk" and any(is_part_of(name, "django") for name in names):
            wrong.append((parts, "imports Django"))
        may_read = (
            "addresses",
            "conf",
            "databases",
            "simulator",
            "models",
            "checks",
            "diagnostics",
            "testing",
        )
        if "django.conf.settings" in names and parts[0] not in may_read:
            wrong.append((parts, "reads the settings"))
        if parts[0] not in ("conf", "simulator") and any(map(is_our_setting, ast.walk(tree))):
            wrong.append((parts, "reads a setting SMARTCAR_… without conf"))
        may_import_the_sdk = ("sdk", "services", "exceptions", "_error_messages", "diagnostics", "testing")
        if any(name[0] == "sdk" for name in own_imports(parts)) and parts[0] not in may_import_the_sdk:
            wrong.append((parts, "imports the SDK"))
    assert not wrong


#: Services that only read, for pages and downloads: they may use a replica.
READ_ONLY = {("services", "signals"), ("services", "fleet"), ("services", "privacy", "export")}
#: Methods of managers that use the database of writes by themselves.
WRITES = {"bulk_create", "bulk_update", "create", "get_or_create", "update_or_create", "using"}


def test_every_transaction_names_its_database_and_services_read_from_the_primary():
    wrong = []
    for parts, tree in FILES.items():
        if parts[0] in ("simulator", "testing"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                names_alias = bool(node.args) or any(keyword.arg == "using" for keyword in node.keywords)
                if name in ("atomic", "refresh_from_db") and not names_alias:
                    wrong.append((parts, name, node.lineno))
                if name == "on_commit" and all(keyword.arg != "using" for keyword in node.keywords):
                    wrong.append((parts, name, node.lineno))
            is_manager = isinstance(node, ast.Attribute) and getattr(node.value, "attr", "") == "objects"
            if is_manager and parts[0] == "services" and parts not in READ_ONLY and node.attr not in WRITES:
                wrong.append((parts, node.attr, node.lineno))
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "non_atomic_requests"
                and parts[0] != "databases"
            ):
                wrong.append((parts, node.attr, node.lineno))
    assert not wrong


def test_functions_are_short_and_import_no_modules():
    wrong = []
    for parts in FILES:
        for function in functions(parts):
            if (function.end_lineno or 0) - function.lineno >= 40:
                wrong.append((parts, function.name, "is longer than 40 lines"))
            inner = [node for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]
            if inner and parts != IMPORTS_LATE:
                wrong.append((parts, function.name, "imports"))
    assert not wrong


def test_no_module_is_called_utils():
    assert not [parts for parts in FILES if {"utils", "helpers", "common", "base"} & set(parts)]
