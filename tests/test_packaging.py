"""The package as others get it: built from a clean copy, installed anew, used as README.rst says.

README.rst marks the code that a person copies while installing, each with a comment right before it::

    .. install-step: settings

    .. code-block:: python

        INSTALLED_APPS += ["django_smartcar"]

``install`` is typed into a shell; ``settings`` goes to the end of a new project's ``settings.py`` and
``urls`` to the end of its ``urls.py``; ``migrate`` is typed; ``button`` goes into a template; ``cron`` is
typed. ``key`` is typed, and its answer exported. ``simulator`` is typed into a second shell, whose ``export``
lines the first one takes over, and ``hosts`` goes to the end of ``settings.py``. Here the wheel stands in for
the name on PyPI, and a free port for 8100.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import textwrap
import time
import zipfile
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]
STEPS = {"install", "settings", "key", "urls", "migrate", "button", "cron", "simulator", "hosts"}
LEFT_OUT = (".venv*", ".matrix", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", "db.sqlite3*")


def files_of_a_clean_checkout():
    """What git knows or would take, relative to the checkout; in an unpacked sdist, everything."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if listed.returncode == 0:
            return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    paths = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return [str(path) for path in paths if not any(map(is_left_out, path.parts))]


def is_left_out(name):
    return any(fnmatch(name, rule) for rule in LEFT_OUT)


def blocks():
    """The marked code of README.rst, by its step."""
    text = (ROOT / "README.rst").read_text(encoding="utf-8")
    pattern = r"^ *\.\. install-step: (\w+)\n\s*\n *\.\. code-block:: \w+\n\s*\n((?: +.*\n|\n)+)"
    found = re.findall(pattern, text, re.MULTILINE)
    code = {}
    for step, indented in found:
        margin = len(indented) - len(indented.lstrip(" "))
        lines = []
        for line in indented.splitlines():
            if line.strip() and len(line) - len(line.lstrip(" ")) < margin:
                break
            lines.append(line)
        code[step] = textwrap.dedent("\n".join(lines)).strip() + "\n"
    return code


