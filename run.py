#!/usr/bin/env python3
"""Commands for working on the project. They need Python 3.11 or newer, and install the rest.

python3 run.py demo [--port 8000] [--empty]  serve the example project, with simulated cars or without
python3 run.py test [--quick] [pytest args]  run all tests, or with --quick all but the slow ones
python3 run.py lint                          run ruff and mypy
python3 run.py matrix [pytest args]          run all tests on every supported Python and Django found here
python3 run.py oldest [pytest args]          run the tests on the oldest packages that the project allows
python3 run.py messages [language ...]       update and compile the translations, or begin those of a language
python3 run.py docs                          build the documentation into docs/_build/html
python3 run.py screenshots [--all FOLDER]    take the pictures of the documentation, or of every page
python3 run.py bench [subject ...]           run all benchmarks, or those named; takes half an hour
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "{}.{}".format(*sys.version_info)
if sys.version_info < (3, 11):  # noqa: UP036 (older Pythons print this line)
    sys.exit(f"run.py needs Python 3.11 or newer; this is Python {VERSION}.")

ROOT = Path(__file__).resolve().parent
MATRIX = ["3.11 5.2", "3.12 5.2", "3.12 6.0", "3.12 6.1", "3.13 5.2", "3.13 6.0", "3.13 6.1"]
#: The extras and dependency groups that the tests need on every machine.
TEST_NAMES = {"celery", "example", "postgres", "tasks", "test"}
# pip's arguments for Smartcar's own SDKs, which the tests compare ours with.
OFFICIAL = {
    "6.19.1": ["--no-deps", "smartcar==6.19.1"],
    "3.0.1": ["smartcar==3.0.1", "python-dateutil==2.9.0.post0"],  # Celery needs the same
}
# Packages of npm for the tests: Smartcar's own SDK for Node; axe-core finds accessibility problems of pages.
NPM_PACKAGES = {"axe-core": "4.14.1", "smartcar": "10.4.0"}
STAMP = "run.json"
UNFINISHED = '{"unfinished": true}'
#: Options of pytest that need a single process: xdist's workers have no terminal.
SINGLE_PROCESS = {"-s", "--capture=no", "--trace"}
Command = list[str | Path]


def fail(message: str) -> None:
    sys.exit(f"run.py: {message}")


def call(command: Command, doing: str, folder: str = ".") -> None:
    """Run a program in a folder of the project. If it fails, exit with a one-line message."""
    status = subprocess.run(command, cwd=ROOT / folder, stdin=subprocess.DEVNULL).returncode
    if status:
        fail(f"{doing} failed with status {status}; see its output above.")


def replace_process(command: Command) -> None:
    """Replace this process with a program, so that Ctrl-C, signals and the exit status are the program's."""
    sys.stdout.flush()
    os.chdir(ROOT)
    if os.name == "posix":
        os.execv(command[0], [str(part) for part in command])  # noqa: S606 (no shell is wanted)
    sys.exit(subprocess.run(command).returncode)


def install_or_advise(packages: list[str], reason: str, required: bool) -> None:
    """Install Debian packages as root; otherwise print the command that installs them."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    advice = f"type: sudo {' '.join(command)}"
    if not shutil.which("apt-get"):
        advice = f"install {' and '.join(packages)} with this system's package manager"
    elif os.geteuid() == 0:
        print(f"{reason}: installing {' and '.join(packages)}…", flush=True)
        path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # dpkg needs these
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": path}
        for step in (["apt-get", "update"], command):
            done = subprocess.run(step, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if done.returncode == 0:
            return
        advice = f"{' '.join(command)} failed; see its output above"
    if required:
        fail(f"{reason}; {advice}")
    print(f"run.py: {reason}; {advice}", file=sys.stderr, flush=True)


def require_browser() -> None:
    """Install Chromium for the browser tests, which are skipped without it."""
    found = any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    missing = ["chromium"] * (not found) + ["chromium-driver"] * (not shutil.which("chromedriver"))
    if missing:
        install_or_advise(missing, "the browser tests need Chromium and its driver", required=False)


def require_pgbouncer() -> None:
    """Install PgBouncer for the test behind a transaction pooler, which is skipped without it."""
    if not shutil.which("pgbouncer") and not Path("/usr/sbin/pgbouncer").is_file():
        reason = "the test behind a transaction pooler needs PgBouncer"
        install_or_advise(["pgbouncer"], reason, required=False)


@contextlib.contextmanager
def exclusive_lock() -> Iterator[None]:
    """Hold a lock on this checkout, so that one process at a time builds environments (POSIX only)."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            lock = os.open(ROOT, os.O_RDONLY)
            stack.callback(os.close, lock)
            importlib.import_module("fcntl").flock(lock, 2)
        yield


