#!/usr/bin/env python3
"""The project's commands, from a fresh checkout, with Python 3.11 or newer and nothing else installed.

python3 run.py demo [--port 8000]    serve the example project
python3 run.py test [pytest args]    run every test
python3 run.py lint                  ruff and mypy
python3 run.py matrix [pytest args]  run every test on every supported Python and Django found here
python3 run.py bench [subject ...]   measure beside peers: all subjects, or those named; half an hour
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "{}.{}".format(*sys.version_info)
if sys.version_info < (3, 11):  # noqa: UP036 (the one line that an older Python is to print)
    sys.exit(f"run.py needs Python 3.11 or newer; this is Python {VERSION}.")

ROOT = Path(__file__).resolve().parent
MATRIX = ["3.11 5.2", "3.12 5.2", "3.12 6.0", "3.12 6.1", "3.13 5.2", "3.13 6.0", "3.13 6.1"]
# pip's arguments for Smartcar's own SDKs, which the tests hold ours against.
OFFICIAL = {"6.19.1": ["--no-deps", "smartcar==6.19.1"], "3.0.1": ["smartcar==3.0.1", "python-dateutil"]}
STAMP = "run.json"
UNFINISHED = '{"unfinished": true}'
Command = list[str | Path]


def fail(message: str) -> None:
    sys.exit(f"run.py: {message}")


def call(command: Command, doing: str) -> None:
    """Run a program and wait for it; end with one line if it fails."""
    status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode
    if status:
        fail(f"{doing} failed with status {status}; what it said stands above.")


def become(command: Command) -> None:
    """Run a program in this one's place, so that Ctrl-C, signals and the exit status are its own."""
    sys.stdout.flush()
    os.chdir(ROOT)
    if os.name == "posix":
        os.execv(command[0], [str(part) for part in command])  # noqa: S606 (no shell is what we want)
    sys.exit(subprocess.run(command).returncode)