def typed(block):
    """The commands of a console block."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def shell(command, *, cwd, env=None):
    """Run what a person types; what it said is told if it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, shell=isinstance(command, str)
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("packaging")
    for name in files_of_a_clean_checkout():
        target = folder / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    shell([sys.executable, "-m", "build", "--outdir", folder, folder / "checkout"], cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("django_smartcar-*-py3-none-any.whl")
    return path


@pytest.fixture(scope="module")
def sources(dist):
    """The files that it was built from."""
    checkout = dist / "checkout"
    return {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel, sources):
    held = set(zipfile.ZipFile(wheel).namelist())
    information = {name for name in held if ".dist-info/" in name}
    assert held - information == {name for name in sources if name.startswith("django_smartcar/")}
    for ending in (".html", ".css", "py.typed", ".mo"):
        assert any(name.endswith(ending) for name in held), ending


def test_the_sdist_holds_what_building_and_testing_need(dist, sources):
    (path,) = dist.glob("django_smartcar-*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("django_smartcar/", "tests/", "example_project/", "docs/")
    needed = {name for name in sources if name.startswith(folders)}
    needed |= {"run.py", "Makefile", "setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.rst"}
    assert needed <= held
    assert not [name for name in held if name.endswith((".pyc", ".sqlite3", ".env"))]


def test_readme_marks_each_step_when_a_person_installs():
    assert set(blocks()) == STEPS


class Site:
    """A new project, and the empty environment that the wheel was installed in."""

    def __init__(self, folder, wheel):
        self.folder = folder
        self.project = folder / "mysite"
        self.steps = blocks()
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DJANGO_", "SMARTCAR_", "PYTHON", "PYTEST", "VIRTUAL_ENV"))
        }
        shell([sys.executable, "-m", "venv", folder / "empty"], cwd=folder)
        self.env["PATH"] = f"{folder / 'empty' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        (install,) = typed(self.steps["install"])
        assert install == "pip install django-smartcar"
        self.types(f"pip install --quiet --disable-pip-version-check {wheel}", folder)

    def types(self, command, cwd=None):
        return shell(command, cwd=cwd or self.project, env=self.env)

    def appends(self, step, name):
        with (self.project / "mysite" / name).open("a", encoding="utf-8") as file:
            file.write("\n" + self.steps[step])

    @contextmanager
    def serves(self, command, url):
        """A program that stays, in a shell of its own, until it answers."""
        with (self.folder / "server.log").open("a+") as log:
            server = subprocess.Popen(
                command.split(), cwd=self.project, env=self.env, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                for _ in range(150):
                    if server.poll() is None and answers(url):
                        break
                    time.sleep(0.1)
                log.seek(0)
                assert server.poll() is None, log.read()
                yield log.read()
            finally:
                server.kill()
                server.wait()


def answers(url):
    try:
        return requests.get(url, timeout=5).status_code < 500
    except requests.ConnectionError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fields(page):
    """What a form of this page would send along unseen."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def test_a_new_project_connects_cars_when_the_steps_of_the_readme_are_followed(tmp_path, wheel):
    site = Site(tmp_path, wheel)
    site.types("django-admin startproject mysite", tmp_path)
    for step, name in (("settings", "settings.py"), ("hosts", "settings.py"), ("urls", "urls.py")):
        site.appends(step, name)

    port = free_port()
    (command,) = typed(site.steps["simulator"])
    pretend = command.replace("8100", str(port))
    assert pretend != command
    with site.serves(pretend, f"http://127.0.0.1:{port}/") as greeting:
        exported = dict(re.findall(r"^export (\w+)=(\S+)$", greeting, re.MULTILINE))
        assert exported["SMARTCAR_API_URL"] == f"http://127.0.0.1:{port}/api"
        site.env |= exported
        (command,) = typed(site.steps["key"])
        site.env["SMARTCAR_ENCRYPTION_KEYS"] = site.types(command).strip()
        assert "no issues" in site.types("python manage.py check")
        for step in ("migrate", "cron"):
            (command,) = typed(site.steps[step])
            site.types(command)
        assert "No changes detected" in site.types("python manage.py makemigrations --check --dry-run")
        site.env["DJANGO_SUPERUSER_PASSWORD"] = "anna"
        site.types("python manage.py createsuperuser --noinput --username anna --email anna@example.com")
        (site.project / "button.html").write_text(site.steps["button"])
        walk(site)


def walk(site):
    """Log in, look at the pages, and press the button."""
    url = f"http://127.0.0.1:{free_port()}"
    with (
        site.serves(f"python manage.py runserver --noreload {url[7:]}", f"{url}/admin/login/"),
        requests.Session() as anna,
    ):
        login = anna.get(f"{url}/cars/", timeout=10)
        assert login.url == f"{url}/admin/login/?next=/cars/"
        anna.post(login.url, {**fields(login), "username": "anna", "password": "anna"}, timeout=10)
        cars = anna.get(f"{url}/cars/", timeout=10)
        assert cars.status_code == 200
        assert 'action="/cars/connect/"' in cars.text
        for model in ("connectedvehicle", "smartcaraccount"):
            assert anna.get(f"{url}/admin/smartcar/{model}/", timeout=10).status_code == 200
        started = anna.post(f"{url}/cars/connect/", fields(cars), timeout=10)
        assert started.status_code == 200
        assert started.url.startswith(site.env["SMARTCAR_CONNECT_URL"])
        assert 'id="continue-button"' in started.text
    render = (
        "from django.template import Template, Context; "
        "print(Template(open('button.html').read()).render(Context({'csrf_token': 'token'})))"
    )
    assert 'action="/cars/connect/"' in site.types(f'python manage.py shell -c "{render}"')
