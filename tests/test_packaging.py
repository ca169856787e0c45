"""The built package, installed in an empty environment and used as README.rst and docs/howto/go-live.rst say.

They mark each piece of code that a reader copies during the installation with a comment before it::

    .. install-step: settings

    .. code-block:: python

        INSTALLED_APPS += ["django_smartcar"]

``install``, ``run``, ``cron`` and ``key`` are shell commands; the output of ``key`` is exported. ``settings``
is appended to a new project's ``settings.py``, ``urls`` to its ``urls.py``. ``credentials`` replaces the line
of the simulator; ``button`` goes into a template. The test installs the wheel, not the package from PyPI,
and uses free ports instead of 8100 and 8000.
"""

import importlib.util
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
from email import message_from_string
from fnmatch import fnmatch
from pathlib import Path

import pytest
import requests

from .missing import skip_or_fail
from .simulator.browser import RequestsBrowser, Visit

ROOT = Path(__file__).parents[1]
#: To a connected car; two of them are edits of a file.
FIRST_STEPS = ("install", "settings", "urls", "run")
PAGES = ("README.rst", "docs/howto/go-live.rst")
STEPS = {*FIRST_STEPS, "credentials", "key", "cron", "button"}
IGNORED = (".venv*", ".matrix", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", "db.sqlite3*")


def checkout_files():
    """Return the files that git tracks or would add; in an unpacked sdist, all files."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if listed.returncode == 0:
            return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    paths = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return [str(path) for path in paths if not any(map(is_ignored, path.parts))]


def is_ignored(name):
    return any(fnmatch(name, rule) for rule in IGNORED)


def marked_code():
    """Return the marked code of the pages about the installation: step -> code."""
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    pattern = r"^ *\.\. install-step: (\w+)\n\s*\n *\.\. code-block:: \w+\n\s*\n(?=((?: +.*\n|\n)+))"
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


def console_commands(block):
    """Return the commands of a console block."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def shell(command, *, cwd, env=None):
    """Run a command and return its output; fail with the output if it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, shell=isinstance(command, str)
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Build the sdist, and the wheel from it; return their folder."""
    folder = tmp_path_factory.mktemp("packaging")
    for name in checkout_files():
        target = folder / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    shell([sys.executable, "-m", "build", "--outdir", folder, folder / "checkout"], cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    """Return the path of the wheel."""
    (path,) = dist.glob("django_smartcar-*-py3-none-any.whl")
    return path


@pytest.fixture(scope="module")
def sources(dist):
    """Return the files that the package was built from."""
    checkout = dist / "checkout"
    return {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}


def test_the_wheel_contains_exactly_the_files_of_the_package(wheel, sources):
    packed = set(zipfile.ZipFile(wheel).namelist())
    information = {name for name in packed if ".dist-info/" in name}
    assert packed - information == {name for name in sources if name.startswith("django_smartcar/")}
    for ending in (".html", ".css", "py.typed", ".mo", "leaflet.js", "leaflet/LICENSE"):
        assert any(name.endswith(ending) for name in packed), ending


def test_the_wheel_installs_no_tests_and_no_tools_of_development(wheel):
    packed = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in packed} == {"django_smartcar"}
    assert not [name for name in packed if re.search(r"(^|/)(tests?|conftest|benchmarks|docs)[/.]", name)]


def test_the_simulator_is_about_a_quarter_of_the_wheel(wheel):
    sizes = {entry.filename: entry.compress_size for entry in zipfile.ZipFile(wheel).infolist()}
    simulator = sum(size for name, size in sizes.items() if name.startswith("django_smartcar/simulator/"))
    assert 0.2 < simulator / sum(sizes.values()) < 0.3


def test_the_index_accepts_the_sdist_and_the_wheel_and_can_show_their_description(dist):
    if importlib.util.find_spec("twine") is None:
        skip_or_fail("twine is not installed: `python3 run.py test` installs it")
    shell([sys.executable, "-m", "twine", "check", "--strict", *dist.glob("django_smartcar-*")], cwd=dist)


#: A site with the admin, without the simulator that the settings of the tests install.
SITE = """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=[
        *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages", "admin")),
        "django_smartcar",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="django_smartcar.urls",
)
django.setup()
import django_smartcar.admin, django_smartcar.checks.published, django_smartcar.urls
"""


def modules_after(code):
    """Return the modules of the package that a new process has imported after running the code."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    modules = shell([sys.executable, "-c", script], cwd=ROOT, env=env).split()
    return {name for name in modules if name.partition(".")[0] == "django_smartcar"}


def test_importing_the_package_imports_nothing_else():
    assert modules_after("import django_smartcar") == {"django_smartcar"}


def test_a_site_imports_neither_the_simulator_nor_the_tools_for_tests():
    packages = {name.split(".")[1] for name in modules_after(SITE) if "." in name}
    assert {"urls", "views", "admin", "services", "sdk", "checks"} <= packages
    assert not packages & {"simulator", "testing", "pytest_plugin"}


def test_the_sdist_contains_what_building_and_testing_need(dist, sources):
    (path,) = dist.glob("django_smartcar-*.tar.gz")
    with tarfile.open(path) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("django_smartcar/", "tests/", "example_project/", "docs/", "benchmarks/", ".ci/", ".github/")
    needed = {name for name in sources if name.startswith(folders)}
    needed |= {"run.py", "Makefile", "setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE"}
    needed |= {path.name for path in ROOT.glob("*.rst")}
    assert needed <= packed
    assert not [name for name in packed if name.endswith((".pyc", ".sqlite3", ".env"))]


def test_the_migrations_depend_only_on_apps_of_django():
    migrations = (ROOT / "django_smartcar" / "migrations").glob("0*.py")
    source = "".join(path.read_text() for path in migrations)
    assert set(re.findall(r"^ +\('(\w+)', '\d{4}_", source, re.M)) <= {"smartcar", "auth", "contenttypes"}


def test_an_index_shows_the_readme_without_the_picture(wheel):
    (name,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_string(zipfile.ZipFile(wheel).read(name).decode())
    readme = (ROOT / "README.rst").read_text(encoding="utf-8")
    before, picture, after = re.split(r"(\.\. image:: \S+\n   :alt: .*\n   :width: .*\n\n)", readme)
    assert picture
    assert metadata["Description-Content-Type"] == "text/x-rst"
    assert metadata.get_payload().strip() == (before + after).strip()


def test_the_pages_mark_every_step_of_the_installation():
    assert set(marked_code()) == STEPS


class Site:
    """A new project, with the wheel installed in an empty environment."""

    def __init__(self, folder, wheel):
        self.folder = folder
        self.project = folder / "mysite"
        self.steps = marked_code()
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DJANGO_", "SMARTCAR_", "PYTHON", "PYTEST", "VIRTUAL_ENV"))
        }
        shell([sys.executable, "-m", "venv", folder / "empty"], cwd=folder)
        self.env["PATH"] = f"{folder / 'empty' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        (install,) = console_commands(self.steps["install"])
        assert install == "pip install django-smartcar"
        self.run(f"pip install --quiet --disable-pip-version-check {wheel}", folder)

    def run(self, command, cwd=None):
        return shell(command, cwd=cwd or self.project, env=self.env)

    def append(self, step, name):
        with (self.project / "mysite" / name).open("a", encoding="utf-8") as file:
            file.write("\n" + self.steps[step])

    def command(self, step):
        """Return the only command of a step."""
        (command,) = console_commands(self.steps[step])
        return command

    @contextmanager
    def serve(self, command, url):
        """Run a server; yield its output once the URL responds, and stop it afterwards."""
        with (self.folder / "server.log").open("a+") as log:
            server = subprocess.Popen(
                command.split(), cwd=self.project, env=self.env, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                for _ in range(600):
                    if server.poll() is None and responds(url):
                        break
                    time.sleep(0.1)
                log.seek(0)
                assert server.poll() is None, log.read()
                yield log.read()
            finally:
                server.kill()
                server.wait()


def responds(url):
    try:
        return requests.get(url, timeout=5).status_code < 500
    except requests.ConnectionError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fields(page):
    """Return the hidden fields of the forms on a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def test_the_first_steps_of_the_readme_connect_a_car_to_a_new_project(tmp_path, wheel):
    assert tuple(marked_code())[: len(FIRST_STEPS)] == FIRST_STEPS
    site = Site(tmp_path, wheel)
    site.run("django-admin startproject mysite", tmp_path)
    simulator, url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    simulate, serve = follow_first_steps(site, simulator, url)
    with site.serve(simulate, simulator) as output:
        assert f'SMARTCAR_SIMULATOR_URL = "{simulator}"\n' in output
        assert "export " not in output
        with site.serve(f"{serve} --noreload {url[7:]}", f"{url}/admin/login/"), requests.Session() as anna:
            visit_pages(anna, url)
            connect_a_car(anna, url, simulator)
        site.run(site.command("cron"))


def follow_first_steps(site, simulator, url):
    """Follow the steps as a reader does, but with other ports. Return the commands of the two servers."""
    for step in ("settings", "run"):
        assert "127.0.0.1:8" in site.steps[step]
        text = site.steps[step].replace("http://127.0.0.1:8000", url)
        site.steps[step] = text.replace("http://127.0.0.1:8100", simulator)
    site.append("settings", "settings.py")
    site.append("urls", "urls.py")
    migrate, create_user, simulate, serve = console_commands(site.steps["run"])
    site.run(migrate)
    site.env["DJANGO_SUPERUSER_PASSWORD"] = "anna"
    site.run(f"{create_user} --noinput --username anna --email anna@example.com")
    # The key that is derived from SECRET_KEY is the only thing to say.
    assert set(re.findall(r"smartcar\.\w+", site.run("python manage.py check 2>&1"))) == {"smartcar.W020"}
    assert "No changes detected" in site.run("python manage.py makemigrations --check --dry-run")
    return f"{simulate} --port {simulator.rpartition(':')[2]}", serve


def visit_pages(anna, url):
    """Log in, and request the pages."""
    login = anna.get(f"{url}/cars/", timeout=10)
    assert login.url == f"{url}/admin/login/?next=/cars/"
    anna.post(login.url, {**fields(login), "username": "anna", "password": "anna"}, timeout=10)
    for model in ("connectedvehicle", "smartcaraccount"):
        assert anna.get(f"{url}/admin/smartcar/{model}/", timeout=10).status_code == 200


def connect_a_car(anna, url, simulator):
    """Press the button, go through Connect, and come back to the page with the car."""
    cars = anna.get(f"{url}/cars/", timeout=10)
    assert 'action="/cars/connect/"' in cars.text
    assert "CHEVROLET" not in cars.text.upper()
    started = anna.post(f"{url}/cars/connect/", fields(cars), timeout=10)
    assert started.url.startswith(f"{simulator}/connect/")
    callback = Visit(RequestsBrowser(), simulator, started.url).connect().landed
    assert callback.startswith(f"{url}/cars/callback/?")
    connected = anna.get(callback, timeout=10)
    assert connected.status_code == 200
    assert "CHEVROLET" in connected.text.upper()


def test_the_further_steps_make_the_site_ready_for_smartcar(tmp_path, wheel):
    site = Site(tmp_path, wheel)
    site.run("django-admin startproject mysite", tmp_path)
    site.steps["settings"] = re.sub("^SMARTCAR_SIMULATOR_URL.*\n", "", site.steps["settings"], flags=re.M)
    for step in ("settings", "credentials"):
        site.append(step, "settings.py")
    site.append("urls", "urls.py")
    site.env |= {
        "SMARTCAR_APPLICATION_ID": "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11",
        "SMARTCAR_CLIENT_ID": "client_01JABCDEF",
        "SMARTCAR_CLIENT_SECRET": "a-secret-of-your-own",
        "SMARTCAR_ENCRYPTION_KEYS": site.run(site.command("key")).strip(),
    }
    assert "no issues" in site.run("python manage.py check")
    (site.project / "button.html").write_text(site.steps["button"])
    render = (
        "from django.template import Template, Context; "
        "print(Template(open('button.html').read()).render(Context({'csrf_token': 'token'})))"
    )
    assert 'action="/cars/connect/"' in site.run(f'python manage.py shell -c "{render}"')