def python_of(folder: Path) -> Path:
    """Return the path of an environment's Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_stamp(folder: Path) -> dict[str, Any]:
    """Return an environment's stamp: empty if it has none, UNFINISHED if its build was interrupted."""
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads((folder / STAMP).read_text(encoding="utf-8")))
    return {}


def version_of(python: str | Path) -> str:
    """Return the version of a Python that has pip, or "" if it is missing or broken."""
    script = "import pip, sys; print(*sys.version_info[:2], sep='.')"
    with contextlib.suppress(OSError):
        return subprocess.run([python, "-c", script], capture_output=True, text=True).stdout.strip()
    return ""


def rebuild(folder: Path) -> None:
    """Delete an environment and create it again."""
    if Path(sys.prefix) == folder:
        fail(f"{folder.name} must be rebuilt by a Python outside it; type: deactivate")
    if importlib.util.find_spec("ensurepip") is None:  # a separate package on Debian
        install_or_advise([f"python{VERSION}-venv"], "this Python cannot create environments", required=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).write_text(UNFINISHED)
    call([sys.executable, "-m", "venv", folder], "creating the environment")


def install(folder: Path, names: list[str], pins: list[str]) -> None:
    """Install the package with these extras and dependency groups, and Smartcar's SDKs for the tests."""
    tomllib = importlib.import_module("tomllib")  # new in Python 3.11
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    extras = ",".join(name for name in names if name not in groups)
    packages = [package for name in names for package in groups.get(name, [])]
    pip: Command = [python_of(folder), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    call([*pip, "--editable", f".[{extras}]", *packages, *pins], "pip install")
    for version, arguments in OFFICIAL.items() if "test" in names else ():
        target = folder / "official" / f"smartcar-{version}"
        if not target.is_dir():
            call([*pip, "--target", target, *arguments], f"installing smartcar {version}")
    for name, version in NPM_PACKAGES.items() if "test" in names else ():
        install_npm_package(name, version, folder / "official" / f"{name}-{version}")


def install_npm_package(name: str, version: str, target: Path) -> None:
    """Install a package of npm into a folder of its own; without npm its tests are skipped."""
    if (target / "node_modules" / name).is_dir():
        return
    npm = shutil.which("npm")
    if npm is None:
        print(f"run.py: the tests that use {name} need npm, and are skipped", file=sys.stderr, flush=True)
        return
    options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    call([npm, "install", "--prefix", target, *options, f"{name}@{version}"], f"installing {name} {version}")


def environment(wanted: set[str], folder: Path = ROOT / ".venv", pins: tuple[str, ...] = ()) -> Path:
    """Create or update an environment with these extras and dependency groups; return its Python."""
    with exclusive_lock():
        stamp = read_stamp(folder)
        # Rebuild for another Python or folder; update when the requirements change.
        place = f"Python {VERSION} of {sys.base_prefix} for {ROOT}"
        npm = NPM_PACKAGES, bool(shutil.which("npm"))
        files = [(ROOT / name).read_text(encoding="utf-8") for name in ("setup.cfg", "pyproject.toml")]
        requirements = repr([files, OFFICIAL, npm, pins])
        new = {"place": place, "requirements": hashlib.sha256(requirements.encode()).hexdigest()}
        if {**stamp, **new} == stamp and wanted <= set(stamp["names"]):
            return python_of(folder)
        if stamp.get("place") != place and (stamp or version_of(python_of(folder)) != VERSION):
            rebuild(folder)
            stamp = json.loads(UNFINISHED)
        names = sorted(wanted | set(stamp.get("names", [])))
        print(f"Installing the package with {', '.join(names)}; a minute or two…", flush=True)
        (folder / STAMP).write_text(UNFINISHED)
        try:
            install(folder, names, list(pins))
            stamp = {**new, "names": names}
        finally:  # a failed pip install changes nothing, so the old stamp is still right
            (folder / STAMP).write_text(json.dumps(stamp))
    return python_of(folder)


def is_free(port: int) -> bool:
    """Return whether a server can listen on this port of 127.0.0.1."""
    with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
        if os.name == "posix":  # as the server does: a port in TIME_WAIT is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False


def demo(arguments: list[str]) -> None:
    """Serve the example project."""
    parser = argparse.ArgumentParser(prog="run.py demo", description="Serve the example project.")
    parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default: 8000)")
    parser.add_argument("--empty", action="store_true", help="begin without cars")
    options = parser.parse_args(arguments)
    port = options.port
    if not is_free(port):
        other = next(filter(is_free, range(8000, 9000)), 0)
        fail(f"port {port} is not free; type: python3 run.py demo --port {other}")
    manage: Command = [environment({"example"}), ROOT / "example_project" / "manage.py"]
    os.environ["EXAMPLE_ORIGIN"] = f"http://127.0.0.1:{port}"
    os.environ |= {"DJANGO_SETTINGS_MODULE": "example.settings", "DJANGO_RUNSERVER_HIDE_WARNING": "true"}
    call([*manage, "migrate", "--verbosity", "0"], "migrate")
    if not options.empty:
        call([*manage, "make_demo_cars"], "connecting the demo's cars")
        os.environ["EXAMPLE_LIVE"] = "true"
    call([*manage, "make_demo_users"], "creating the demo users")
    replace_process([*manage, "runserver", "--noreload", f"127.0.0.1:{port}"])


