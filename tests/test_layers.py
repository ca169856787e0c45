"""The floors of the house: a file imports only from floors below its own (see CONTRIBUTING.rst)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "django_smartcar"

FLOORS = {
    "pytest_plugin": 8,
    "testing": 7,
    "urls": 6,
    "views": 5,
    "admin": 5,
    "management": 5,
    "templatetags": 5,
    "tasks": 5,
    "doctor": 4,
    "services": 3,
    "apps": 3,
    "models": 2,
    "exceptions": 2,
    "checks": 2,
    "sdk": 1,
    "fields": 1,
    "querysets": 1,
    "signals": 1,
    "engines": 0,
    "conf": 0,
}

#: Inside a room, from the top down.
STAIRS = {
    "testing": [{"__init__"}, {"runner"}, {"simulated", "webhooks"}, {"dispatch", "gate"}],
    "services": [
        {"connect", "reauthentication", "migration", "erasure", "export", "syncing", "webhooks"},
        {"dispatch"},
        {"inbox"},
        {"arrivals"},
        {"vehicles", "commands", "ownership", "rounds"},
        {"subscriptions"},
        {"cars", "facts", "attempts", "readings", "refreshing"},
        {"records"},
        {"tokens", "orders", "governor"},
        {"leases"},
        {"client", "outside", "side_by_side", "ledger", "claims"},
        {"plausible"},
    ],
    "sdk": [
        {"__init__"},
        {"vehicle", "v3"},
        {"vehicle_v3"},
        {"management", "management_v2", "commands", "answers", "translation", "compatibility"},
        {"connections", "stored"},
        {"api", "auth", "resources", "reads"},
        {"requester", "bodies"},
        {"exceptions"},
        {"envelopes", "service_records"},
        {"webhooks"},
        {"older_events"},
        {"events"},
        {"signals"},
        {"units", "shapes", "connect", "limits", "faults", "session"},
        {"const"},
    ],
    "doctor": [
        {"__init__"},
        {"work", "dashboard"},
        {"webhook", "credentials"},
        {"hosts", "site"},
        {"findings"},
    ],
    "models": [
        {"__init__"},
        {"commands", "attempts", "readings", "webhooks"},
        {"vehicles"},
        {"accounts", "kinds"},
        {"tokens", "external_ids"},
    ],
}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def parts_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts


def room_of(parts):
    return parts[0] if parts else ""


def imports(path):
    """What a file imports: absolute dotted names, relative ones resolved."""
    tree = ast.parse(path.read_text())
    package = ("django_smartcar", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = (*start, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                yield (*module, alias.name)


def used_of_requests(path):
    """The names of ``requests`` that a file touches: what it raises and returns is not what sends."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "requests"
    }


def own_imports(path):
    return [name[1:] for name in imports(path) if name[0] == "django_smartcar"]


def ids(path):
    return "/".join(parts_of(path))


def test_there_is_something_to_read():
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_a_file_imports_only_from_floors_below(path):
    parts = parts_of(path)
    room = room_of(parts)
    if parts == ("__init__",):
        assert not list(imports(path))
        return
    for name in own_imports(path):
        target = room_of(name)
        if target == "simulator" and room == "testing":
            continue  # it brings the two together
        if room == "simulator" or target == "simulator":
            assert room == target == "simulator", f"{path} imports {'.'.join(name)}"
        elif target in ("__version__", room):
            continue
        else:
            assert FLOORS[target] < FLOORS[room], f"{path} imports {'.'.join(name)}"


@pytest.mark.parametrize("path", [path for path in FILES if room_of(parts_of(path)) in STAIRS], ids=ids)
def test_a_file_imports_only_down_the_stairs_of_its_room(path):
    room, *rest = parts_of(path)
    steps = {name: level for level, names in enumerate(STAIRS[room]) for name in names}
    if room == "services" and rest == ["__init__"]:
        return
    for target, *more in own_imports(path):
        if target == room and more and more[0] in steps:
            assert steps[more[0]] > steps[rest[0]], f"{path} imports {more[0]}"


#: pytest loads its plugins before Django's apps are there.
TOO_EARLY = ("pytest_plugin",)


@pytest.mark.parametrize("path", [path for path in FILES if parts_of(path) != TOO_EARLY], ids=ids)
def test_no_import_hides_inside_a_function(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            hidden = [inner for inner in ast.walk(node) if isinstance(inner, (ast.Import, ast.ImportFrom))]
            assert not hidden, f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_the_network_and_the_settings_are_touched_in_one_file_each(path):
    parts = parts_of(path)
    room = room_of(parts)
    names = {name[0] for name in imports(path)} | {".".join(name) for name in imports(path)}
    if room == "testing":
        return  # it stands in for the network, and for the settings
    senders = (("sdk", "requester"), ("sdk", "session"), ("simulator", "sender"))
    if "requests" in names and parts not in senders:
        assert room == "sdk"
        assert used_of_requests(path) <= {
            "Request",
            "PreparedRequest",
            "Response",
            "HTTPError",
            "RequestException",
        }
    if room == "sdk":
        assert not any(name.split(".")[0] == "django" for name in names)
    if "django.conf.settings" in names and room != "simulator":
        assert parts == ("conf",) or room in ("models", "checks", "doctor")
    if any(name[:1] == ("sdk",) for name in own_imports(path)) and room != "sdk":
        assert room in ("services", "exceptions", "doctor")


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_files_and_functions_stay_short(path):
    assert len(path.read_text().splitlines()) <= 250
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < 40, f"{path}:{node.lineno} {node.name}"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_no_room_for_everything(path):
    assert not {"utils", "helpers", "common", "base"} & set(parts_of(path))