def install_or_tell(packages: list[str], reason: str, required: bool) -> None:
    """Install Debian packages where we may; elsewhere print the one line to type."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    advice = f"type: sudo {' '.join(command)}"
    if not shutil.which("apt-get"):
        advice = f"install {' and '.join(packages)} with this system's package manager"
    elif os.geteuid() == 0:
        print(f"{reason}: installing {' and '.join(packages)}…", flush=True)
        path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # dpkg does not work without these
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": path}
        for step in (["apt-get", "update"], command):
            done = subprocess.run(step, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if done.returncode == 0:
            return
        advice = f"{' '.join(command)} failed; what it said stands above"
    if required:
        fail(f"{reason}; {advice}")
    print(f"run.py: {reason}; {advice}", file=sys.stderr, flush=True)


def require_browser() -> None:
    """The browser tests drive Chromium; without it they say so and are skipped."""
    found = any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    missing = ["chromium"] * (not found) + ["chromium-driver"] * (not shutil.which("chromedriver"))
    if missing:
        install_or_tell(missing, "the browser tests need Chromium and its driver", required=False)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one run.py at a time make environments in this checkout, on systems that have such locks."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            lock = os.open(ROOT, os.O_RDONLY)
            stack.callback(os.close, lock)
            importlib.import_module("fcntl").flock(lock, 2)
        yield


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_stamp(folder: Path) -> dict[str, Any]:
    """What the environment holds: nothing if it is not ours, UNFINISHED if it was left half-made."""
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads((folder / STAMP).read_text(encoding="utf-8")))
    return {}


def version_of(python: str | Path) -> str:
    """The version of a Python that has pip; nothing if it is missing or broken."""
    question = "import pip, sys; print(*sys.version_info[:2], sep='.')"
    with contextlib.suppress(OSError):
        return subprocess.run([python, "-c", question], capture_output=True, text=True).stdout.strip()
    return ""


def rebuild(folder: Path) -> None:
    if Path(sys.prefix) == folder:
        fail(f"{folder.name} must be made anew, by a Python outside it; type: deactivate")
    if importlib.util.find_spec("ensurepip") is None:  # Debian has it in a package of its own
        install_or_tell([f"python{VERSION}-venv"], "this Python cannot make environments", required=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).write_text(UNFINISHED)
    call([sys.executable, "-m", "venv", folder], "making the environment")


def install(folder: Path, extras: list[str], pins: list[str]) -> None:
    pip: Command = [python_of(folder), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    call([*pip, "--editable", f".[{','.join(extras)}]", *pins], "pip install")
    for version, arguments in OFFICIAL.items() if "test" in extras else ():
        target = folder / "official" / f"smartcar-{version}"
        if not target.is_dir():
            call([*pip, "--target", target, *arguments], f"installing smartcar {version}")


def environment(wanted: set[str], folder: Path = ROOT / ".venv", pins: tuple[str, ...] = ()) -> Path:
    """Make or update an environment with these extras, unless it stands already; its Python."""
    with alone():
        stamp = read_stamp(folder)
        # An environment works for one Python in one place, and holds what these lines ask for.
        place = f"Python {VERSION} of {sys.base_prefix} for {ROOT}"
        asked = repr([(ROOT / "setup.cfg").read_text(encoding="utf-8"), OFFICIAL, pins])
        new = {"place": place, "asked": hashlib.sha256(asked.encode()).hexdigest()}
        if {**stamp, **new} == stamp and wanted <= set(stamp["extras"]):
            return python_of(folder)
        if stamp.get("place") != place and (stamp or version_of(python_of(folder)) != VERSION):
            rebuild(folder)
            stamp = json.loads(UNFINISHED)
        extras = sorted(wanted | set(stamp.get("extras", [])))
        print(f"Installing the package and {', '.join(extras)}; a minute or two…", flush=True)
        (folder / STAMP).write_text(UNFINISHED)
        try:
            install(folder, extras, list(pins))
            stamp = {**new, "extras": extras}
        finally:  # when pip gives up it has changed nothing: what stood before still stands
            (folder / STAMP).write_text(json.dumps(stamp))
    return python_of(folder)


def is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
        if os.name == "posix":  # a port just left is free, as it is for the server
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False


def demo(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="run.py demo", description="Serve the example project.")
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1; 8000 unless given")
    port = parser.parse_args(arguments).port
    if not is_free(port):
        other = next(filter(is_free, range(8000, 9000)), 0)
        fail(f"port {port} is not free; type: python3 run.py demo --port {other}")
    manage: Command = [environment({"example"}), ROOT / "example_project" / "manage.py"]
    os.environ["EXAMPLE_ORIGIN"] = f"http://127.0.0.1:{port}"
    os.environ |= {"DJANGO_SETTINGS_MODULE": "example.settings", "DJANGO_RUNSERVER_HIDE_WARNING": "true"}
    call([*manage, "migrate", "--verbosity", "0"], "making the tables")
    call([*manage, "make_demo_users"], "making the demo users")
    become([*manage, "runserver", "--noreload", f"127.0.0.1:{port}"])


def extras_of_the_tests() -> set[str]:
    """What the tests need; PostgreSQL comes as a wheel where this machine has none installed."""
    is_installed = shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return {"test"} if is_installed else {"test", "postgresql"}


def test(arguments: list[str]) -> None:
    require_browser()
    become([environment(extras_of_the_tests()), "-m", "pytest", *arguments])


def lint(arguments: list[str]) -> None:
    python = environment({"lint", "test"})  # mypy's Django plugin loads the tests' settings
    steps = ("ruff check", "ruff format --check", "mypy")
    failed = [step for step in steps if subprocess.run([python, "-m", *step.split()], cwd=ROOT).returncode]
    if failed:
        fail(f"{', '.join(failed)} found something; it stands above.")


def find_python(version: str) -> str | None:
    """An interpreter of this version: this one, one on the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [sys.executable, f"python{version}", *map(str, pyenv.glob(f"{version}.*/bin/python"))]
    return next((python for python in found if version_of(python) == version), None)


def matrix(arguments: list[str]) -> None:
    require_browser()
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
    """One row of the matrix, with the Python that runs this."""
    django, *rest = arguments
    folder = ROOT / ".matrix" / f"python{VERSION}-django{django}"
    become([environment(extras_of_the_tests(), folder, (f"Django=={django}.*",)), "-m", "pytest", *rest])


def bench(arguments: list[str]) -> None:
    become([environment(extras_of_the_tests()), "-m", "benchmarks", *arguments])


def main() -> None:
    commands = {"demo": demo, "test": test, "lint": lint, "matrix": matrix, "cell": cell, "bench": bench}
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
        fail(f"there is no command {name}; type: python3 run.py help")


if __name__ == "__main__":
    main()