def test_names() -> set[str]:
    """Return what the tests need: PostgreSQL as a wheel if it is not installed here."""
    is_installed = shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return TEST_NAMES if is_installed else {*TEST_NAMES, "postgresql"}


def pytest_command(arguments: list[str]) -> list[str]:
    """Return pytest's command line: one worker for each core; the caller's own options win."""
    options = ["-m", "not slow"] if "--quick" in arguments else []
    is_single = SINGLE_PROCESS & set(arguments) or any("no:xdist" in argument for argument in arguments)
    if not is_single:
        options += ["-n", "auto", "--dist", "loadgroup"]
    return ["-m", "pytest", *options, *(argument for argument in arguments if argument != "--quick")]


def test(arguments: list[str]) -> None:
    """Run the tests; ``--quick`` leaves out those marked slow."""
    if "--quick" not in arguments:
        require_browser()
        require_pgbouncer()
    replace_process([environment(test_names()), *pytest_command(arguments)])


def lint(arguments: list[str]) -> None:
    """Run ruff and mypy."""
    python = environment({*TEST_NAMES, "lint"})  # mypy's Django plugin loads the tests' settings
    steps = ("ruff check", "ruff format --check", "mypy")
    failed = [step for step in steps if subprocess.run([python, "-m", *step.split()], cwd=ROOT).returncode]
    if failed:
        fail(f"{', '.join(failed)} failed; see the output above.")


