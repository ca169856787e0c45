"""``run.py``: what a person is told, and when an environment is made anew."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).parents[1]


def start(*arguments, **environment):
    """Run ``run.py`` as a person does."""
    return subprocess.run(
        [sys.executable, ROOT / "run.py", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def taken():
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# What is told.


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_the_commands_are_listed_when_none_is_named(arguments):
    done = start(*arguments)
    assert done.returncode == 0
    for command in ("demo", "test", "lint", "matrix", "bench"):
        assert f"python3 run.py {command}" in done.stdout


def test_one_line_names_the_way_out_when_there_is_no_such_command():
    done = start("tests")
    assert done.returncode == 1
    assert done.stderr == "run.py: there is no command tests; type: python3 run.py help\n"


def test_one_line_says_what_is_needed_when_python_is_too_old():
    pretend = "import sys, runpy; sys.version_info = (3, 10, 4); sys.argv = ['run.py', 'demo']"
    command = [sys.executable, "-c", f"{pretend}; runpy.run_path('run.py', run_name='__main__')"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "run.py needs Python 3.11 or newer; this is Python 3.10.\n"


def test_an_old_python_can_read_the_file_when_it_is_to_say_that_it_is_too_old():
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_only_the_standard_library_is_imported_when_nothing_is_installed():
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "run.py", "help"], capture_output=True, text=True, cwd="/"
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_demo_names_a_free_port_when_the_port_is_taken(taken):
    done = start("demo", "--port", str(taken))
    assert done.returncode == 1
    message, user_message = done.stderr.strip().split("; type: ")
    assert message == f"run.py: port {taken} is not free"
    command, port = user_message.rsplit(" ", 1)
    assert command == "python3 run.py demo --port"
    assert run.is_free(int(port))


@pytest.mark.parametrize("port", ["http", "-1", "99999"])
def test_demo_refuses_when_the_port_is_none(port):
    done = start("demo", "--port", port)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_make_forwards_every_command_when_asked():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\ndemo test lint matrix bench:\n\t$(PYTHON) run.py $@ $(ARGS)\n" in makefile


# What the machine lacks.


@pytest.fixture
def machine(monkeypatch):
    """A machine with these programs on its path, and somebody at it; what would have been run."""
    ran = []

    def prepare(programs, user=1000, status=0):
        monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in programs else None)
        monkeypatch.setattr(os, "geteuid", lambda: user)

        def pretend(command, **options):
            ran.append((command, options.get("env", {})))
            return subprocess.CompletedProcess(command, status)

        monkeypatch.setattr(subprocess, "run", pretend)
        return ran

    return prepare


def test_chromium_is_installed_when_root_lacks_it_on_debian(machine):
    ran = machine(["apt-get"], user=0)
    run.require_browser()
    assert [command for command, _ in ran] == [
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "chromium-driver"],
    ]
    for _, environment in ran:
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        assert environment["PATH"].endswith(":/usr/sbin:/sbin")


def test_the_line_to_type_is_printed_when_somebody_else_lacks_chromium_on_debian(machine, capsys):
    assert machine(["apt-get", "chromedriver"]) == []
    run.require_browser()
    line = "type: sudo apt-get install -y --no-install-recommends chromium\n"
    assert capsys.readouterr().err == f"run.py: the browser tests need Chromium and its driver; {line}"


def test_the_packages_are_named_when_the_system_is_not_debian(machine, capsys):
    machine([])
    run.require_browser()
    assert "; install chromium and chromium-driver with this system's" in capsys.readouterr().err


def test_the_tests_go_on_when_chromium_cannot_be_installed(machine, capsys):
    machine(["apt-get"], user=0, status=100)
    run.require_browser()
    assert capsys.readouterr().err.endswith(" chromium chromium-driver failed; what it said stands above\n")


@pytest.mark.parametrize(
    ("installed", "extras"),
    [([], {"test", "postgresql"}), (["initdb"], {"test"}), ([Path("15/bin/initdb")], {"test"})],
)
def test_postgresql_comes_along_when_the_machine_has_none(machine, monkeypatch, installed, extras):
    machine(installed)
    monkeypatch.setattr(Path, "glob", lambda *_: (path for path in installed if isinstance(path, Path)))
    assert run.extras_of_the_tests() == extras


@pytest.mark.parametrize("browser", ["chromium", "chromium-browser", "google-chrome"])
def test_nothing_is_installed_when_a_browser_and_its_driver_are_there(machine, browser):
    ran = machine(["apt-get", browser, "chromedriver"], user=0)
    run.require_browser()
    assert ran == []


def test_the_run_ends_when_environments_cannot_be_made(machine):
    machine(["apt-get"])
    with pytest.raises(SystemExit, match="this Python cannot make environments; type: sudo apt-get install"):
        run.install_or_tell(["python3-venv"], "this Python cannot make environments", required=True)


def test_one_line_ends_the_run_when_a_program_fails():
    with pytest.raises(SystemExit, match="^run.py: counting failed with status 3; what it said"):
        run.call([sys.executable, "-c", "raise SystemExit(3)"], "counting")


# The environment and its stamp.


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose environments are made in no time; what was done to them."""
    done = []

    (tmp_path / "setup.cfg").write_text("[options]\ninstall_requires = Django\n")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "call", lambda command, doing: done.append(doing))
    monkeypatch.setattr(run, "version_of", lambda python: "")
    return tmp_path, done


