"""README.rst and docs/ agree with the code: what they name exists, and the generated tables are complete."""

import ast
import importlib
import importlib.util
import inspect
import re
import shlex
import subprocess
import textwrap
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.db import transaction
from django.template import Context, Engine
from django.test import override_settings
from django.urls import path
from django.utils import timezone

from django_smartcar import _error_messages, checks, diagnostics, exceptions, models, signals, testing
from django_smartcar.conf import Settings, conf
from django_smartcar.sdk.signals import TYPES
from django_smartcar.services import commands, vehicles
from django_smartcar.services.command_specs import COMMANDS
from django_smartcar.services.readings._observations import status_of
from django_smartcar.simulator import profiles, store
from django_smartcar.simulator.conf import Settings as SimulatorSettings

from .browser.screenshots import PICTURES
from .test_packaging import FIRST_STEPS, marked_code

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.rst"))
    if "_build" not in path.parts
}
PAGES["README.rst"] = (ROOT / "README.rst").read_text(encoding="utf-8")
ALL_TEXT = "\n".join(PAGES.values())
SITE_NAMES = {pattern.name for pattern in importlib.import_module("django_smartcar.urls").urlpatterns}
#: The margin, language and code of a block of code.
BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n(?:\1 +:.*\n)*\n((?:\1 +.*\n|\n)+)", re.M)


