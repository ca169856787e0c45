"""``run.py``: its messages, its options, and when it builds an environment."""

import ast
import configparser
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from gettext import GNUTranslations
from pathlib import Path

import pytest

import run
from tests.browser import axe
from tests.missing import skip_or_fail

ROOT = Path(__file__).parents[1]


def run_script(*arguments, **environment):
    """Run ``run.py`` in a process of its own."""
    return subprocess.run(
        [sys.executable, ROOT / "run.py", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def port_in_use():
    """Return a port that another server listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# Messages.


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_help_lists_every_command(arguments):
    done = run_script(*arguments)
    assert done.returncode == 0
    for command in ("demo", "test", "lint", "matrix", "oldest", "messages", "docs", "screenshots", "bench"):
        assert f"python3 run.py {command}" in done.stdout


def test_an_unknown_command_points_to_the_help():
    done = run_script("tests")
    assert done.returncode == 1
    assert done.stderr == "run.py: unknown command tests; type: python3 run.py help\n"


def test_an_old_python_gets_a_one_line_message():
    script = "import sys, runpy; sys.version_info = (3, 10, 4); sys.argv = ['run.py', 'demo']"
    command = [sys.executable, "-c", f"{script}; runpy.run_path('run.py', run_name='__main__')"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "run.py needs Python 3.11 or newer; this is Python 3.10.\n"


def test_an_old_python_can_parse_the_file():
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_run_py_imports_only_the_standard_library():
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "run.py", "help"], capture_output=True, text=True, cwd="/"
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_demo_suggests_a_free_port_when_the_port_is_in_use(port_in_use):
    done = run_script("demo", "--port", str(port_in_use))
    assert done.returncode == 1
    message, advice = done.stderr.strip().split("; type: ")
    assert message == f"run.py: port {port_in_use} is not free"
    command, port = advice.rsplit(" ", 1)
    assert command == "python3 run.py demo --port"
    assert run.is_free(int(port))


@pytest.mark.parametrize("port", ["http", "-1", "99999"])
def test_demo_rejects_an_invalid_port(port):
    done = run_script("demo", "--port", port)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_make_forwards_every_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert (
        "\ndemo test lint matrix oldest messages docs screenshots bench:\n\t$(PYTHON) run.py $@ $(ARGS)\n"
        in makefile
    )


# Programs that are not installed.


@pytest.fixture
def machine(monkeypatch):
    """Simulate a machine with these programs and this user; return the list of the commands that were run."""
    ran = []

    def prepare(programs, user=1000, status=0):
        monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in programs else None)
        monkeypatch.setattr(os, "geteuid", lambda: user)

        def fake_run(command, **options):
            ran.append((command, options.get("env", {})))
            return subprocess.CompletedProcess(command, status)

        monkeypatch.setattr(subprocess, "run", fake_run)
        return ran

    return prepare


def test_root_on_debian_installs_chromium(machine):
    ran = machine(["apt-get"], user=0)
    run.require_browser()
    assert [command for command, _ in ran] == [
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "chromium-driver"],
    ]
    for _, environment in ran:
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        assert environment["PATH"].endswith(":/usr/sbin:/sbin")


def test_another_user_on_debian_is_shown_the_command_that_installs_chromium(machine, capsys):
    assert machine(["apt-get", "chromedriver"]) == []
    run.require_browser()
    line = "type: sudo apt-get install -y --no-install-recommends chromium\n"
    assert capsys.readouterr().err == f"run.py: the browser tests need Chromium and its driver; {line}"


def test_another_system_is_shown_the_names_of_the_packages(machine, capsys):
    machine([])
    run.require_browser()
    assert "; install chromium and chromium-driver with this system's" in capsys.readouterr().err


def test_a_failed_installation_of_chromium_does_not_stop_the_tests(machine, capsys):
    machine(["apt-get"], user=0, status=100)
    run.require_browser()
    assert capsys.readouterr().err.endswith(" chromium chromium-driver failed; see its output above\n")


@pytest.mark.parametrize(
    ("installed", "more"),
    [([], {"postgresql"}), (["initdb"], set()), ([Path("15/bin/initdb")], set())],
)
def test_the_wheel_of_postgresql_is_added_when_the_machine_has_none(machine, monkeypatch, installed, more):
    machine(installed)
    monkeypatch.setattr(Path, "glob", lambda *_: (path for path in installed if isinstance(path, Path)))
    assert run.test_names() == run.TEST_NAMES | more


@pytest.mark.parametrize("browser", ["chromium", "chromium-browser", "google-chrome"])
def test_nothing_is_installed_when_a_browser_and_its_driver_exist(machine, browser):
    ran = machine(["apt-get", browser, "chromedriver"], user=0)
    run.require_browser()
    assert ran == []


@pytest.mark.parametrize(("is_installed", "ran"), [(True, 0), (False, 2)])
def test_root_on_debian_installs_pgbouncer(machine, monkeypatch, is_installed, ran):
    commands = machine(["apt-get"], user=0)
    monkeypatch.setattr(Path, "is_file", lambda path: is_installed)
    run.require_pgbouncer()
    assert len(commands) == ran
    assert is_installed or commands[1][0][-1] == "pgbouncer"


def test_the_run_ends_when_environments_cannot_be_created(machine):
    machine(["apt-get"])
    with pytest.raises(
        SystemExit, match="this Python cannot create environments; type: sudo apt-get install"
    ):
        run.install_or_advise(["python3-venv"], "this Python cannot create environments", required=True)


def test_a_program_that_fails_ends_the_run_with_one_line():
    with pytest.raises(SystemExit, match="^run.py: counting failed with status 3; see its output above"):
        run.call([sys.executable, "-c", "raise SystemExit(3)"], "counting")


# The environment and its stamp.


def test_users_can_install_four_extras_and_no_group_of_development():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    assert list(metadata["options.extras_require"]) == ["tasks", "celery", "postgres", "docs"]


def test_each_command_installs_extras_and_groups_that_exist():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    commands = re.findall(r"environment\(\{([^}]+)\}", (ROOT / "run.py").read_text(encoding="utf-8"))
    used = set(re.findall(r'"(\w+)"', "".join(commands))) | run.TEST_NAMES | {"postgresql"}
    assert used == {*metadata["options.extras_require"], *groups}


def test_extras_and_groups_are_installed_together(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(run, "call", lambda command, doing: commands.append(command))
    run.install(tmp_path, ["docs", "example"], [])
    ((*_, option, package, other),) = commands
    assert (option, package) == ("--editable", ".[docs]")
    assert other.startswith("django-environ>=")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Return a checkout, and the list of the steps that were taken to build its environments."""
    steps = []
    (tmp_path / "setup.cfg").write_text("[options]\ninstall_requires = Django\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "call", lambda command, doing: steps.append(doing))
    monkeypatch.setattr(run, "version_of", lambda python: "")
    return tmp_path, steps


def make(checkout, *groups):
    """Request an environment; return the steps that this took."""
    root, steps = checkout
    steps.clear()
    run.environment(set(groups), root / ".venv")
    return steps


NEW = ["creating the environment", "pip install"]


def test_a_missing_environment_is_created(checkout):
    assert make(checkout, "example") == NEW


def test_a_complete_environment_is_reused(checkout):
    make(checkout, "example", "lint")
    assert make(checkout, "example") == []


def test_a_missing_group_is_added(checkout):
    make(checkout, "example")
    assert make(checkout, "lint") == ["pip install"]
    assert make(checkout, "example") == []


SDKS = ["installing smartcar 6.19.1", "installing smartcar 3.0.1"]
FROM_NPM = [f"installing {name} {version}" for name, version in run.NPM_PACKAGES.items()]


def test_the_group_for_tests_installs_the_official_sdks_and_packages_of_npm(checkout, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert make(checkout, "test") == [*NEW, *SDKS, *FROM_NPM]
    assert run.NPM_PACKAGES["axe-core"] == axe.VERSION


def test_the_packages_of_npm_are_installed_as_soon_as_there_is_npm(checkout, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert make(checkout, "test") == [*NEW, *SDKS]
    printed = capsys.readouterr().err
    for name in run.NPM_PACKAGES:
        assert f"run.py: the tests that use {name} need npm, and are skipped\n" in printed
    assert make(checkout, "test") == []
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert make(checkout, "test") == ["pip install", *SDKS, *FROM_NPM]


def test_a_package_of_npm_is_installed_once(checkout, monkeypatch):
    root, _ = checkout
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    for name, version in run.NPM_PACKAGES.items():
        (root / ".venv" / "official" / f"{name}-{version}" / "node_modules" / name).mkdir(parents=True)
    (root / ".venv" / "run.json").write_text("{}")
    monkeypatch.setattr(run, "version_of", lambda python: run.VERSION)
    assert make(checkout, "test") == ["pip install", *SDKS]


@pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml"])
def test_a_change_of_the_requirements_updates_the_environment(checkout, name):
    make(checkout, "example")
    with (checkout[0] / name).open("a") as file:
        file.write("# changed\n")
    assert make(checkout, "example") == ["pip install"]


@pytest.mark.parametrize("change", ["VERSION", "ROOT"])
def test_a_new_python_or_folder_rebuilds_the_environment(checkout, monkeypatch, change):
    root, _ = checkout
    make(checkout, "example")
    if change == "VERSION":
        monkeypatch.setattr(run, "VERSION", "3.99")
    else:
        moved = root.rename(root.with_name("moved"))
        monkeypatch.setattr(run, "ROOT", moved)
        checkout = moved, checkout[1]
    assert make(checkout, "example") == NEW


def test_an_interrupted_build_is_repeated(checkout, monkeypatch):
    def interrupted(command, doing):
        if doing == "pip install":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(checkout, "example")
    assert make(checkout, "example") == NEW


def test_a_failed_update_keeps_the_environment(checkout, monkeypatch):
    make(checkout, "example")
    with monkeypatch.context() as patch:
        patch.setattr(run, "call", lambda command, doing: run.fail(doing))
        with pytest.raises(SystemExit):
            make(checkout, "lint")
    assert make(checkout, "example") == []


def test_an_incomplete_stamp_rebuilds_the_environment(checkout):
    root, _ = checkout
    make(checkout, "example")
    (root / ".venv" / "run.json").write_text('{"place": "Py')
    assert make(checkout, "example") == NEW


def test_an_environment_that_was_created_by_hand_is_kept(checkout, monkeypatch):
    monkeypatch.setattr(run, "version_of", lambda python: run.VERSION)
    (checkout[0] / ".venv").mkdir()
    assert make(checkout, "example") == ["pip install"]
    assert json.loads((checkout[0] / ".venv" / "run.json").read_text())["names"] == ["example"]


def test_an_environment_is_not_rebuilt_by_its_own_python(checkout, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(checkout[0] / ".venv"))
    with pytest.raises(SystemExit, match="by a Python outside it; type: deactivate"):
        make(checkout, "example")


# The documentation.


def test_the_documentation_is_built_anew_and_a_warning_fails(monkeypatch, capsys):
    called = []
    monkeypatch.setattr(run, "environment", lambda names: called.append(names) or Path("python"))
    monkeypatch.setattr(run, "call", lambda command, doing: called.append(command))
    run.docs(["--verbose"])
    names, command = called
    assert names == {"docs"}
    assert command[:3] == [Path("python"), "-m", "sphinx"]
    assert {"--fail-on-warning", "--keep-going", "--fresh-env", "--verbose"} <= set(command)
    assert command[-2:] == [ROOT / "docs", ROOT / "docs" / "_build" / "html"]
    assert "index.html" in capsys.readouterr().out


# Options of pytest.

PARALLEL = ["-n", "auto", "--dist", "loadgroup"]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], PARALLEL),
        (["--quick"], ["-m", "not slow", *PARALLEL]),
        (["tests/test_run.py", "--quick", "-x"], ["-m", "not slow", *PARALLEL, "tests/test_run.py", "-x"]),
        (["-n", "0"], [*PARALLEL, "-n", "0"]),
        (["-p", "no:xdist"], ["-p", "no:xdist"]),
        (["-pno:xdist"], ["-pno:xdist"]),
        (["--quick", "-s"], ["-m", "not slow", "-s"]),
    ],
)
def test_pytest_runs_in_parallel_unless_the_arguments_exclude_it(arguments, options):
    assert run.pytest_command(arguments) == ["-m", "pytest", *options]


@pytest.mark.parametrize(("arguments", "needs_programs"), [([], True), (["--quick"], False)])
def test_only_the_full_run_needs_more_programs(monkeypatch, arguments, needs_programs):
    calls = []
    monkeypatch.setattr(run, "require_browser", lambda: calls.append("browser"))
    monkeypatch.setattr(run, "require_pgbouncer", lambda: calls.append("pgbouncer"))
    monkeypatch.setattr(run, "environment", lambda names: Path("python"))
    monkeypatch.setattr(run, "replace_process", calls.append)
    run.test(arguments)
    command = [Path("python"), *run.pytest_command(arguments)]
    assert calls == [*["browser", "pgbouncer"] * needs_programs, command]


# The matrix.


def test_the_matrix_covers_the_versions_in_setup_cfg():
    promised = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    pythons, djangos = (set(column) for column in zip(*map(str.split, run.MATRIX), strict=True))
    assert pythons == {line.split()[-1] for line in promised.splitlines() if ":: Python :: 3." in line}
    assert djangos == {line.split()[-1] for line in promised.splitlines() if ":: Django ::" in line}


def test_the_workflow_runs_every_row_of_the_matrix_and_the_oldest_packages():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    commands = re.findall(r'{ python: "([\d.]+)", command: "(.+)" }', workflow)
    cells = [f"{python} {command.split()[-1]}" for python, command in commands if " cell " in command]
    assert cells == run.MATRIX
    assert ("3.11", "python3 run.py oldest --quick") in commands
    newest = run.MATRIX[-1].split()[0]
    assert (newest, "bash .ci/run") in commands
    assert set(re.findall(r'python-version: "([\d.]+)"', workflow)) == {newest}


def test_pre_commit_installs_what_the_project_requires():
    allowed = (ROOT / "setup.cfg").read_text() + (ROOT / "pyproject.toml").read_text()
    config = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    requirements = re.findall(r"^ +- ([\w-]+>=[\d.]+|types-\w+)$|: \[(ruff.+)\]$", config, re.M)
    assert len(requirements) > 5
    for requirement in map("".join, requirements):
        assert re.search(rf"\b{re.escape(requirement)}(?![\d.])", allowed), requirement


def test_the_matrix_reports_failed_and_missing_versions(monkeypatch, capsys):
    cells = iter([0, 1, 0, 0])
    monkeypatch.setattr(run, "require_browser", lambda: None)
    monkeypatch.setattr(run, "require_pgbouncer", lambda: None)
    monkeypatch.setattr(run, "find_python", lambda version: None if version == "3.13" else f"python{version}")
    monkeypatch.setattr(subprocess, "run", lambda command: subprocess.CompletedProcess(command, next(cells)))
    with pytest.raises(SystemExit) as ended:
        run.matrix([])
    assert ended.value.code
    table = capsys.readouterr().out.strip().splitlines()[-7:]
    assert [line[26:] for line in table] == [
        "passed",
        "FAILED",
        "passed",
        "passed",
        *["not run: no Python 3.13 with pip was found"] * 3,
    ]


def test_oldest_installs_the_lowest_versions(checkout, monkeypatch):
    root, _ = checkout
    shutil.copy(ROOT / "setup.cfg", root)
    called = []
    monkeypatch.setattr(run, "environment", lambda *arguments: called.append(arguments) or Path("python"))
    monkeypatch.setattr(run, "replace_process", called.append)
    run.oldest(["--quick", "-n", "0"])
    (names, folder, (option, constraints)), command = called
    assert names >= run.TEST_NAMES
    assert folder.parent == root / ".matrix"
    assert option == "--constraint"
    lines = Path(constraints).read_text(encoding="utf-8").splitlines()
    assert {"Django==5.2.3", "urllib3==2.6.3", "psycopg==3.2.2", "pytest==8.4"} <= set(lines)
    assert command == [Path("python"), *run.pytest_command(["--quick", "-n", "0"])]


def test_find_python_finds_the_current_python():
    assert run.find_python(run.VERSION) == sys.executable
    assert run.find_python("3.99") is None


# Translations.


@pytest.fixture
def translate(tmp_path, monkeypatch, capfd):
    """Return the function that runs ``run.py messages`` in a project of these texts, for its output."""
    if not shutil.which("msgattrib"):
        skip_or_fail("GNU gettext is not installed: on Debian, `apt-get install gettext`")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "environment", lambda *_: Path(sys.executable))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    (tmp_path / "django_smartcar" / "locale").mkdir(parents=True)

    def messages(texts, *languages):
        lines = "".join(f"_({text!r})\n" for text in texts)
        (tmp_path / "django_smartcar" / "texts.py").write_text(lines)
        run.messages([*languages])
        return capfd.readouterr().out

    return messages


def test_messages_begins_the_catalog_of_a_language_and_says_what_it_lacks(translate, tmp_path):
    folder = tmp_path / "django_smartcar" / "locale" / "fr" / "LC_MESSAGES"
    printed = translate(["Lock the car", "Unlock"], "fr")
    assert "  2 untranslated\n    Lock the car\n    Unlock\n  0 fuzzy\n" in printed
    catalog = folder / "django.po"
    catalog.write_text(catalog.read_text().replace('car"\nmsgstr ""', 'car"\nmsgstr "Verrouiller"'))
    printed = translate(["Lock the cars", "Unlock"])
    assert "  1 untranslated\n    Unlock\n  1 fuzzy\n    Lock the cars\n" in printed
    catalog.write_text(catalog.read_text().replace("#, fuzzy\n", ""))
    assert "  1 untranslated\n    Unlock\n  0 fuzzy\n" in translate(["Lock the cars", "Unlock"])
    with (folder / "django.mo").open("rb") as compiled:
        assert GNUTranslations(compiled).gettext("Lock the cars") == "Verrouiller"


def test_messages_refuses_what_is_no_language(translate, capfd):
    with pytest.raises(SystemExit, match="pt-br is not the name of a language"):
        translate(["Lock"], "pt-br")