def make(checkout, *extras):
    """Ask for an environment; what was done for it."""
    root, done = checkout
    done.clear()
    run.environment(set(extras), root / ".venv")
    return done


NEW = ["making the environment", "pip install"]


def test_an_environment_is_made_when_there_is_none(checkout):
    assert make(checkout, "example") == NEW


def test_nothing_is_done_when_the_environment_stands(checkout):
    make(checkout, "example", "lint")
    assert make(checkout, "example") == []


def test_the_extra_is_added_when_an_environment_lacks_it(checkout):
    make(checkout, "example")
    assert make(checkout, "lint") == ["pip install"]
    assert make(checkout, "example") == []


def test_the_official_sdks_are_installed_when_the_tests_are_wanted(checkout):
    assert make(checkout, "test") == [
        *NEW,
        "installing smartcar 6.19.1",
        "installing smartcar 3.0.1",
    ]


def test_the_environment_is_updated_when_setup_cfg_has_changed(checkout):
    make(checkout, "example")
    (checkout[0] / "setup.cfg").write_text("[options]\ninstall_requires = Django>=5.2\n")
    assert make(checkout, "example") == ["pip install"]


@pytest.mark.parametrize("change", ["VERSION", "ROOT"])
def test_the_environment_is_made_anew_when_python_or_the_place_has_changed(checkout, monkeypatch, change):
    root, _ = checkout
    make(checkout, "example")
    if change == "VERSION":
        monkeypatch.setattr(run, "VERSION", "3.99")
    else:
        moved = root.rename(root.with_name("moved"))
        monkeypatch.setattr(run, "ROOT", moved)
        checkout = moved, checkout[1]
    assert make(checkout, "example") == NEW


def test_the_environment_is_made_anew_when_it_was_left_half_made(checkout, monkeypatch):
    def interrupted(command, doing):
        if doing == "pip install":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(checkout, "example")
    assert make(checkout, "example") == NEW


def test_the_environment_still_stands_when_an_update_fails(checkout, monkeypatch):
    make(checkout, "example")
    with monkeypatch.context() as patch:
        patch.setattr(run, "call", lambda command, doing: run.fail(doing))
        with pytest.raises(SystemExit):
            make(checkout, "lint")
    assert make(checkout, "example") == []


def test_the_environment_is_made_anew_when_its_stamp_is_torn(checkout):
    root, _ = checkout
    make(checkout, "example")
    (root / ".venv" / "run.json").write_text('{"place": "Py')
    assert make(checkout, "example") == NEW


def test_an_environment_made_by_hand_is_kept_when_it_works(checkout, monkeypatch):
    monkeypatch.setattr(run, "version_of", lambda python: run.VERSION)
    (checkout[0] / ".venv").mkdir()
    assert make(checkout, "example") == ["pip install"]
    assert json.loads((checkout[0] / ".venv" / "run.json").read_text())["extras"] == ["example"]


def test_an_environment_is_not_pulled_from_under_the_python_that_runs_there(checkout, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(checkout[0] / ".venv"))
    with pytest.raises(SystemExit, match="by a Python outside it; type: deactivate"):
        make(checkout, "example")


# The matrix.


def test_the_matrix_holds_what_setup_cfg_promises():
    promised = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    pythons, djangos = (set(column) for column in zip(*map(str.split, run.MATRIX), strict=True))
    assert pythons == {line.split()[-1] for line in promised.splitlines() if ":: Python :: 3." in line}
    assert djangos == {line.split()[-1] for line in promised.splitlines() if ":: Django ::" in line}


def test_the_matrix_tells_what_failed_and_what_was_not_found(monkeypatch, capsys):
    cells = iter([0, 1, 0, 0])
    monkeypatch.setattr(run, "require_browser", lambda: None)
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


def test_the_python_that_runs_this_is_found_when_it_is_asked_for():
    assert run.find_python(run.VERSION) == sys.executable
    assert run.find_python("3.99") is None