def load_extension(name):
    """Import a module of docs/_ext, which is not a package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_ext")
        return importlib.import_module(name)


reference, sentences, messages = map(load_extension, ("reference", "sentences", "messages"))


def table(name):
    return "\n".join(reference.TABLES[name]())


# The reference.


def test_each_table_is_on_a_page_and_each_page_names_a_table_that_exists():
    assert set(re.findall(r"^\.\. generated:: (\S+)$", ALL_TEXT, re.M)) == set(reference.TABLES)


@pytest.mark.parametrize("name", reference.TABLES)
def test_a_table_has_rows_and_whole_lines(name):
    lines = reference.TABLES[name]()
    assert len(lines) > 5
    assert not [line for line in lines if "\n" in line]
    assert "<secret>" not in "".join(lines)


def test_the_settings_have_their_defaults_whatever_the_site_has_set(settings):
    settings.SMARTCAR_TIMEOUT = 7
    settings.SMARTCAR_REGION = "EUROPE"
    text = table("settings")
    assert re.findall(r"^\.\. confval:: (\w+)$", text, re.M) == [
        name for name in vars(Settings) if name.startswith("SMARTCAR_")
    ]
    assert "confval:: SMARTCAR_TIMEOUT\n   :default: ``30``\n\n   Timeout of reads" in text
    assert 'confval:: SMARTCAR_REGION\n   :default: ``"US"``\n' in text
    assert settings.SMARTCAR_TIMEOUT == 7


@pytest.mark.parametrize("name", [name for name in vars(Settings) if name.startswith("SMARTCAR_")])
def test_the_page_shows_the_default_and_the_docstring_of_a_setting(name, settings):
    if hasattr(settings, name):
        delattr(settings, name)
    entry = re.compile(rf"^\.\. confval:: {name}\n   :default: ``(.*)``\n\n   (.*)\n$", re.M)
    ((default, text),) = entry.findall(table("settings"))
    assert ast.literal_eval(default) == getattr(conf, name)
    assert text == vars(Settings)[name].__doc__


def test_the_catalogue_has_every_signal_with_unit_permission_and_label():
    text = table("signals")
    assert len(TYPES) == 93
    for name, kind in TYPES.items():
        row = re.search(rf"^   \* - ``{name}``\n\n       {kind.code}\n((?:     - .*\n){{4}})", text, re.M)
        assert row, name
        label, meaning, unit, permission = (line.removeprefix("     - ") for line in row[1].splitlines())
        assert label.removesuffix(" (private)") == models.label_of(name)
        assert label.endswith(" (private)") == kind.is_private
        assert meaning == sentences.SIGNALS[name]
        assert unit.partition(",")[0] == f"{kind.json_type} {kind.unit}".strip()
        assert permission == f"``{kind.permission}``"


def is_a_sentence(text):
    return bool(re.fullmatch(r"(?:[A-Z]|``)[^\n]*\.", text)) and len(text) < 120


def test_every_signal_has_one_short_meaning_of_its_own():
    assert list(sentences.SIGNALS) == list(TYPES)
    assert not [text for text in sentences.SIGNALS.values() if not is_a_sentence(text)]
    assert len(set(sentences.SIGNALS.values())) == len(TYPES)


def test_every_permission_has_a_sentence():
    needed = {kind.permission for kind in TYPES.values()} | {spec.scope for spec in COMMANDS.values()}
    assert set(sentences.PERMISSIONS) == needed
    assert list(sentences.PERMISSIONS) == sorted(needed)
    assert not [text for text in sentences.PERMISSIONS.values() if not is_a_sentence(text)]


def test_every_exception_has_advice():
    classes = [name for name in exceptions.__all__ if isinstance(getattr(exceptions, name), type)]
    assert list(sentences.ADVICE) == classes
    assert not [text for text in sentences.ADVICE.values() if not is_a_sentence(text)]
    text = table("exceptions")
    assert all(f"     - {advice}\n" in text for advice in sentences.ADVICE.values())


def test_the_exceptions_have_the_sentence_for_the_driver():
    text = table("exceptions")
    for name in exceptions.__all__:
        if isinstance(getattr(exceptions, name), type):
            assert f"- ``{name}``\n" in text
    assert "This car is no longer connected." in text
    assert "Please try again in 30 seconds." in text


def test_the_other_tables_name_everything():
    expected = {
        "simulator-settings": [name for name in vars(SimulatorSettings) if name.startswith("SMARTCAR_")],
        "simulator-profiles": profiles.PROFILES,
        "django-signals": [
            name for name, value in vars(signals).items() if isinstance(value, signals.Signal)
        ],
        "checks": re.findall(r"smartcar\.[EW]\d+", checks.__doc__),
        "management-commands": [name for name, app in get_commands().items() if app == "django_smartcar"],
        "urls": [name for name in SITE_NAMES if name],
        "permissions": [
            "smartcar.lock_connectedvehicle",
            "smartcar.view_fleet",
            "smartcar.rerun_webhookevent",
        ],
        "driver-permissions": [*(kind.permission for kind in TYPES.values()), "control_security", "unlock"],
        "templates": ["smartcar/base.html", "smartcar/vehicle_list.html", "content"],
        "css-properties": ["--smartcar-primary", "--smartcar-radius"],
        "template-tags": ["smartcar_connect_button", "smartcar_signal", "ago"],
        "models": [name for name in models.__all__ if hasattr(getattr(models, name), "objects")],
    }
    for name, words in expected.items():
        text = table(name)
        assert words
        assert not [word for word in words if word not in text], name


def test_the_page_about_the_admin_names_every_permission():
    granted = set(re.findall(r"``(smartcar\.\w+)``", table("permissions")))
    assert set(re.findall(r"``(smartcar\.\w+)``", PAGES["howto/admin.rst"])) == granted


@pytest.mark.parametrize("name", ["urls", "permissions", "checks", "django-signals", "exceptions"])
def test_the_last_cell_of_each_row_says_something(name):
    rows = re.split(r"^   \* - ", table(name), flags=re.M)[2:]
    assert rows
    assert not [row for row in rows if row.strip().endswith("- –")]


def test_the_options_of_commands_are_those_of_the_parser():
    text = table("management-commands")
    assert "usage: manage.py refresh_smartcar_tokens" in text
    for option in ("--concurrency", "--jitter", "--limit", "--enqueue", "--dry-run", "--json", "--once"):
        assert option in text
    assert "--settings" not in text


def test_every_system_check_has_advice():
    hints = messages.hints(reference.PACKAGE)
    assert set(hints) == set(re.findall(r"smartcar\.[EW]\d+", checks.__doc__))
    depending = {name for name, hint in hints.items() if hint == messages.DEPENDS}
    assert depending == {"smartcar.E033", "smartcar.E051", "smartcar.W003"}
    assert hints["smartcar.E005"] == 'Set it to "live", "simulated" or "test".'


def pattern_of(text):
    return ".*".join(map(re.escape, text.split("…")))


def test_what_check_smartcar_finds_is_in_the_table(mock_api, make_account, make_vehicle, anna, lose_key):
    long_ago = timezone.now() - timedelta(days=1)
    account = make_account(anna, reconnect_required_at=long_ago)
    make_vehicle(account, reauthentication_required_at=long_ago)
    make_account(anna, "driver-b", access_expires_at=long_ago)
    lose_key()
    known = list(messages.check_smartcar(reference.PACKAGE))
    results = [
        (check, result)
        for check, result in diagnostics.run_checks("https://your.site")
        if result.outcome in ("wrong", "warning") and check != "settings"
    ]
    assert len({check for check, _ in results} & {"encryption", "tokens", "accounts", "network"}) == 4
    for _, result in results:
        advice = [advice for message, advice in known if re.search(pattern_of(message), result.text)]
        assert any(re.search(pattern_of(text), result.hint) for text in advice), result


def test_the_messages_of_the_page_about_trouble_are_those_of_the_code():
    """Each is the name of an exception, a type or code of Smartcar's, a check, or in the source."""
    page = PAGES["howto/troubleshoot.rst"].partition("Where else to look")[0]
    terms = [line for line in re.findall(r"^(\S.*)\n   \S", page, re.M) if not line.startswith("..")]
    found = [term for line in terms for term in re.findall("``(.+?)``", line)]
    assert len(found) > 25
    known = {":".join(filter(None, pair)) for pair in _error_messages.MESSAGES} | set(exceptions.__all__)
    known |= set(models.VehicleCommand.Status.values)
    not_ours = {"http://", "https://", "database is locked", "NetworkBlocked", "RATE_LIMIT:VEHICLE"}
    source = "\n".join(path.read_text() for path in (ROOT / "django_smartcar").rglob("*.py"))
    for term in {*found} - known - not_ours:
        assert re.search(pattern_of(term).replace(r"\ ", r'(?: |"\s+")'), source), term