def find_python(version: str) -> str | None:
    """Return a Python of this version: the current one, one on the PATH or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [sys.executable, f"python{version}", *map(str, pyenv.glob(f"{version}.*/bin/python"))]
    return next((python for python in found if version_of(python) == version), None)


def matrix(arguments: list[str]) -> None:
    """Run the tests on each row of MATRIX and print a table of the results."""
    require_browser()
    require_pgbouncer()
    results = {}
    for version, django in map(str.split, MATRIX):
        name = f"Python {version}, Django {django}"
        python = find_python(version)
        if python is None:
            results[name] = f"not run: no Python {version} with pip was found"
            continue
        print(f"\n{name}", flush=True)
        status = subprocess.run([python, __file__, "cell", django, *arguments]).returncode
        results[name] = "FAILED" if status else "passed"
    print("\n" + "\n".join(f"{name:<26}{result}" for name, result in results.items()))
    sys.exit("FAILED" in results.values())


def cell(arguments: list[str]) -> None:
    """Run one row of the matrix with the current Python."""
    django, *rest = arguments
    folder = ROOT / ".matrix" / f"python{VERSION}-django{django}"
    replace_process([environment(test_names(), folder, (f"Django=={django}.*",)), *pytest_command(rest)])


def oldest(arguments: list[str]) -> None:
    """Run the tests with the lowest version of each package that setup.cfg and pyproject.toml allow."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("setup.cfg", "pyproject.toml"))
    lowest = re.findall(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)", text)
    constraints = ROOT / ".matrix" / "oldest.txt"
    constraints.parent.mkdir(exist_ok=True)
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in lowest), encoding="utf-8")
    folder = ROOT / ".matrix" / f"python{VERSION}-oldest"
    python = environment(test_names(), folder, ("--constraint", str(constraints)))
    replace_process([python, *pytest_command(arguments)])


def messages(arguments: list[str]) -> None:
    """Update and compile the catalogs of these languages, or of all; print what they lack."""
    if not shutil.which("msgattrib"):
        install_or_advise(["gettext"], "translations need GNU gettext", required=True)
    package = "django_smartcar"  # makemessages looks for texts and catalogs in the current folder
    catalogs = ROOT / package / "locale"
    languages = arguments or sorted(folder.name for folder in catalogs.iterdir())
    django: Command = [environment(test_names()), "-m", "django"]
    options = ["--no-wrap", "--no-obsolete", "--no-location", "--ignore", "simulator/*"]
    for language in languages:
        locale = ["--locale", language]
        call([*django, "makemessages", *locale, *options], "collecting texts", package)
        catalog = catalogs / language / "LC_MESSAGES" / "django.po"
        if not catalog.is_file():
            fail(f"{language} is not the name of a language; names are de or pt_BR")
        call([*django, "compilemessages", *locale], "compiling", package)
        print(f"\n{catalog.relative_to(ROOT)}")
        for kind, option in (("untranslated", "--untranslated"), ("fuzzy", "--only-fuzzy")):
            texts = entries(catalog, option)
            print(f"  {len(texts)} {kind}")
            print("".join(f"    {text}\n" for text in texts), end="")


def entries(catalog: Path, option: str) -> list[str]:
    """Return the texts of a catalog that this option of msgattrib selects, without the header."""
    command: Command = ["msgattrib", option, "--no-wrap", catalog]
    found = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    lines = re.findall(r"^msgid ((?:\".*\"\n)+)", found, re.MULTILINE)
    texts = [line.strip().replace('"\n"', "").strip('"') for line in lines]
    return [text for text in texts if text]


def docs(arguments: list[str]) -> None:
    """Build the documentation. Each warning is an error."""
    target = ROOT / "docs" / "_build" / "html"
    options = ["--builder", "html", "--fresh-env", "--fail-on-warning", "--keep-going", "--quiet", *arguments]
    sphinx: Command = [environment({"docs"}), "-m", "sphinx", *options, ROOT / "docs", target]
    call(sphinx, "building the documentation")
    print(f"Built {target / 'index.html'}")


def screenshots(arguments: list[str]) -> None:
    """Take the pictures of the documentation."""
    require_browser()
    replace_process([environment(test_names()), "-m", "tests.browser.screenshots", *arguments])


def bench(arguments: list[str]) -> None:
    """Run the benchmarks."""
    replace_process([environment(test_names()), "-m", "benchmarks", *arguments])


def main() -> None:
    functions = (demo, test, lint, matrix, cell, oldest, messages, docs, screenshots, bench)
    commands = {function.__name__: function for function in functions}
    name, *arguments = sys.argv[1:] or ["help"]
    if name in ("help", "-h", "--help"):
        print(__doc__)
    elif name in commands:
        try:
            commands[name](arguments)
        except OSError as error:
            fail(str(error))
        except KeyboardInterrupt:
            sys.exit(130)
    else:
        fail(f"unknown command {name}; type: python3 run.py help")


if __name__ == "__main__":
    main()