# The steps of the installation, which tests/test_packaging.py carries out.


@pytest.mark.parametrize(
    ("page", "steps"), [("tutorial.rst", FIRST_STEPS), ("tutorial-live.rst", ["key", "cron"])]
)
def test_a_tutorial_has_the_marked_steps(page, steps):
    code = "\n".join(textwrap.dedent(block) for _, _, block in BLOCK.findall(PAGES[page]))
    for step in steps:
        assert not [line for line in marked_code()[step].splitlines() if line not in code], step


def test_the_pages_of_the_app_fill_the_blocks_of_the_layout_that_is_shown():
    layouts = (code for _, _found, code in BLOCK.findall(PAGES["howto/style.rst"]))
    (layout,) = (code for code in layouts if '"base.html"' in code)
    base = "".join(f"{{% block {name} %}}{{% endblock %}}" for name in ("page_title", "extra_head", "main"))
    page = '{% extends "smartcar/base.html" %}' + "".join(
        f"{{% block {name} %}}<{name}>{{% endblock %}}" for name in ("title", "head", "content")
    )
    templates = {"base.html": base, "smartcar/base.html": textwrap.dedent(layout).strip(), "page.html": page}
    engine = Engine(
        libraries={"static": "django.templatetags.static"},
        loaders=[("django.template.loaders.locmem.Loader", templates)],
    )
    text = engine.get_template("page.html").render(Context())
    assert all(f"<{name}>" in text for name in ("title", "head", "content"))
    assert "smartcar/smartcar.css" in text


# What the pages name.


def test_all_blocks_of_the_pages_are_documented():
    templates = ROOT / "django_smartcar" / "templates" / "smartcar"
    found = [re.findall(r"{% block (smartcar_\w+) %}", path.read_text()) for path in templates.glob("*.html")]
    documented = re.findall(r"\* - ``(smartcar_\w+)``", PAGES["howto/style.rst"])
    assert sorted(documented) == sorted(name for names in found for name in names)


def blocks(language):
    """Return the code blocks of all pages in a language, as pairs of page and code."""
    return [
        pytest.param(textwrap.dedent(code), id=f"{page}-{number}")
        for page, text in PAGES.items()
        for number, (_, found, code) in enumerate(BLOCK.findall(text))
        if found == language
    ]


@pytest.mark.parametrize("code", blocks("python"))
def test_python_compiles_and_what_it_imports_exists(code):
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith(("django", "celery")):
            for alias in node.names:
                member(node.module, alias.name)


@pytest.mark.parametrize("code", blocks("python"))
def test_functions_of_our_modules_take_the_arguments_of_a_call(code):
    tree = ast.parse(code)
    for function, call in our_calls(tree):
        if any(keyword.arg is None for keyword in call.keywords):
            continue
        keywords = {keyword.arg: None for keyword in call.keywords}
        inspect.signature(function).bind(*call.args, **keywords)


def member(module, name):
    """Return what ``from module import name`` imports."""
    found = importlib.import_module(module)
    return getattr(found, name) if hasattr(found, name) else importlib.import_module(f"{module}.{name}")


def our_calls(tree):
    """Yield each call of a function that the code has imported from this package, with the function."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("django_smartcar"):
            for alias in node.names:
                names[alias.asname or alias.name] = member(node.module, alias.name)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and inspect.isfunction(names.get(call.func.id)):
            yield names[call.func.id], call
        elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            owner = names.get(call.func.value.id)
            if inspect.ismodule(owner):
                yield getattr(owner, call.func.attr), call


def test_the_signature_of_a_call_is_checked():
    """The test above finds a wrong argument."""
    tree = ast.parse(
        "from django_smartcar.services import commands\ncommands.send(car, 'lock', 'now', actor=user)\n"
    )
    ((function, call),) = our_calls(tree)
    with pytest.raises(TypeError):
        inspect.signature(function).bind(*call.args, actor=None)


@pytest.mark.parametrize("code", blocks("console"))
def test_a_command_exists_and_takes_its_options(code):
    for line in code.splitlines():
        for match in re.finditer(r"(?:\bmanage(?:\.py)?|(?<=run\.py)) (\w+)([^|#]*)", line):
            name, rest = match[1], shlex.split(match[2].replace("<username>", "anna"))
            if "run.py" in line:
                assert f"def {name}(" in (ROOT / "run.py").read_text(encoding="utf-8")
            elif name in get_commands() and get_commands()[name] == "django_smartcar":
                load_command_class("django_smartcar", name).create_parser("manage.py", name).parse_args(rest)
            else:
                assert name in {*get_commands(), "db_worker", "prune_db_task_results", "collectstatic"}, name


@pytest.mark.parametrize("code", blocks("django"))
def test_a_template_compiles(code):
    libraries = {
        "smartcar": "django_smartcar.templatetags.smartcar",
        "i18n": "django.templatetags.i18n",
        "static": "django.templatetags.static",
    }
    Engine(libraries=libraries).from_string(code)


def test_the_script_of_the_page_about_deployment_runs_a_command_with_the_variables(tmp_path):
    codes = {found: textwrap.dedent(code) for _, found, code in BLOCK.findall(PAGES["howto/deploy.rst"])}
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$SMARTCAR_ENCRYPTION_KEYS" "$@"\n')
    python.chmod(0o700)
    (tmp_path / "env").write_text(codes["text"].replace('"…"', '"new old"'))
    script = codes["sh"].replace("/srv/mysite", str(tmp_path))
    command = ["sh", "-c", script, "manage", "prune_smartcar_events", "--days", "30"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert printed == "new old manage.py prune_smartcar_events --days 30\n"


def test_settings_that_are_named_exist():
    known = {*vars(Settings), *vars(SimulatorSettings)}
    named = set(re.findall(r"(?<!:)\bSMARTCAR_[A-Z0-9_]+\b", ALL_TEXT))
    assert named <= known


def test_commands_and_urls_and_permissions_and_exceptions_that_are_named_exist():
    ours = {name for name, app in get_commands().items() if app == "django_smartcar"}
    verbs = "|".join({name.partition("_")[0] for name in ours})
    assert set(re.findall(rf"\b(?:{verbs})_smartcar(?:_[a-z]+)?\b", ALL_TEXT)) <= ours
    assert set(re.findall(r"\bsmartcar:(\w+)\b", ALL_TEXT)) <= SITE_NAMES
    granted = set(re.findall(r"``(smartcar\.\w+)``", table("permissions")))
    default = {f"smartcar.view_{name.lower()}" for name in models.__all__}
    assert set(re.findall(r"``(smartcar\.[a-z]+_\w+)``", ALL_TEXT)) <= granted | default
    assert set(re.findall(r"``(\w+Exception)``", ALL_TEXT)) <= set(exceptions.__all__)


@pytest.mark.parametrize("module", sorted(set(re.findall(r"``(django_smartcar(?:\.\w+)+)``", ALL_TEXT))))
def test_a_dotted_name_exists(module):
    parts = module.split(".")
    for number in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:number]))
        except ModuleNotFoundError:
            continue
        for name in parts[number:]:
            thing = getattr(thing, name)
        return
    pytest.fail(module)


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"``((?:tests|benchmarks|docs)/[\w./]+)``", ALL_TEXT)))
)
def test_a_path_exists(name):
    assert (ROOT / name).exists()


@pytest.mark.parametrize("name", re.findall(r"include:: \.\./(\S+)", ALL_TEXT))
def test_a_file_that_is_included_exists(name):
    assert (ROOT / name).is_file()


def test_the_versions_are_those_of_the_metadata():
    metadata = (ROOT / "setup.cfg").read_text()
    rows = re.findall(r"^   \* - ([\d.]+).*\n     - (3\.\d+.*)$", PAGES["versions.rst"], re.M)
    assert [django for django, _ in rows] == re.findall(r"Framework :: Django :: (\d+\.\d+)", metadata)
    pythons = set(re.findall(r"3\.\d+", " ".join(python for _, python in rows)))
    assert pythons == set(re.findall(r"Programming Language :: Python :: (\d+\.\d+)", metadata))


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("429", "howto/troubleshoot"),
        ("ADR", "explanation/decisions"),
        ("backup", "howto/deploy"),
        ("Celery", "howto/workers"),
        ("CSP", "howto/deploy"),
        ("dark mode", "howto/style"),
        ("extension points", "howto/extend"),
        ("FAQ", "faq"),
        ("GDPR", "howto/privacy"),
        ("idempotency", "explanation/commands"),
        ("Kubernetes", "howto/machines"),
        ("LOGGING", "howto/deploy"),
        ("logout", "howto/login"),
        ("mock", "howto/simulator"),
        ("nginx", "howto/deploy"),
        ("PgBouncer", "howto/databases"),
        ("pip", "installation"),
        ("rate limit", "howto/many-vehicles"),
        ("scope", "howto/permissions"),
        ("staging", "howto/rehearse"),
        ("tire pressure", "reference/signals"),
        ("translation", "howto/translate"),
        ("upgrade", "versions"),
    ],
)
def test_a_page_is_in_the_index_under_the_word_that_somebody_searches(word, page):
    entries = ", ".join(re.findall(r"^\.\. index:: (.+)$", PAGES[f"{page}.rst"], re.M))
    assert word in re.split(r"[,;] ", entries)


# The code of the pages, run with a connected car.

#: Elsewhere: tests/test_pytest_plugin.py runs testing.rst, and the SDK's page shows what tests/sdk tests.
RUN = [case for case in blocks("python") if not case.id.startswith(("testing.rst", "reference/sdk.rst"))]
#: What a settings block may lack: these need a package or an app that the tests do not install.
NEED_INSTALLED_APPS = {"smartcar.E033", "smartcar.E051"}


@pytest.fixture
def simulator(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    settings.SMARTCAR_SCOPE = [
        *("required:read_vehicle_info", "read_odometer", "read_battery", "read_tires", "read_charge"),
        *("read_security", "control_security", "control_charge"),
    ]
    with testing.simulator("3") as simulator:
        yield simulator


@pytest.fixture
def names(simulator, django_user_model, monkeypatch):
    """Return the names that stand for the reader's own in the code, with a car that is connected."""
    for name in ("SMARTCAR_CLIENT_SECRET", "SMARTCAR_V2_CLIENT_SECRET", "OTHER_MANAGEMENT_TOKEN"):
        monkeypatch.setenv(name, f"secret-of-{name.lower()}")
    for name in ("command_finished", "webhook_received", "reconnect_required"):
        monkeypatch.setattr(getattr(signals, name), "receivers", [])
    user = django_user_model.objects.create_user("anna", email="anna@example.com")
    (vehicle,) = simulator.connect(user).vehicles
    vehicles.read(vehicle, ["battery_level", "is_locked"])
    notified = []
    return {
        "INSTALLED_APPS": [],
        "DATABASES": {"default": {}},
        "urlpatterns": [],
        "path": path,
        "transaction": transaction,
        "commands": commands,
        "request": SimpleNamespace(user=user),
        "user": user,
        "account": vehicle.account,
        "vehicle": vehicle,
        "fleet": [vehicle],
        "pk": vehicle.pk,
        "monday": timezone.now() - timedelta(days=7),
        "notified": notified,
        "notify": lambda *what: notified.append(what),
        "send_mail_to": notified.append,
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", RUN)
def test_the_code_of_a_page_runs_and_its_settings_pass_the_system_checks(code, names):
    before = set(names)
    exec(compile(code, "a page", "exec"), names)  # noqa: S102 (our own pages)
    own = {name: names[name] for name in names.keys() - before if name.startswith("SMARTCAR_")}
    with override_settings(DEBUG=True, **{name: value for name, value in own.items() if value}):
        found = {message.id for message in checks.check_settings() if message.is_serious()} if own else set()
    assert found <= NEED_INSTALLED_APPS


COMMAND = re.compile(r"^\$ (python manage.py .+[^\\\n])\n((?:(?!\$).+\n)+)", re.M)
#: Each command of the pages that is followed by its output, and that.
OUTPUTS = [
    pytest.param(command, output, id=command)
    for case in blocks("console")
    for command, output in re.findall(
        r"^\$ (python manage.py .+[^\\\n])\n((?:(?!\$).+\n)+)", case.values[0], re.M
    )
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("command", "output"), OUTPUTS)
def test_a_command_prints_what_a_page_shows(command, output, names):
    models.VehicleSignal.objects.update(received_at=timezone.now() - timedelta(days=1))
    models.ConnectedVehicle.objects.update(synced_at=None)
    name, *arguments = shlex.split(command)[2:]
    printed = StringIO()
    call_command(name, *arguments, stdout=printed)
    expected = re.sub(r"vehicle \d+", f"vehicle {names['pk']}", output)
    pattern = re.escape(expected).replace("…\\\n", r"(?:.*\n)*?").replace("…", ".*")
    assert re.fullmatch(pattern, printed.getvalue()), printed.getvalue()


def test_some_outputs_are_compared():
    assert len(OUTPUTS) >= 4


@pytest.mark.django_db(transaction=True)
def test_the_receivers_of_the_page_about_events_are_called(names, simulator):
    for case in RUN:
        if case.id.startswith("howto/events.rst"):
            exec(case.values[0], names)  # noqa: S102
    vehicle = names["vehicle"]
    simulator.car(vehicle).fault = "VEHICLE_STATE:ASLEEP"
    with pytest.raises(exceptions.StateException):
        commands.send(vehicle, "lock")
    assert names["notified"] == [(names["user"], "lock")]
    simulator.car(vehicle).fault = ""
    testing.send_webhook(simulator.state_event(vehicle))
    assert names["notified"][1:] == [names["user"]]


@pytest.mark.django_db(transaction=True)
def test_the_receiver_of_the_tutorial_prints_the_odometer(names, simulator, capsys):
    (code,) = (case.values[0] for case in RUN if "def print_odometer" in case.values[0])
    exec(code, names)  # noqa: S102
    vehicle = names["vehicle"]
    testing.send_webhook(simulator.state_event(vehicle))
    assert capsys.readouterr().out == f"{vehicle.name} {simulator.car(vehicle).odometer_km} km\n"


@pytest.mark.django_db(transaction=True)
def test_a_receiver_sees_what_the_page_about_events_says_of_an_implausible_value(names, simulator):
    told, stored = [], []

    def receive(vehicle, update, **kwargs):
        told.extend(signal["value"] for signal in update.signals if signal["name"] == "odometer")
        stored.append(vehicle.signals["odometer"].value)

    signals.webhook_received.connect(receive)
    vehicle = names["vehicle"]
    car = simulator.car(vehicle)
    for kilometres in (0, 5, 5000):
        store.advance(2)
        car.recorded_at = store.now()
        car.odometer_km += kilometres
        testing.send_webhook(simulator.state_event(vehicle))
    assert [after - before for before, after in pairwise(told)] == pytest.approx([5, 5000])
    assert stored == [told[0], told[1], told[1]]
    outliers = models.VehicleReading.objects.filter(vehicle=vehicle, is_outlier=True)
    assert [row.value for row in outliers] == [told[2]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "PERMISSION"}, {"read_odometer": "error", "read_engine_oil": "not_granted"}),
        ({"type": "COMPATIBILITY"}, {"read_odometer": "not_capable"}),
        ({"type": "RESOURCE_NOT_FOUND"}, {"read_odometer": "not_collected"}),
        ({"type": "BILLING", "code": "INVALID_PLAN"}, {"read_odometer": "not_in_plan"}),
        ({"type": "BILLING", "code": "OTHER"}, {"read_odometer": "error"}),
        (
            {},
            {
                "read_odometer": "not_collected",
                "read_engine_oil": "not_granted",
                "read_fuel": "not_requested",
            },
        ),
    ],
)
def test_the_table_of_the_page_about_events_is_true(error, expected, settings):
    settings.SMARTCAR_SCOPE = ["read_odometer", "read_engine_oil"]
    vehicle = models.ConnectedVehicle(permissions=["read_odometer"])
    found = {permission: status_of(vehicle, permission, error) for permission in expected}
    assert found == expected
    assert set(expected.values()) <= set(re.findall(r'``"(\w+)"``', PAGES["howto/events.rst"]))


@pytest.mark.django_db(transaction=True)
def test_the_view_of_the_page_about_commands_queues_one(names, rf):
    (code,) = (case.values[0] for case in RUN if "def charge_to_80" in case.values[0])
    exec(code, names)  # noqa: S102
    request = rf.post("/")
    request.user = names["user"]
    assert names["charge_to_80"](request, names["pk"]).status_code == 302
    assert names["vehicle"].commands.get().action == "set_charge_limit"


def page_with(template, names, rf, settings):
    """Return a function that renders the page of the dashboard with this template, for the user."""
    python = BLOCK.findall(PAGES["howto/template.rst"])[0][2]
    loader = ("django.template.loaders.locmem.Loader", {"dashboard.html": textwrap.dedent(template)})
    app_loader = "django.template.loaders.app_directories.Loader"
    engine = {**settings.TEMPLATES[0], "APP_DIRS": False}
    engine["OPTIONS"] = {**engine["OPTIONS"], "loaders": [loader, app_loader]}
    settings.TEMPLATES = [engine]
    exec(textwrap.dedent(python), names)  # noqa: S102
    request = rf.get("/")
    request.user = names["user"]
    return lambda: names["dashboard"](request).content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_template_with_cars_shows_them_in_two_queries(names, rf, settings, django_assert_num_queries):
    template = BLOCK.findall(PAGES["howto/template.rst"])[1][2]
    page = page_with(template, names, rf, settings)
    with django_assert_num_queries(2):
        text = page()
    assert names["vehicle"].name in text
    assert "smartcar-connect" not in text
    assert re.search(r"<p>[\d.,]+</p>", text)  # the odometer
    assert f'action="/cars/{names["pk"]}/lock/"' in text


@pytest.mark.django_db(transaction=True)
def test_the_template_with_cards_needs_four_queries_for_each(names, rf, settings, django_assert_num_queries):
    template = BLOCK.findall(PAGES["howto/template.rst"])[2][2]
    page = page_with(template, names, rf, settings)
    with django_assert_num_queries(2 + 4):
        text = page()
    assert text.count("<article") == 1
    assert "smartcar/follow.js" in text
    assert 'name="next" value="/"' in text


# The pictures.


def test_every_picture_is_one_that_run_py_takes_and_the_tour_shows():
    pictures = {path.name for path in DOCS.rglob("*.png") if "_build" not in path.parts}
    assert pictures == PICTURES.keys() == set(re.findall(r"image:: (\S+)", PAGES["tour.rst"]))


def test_every_picture_has_a_text_and_is_small():
    for page in [*PAGES.values(), (ROOT / "README.rst").read_text()]:
        assert page.count(".. image::") == len(re.findall(r"\.\. image:: .*\n   :alt: \w", page))
    for name in PICTURES:
        assert (DOCS / name).stat().st_size < 160_000, name
