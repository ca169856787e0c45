"""The example project, in its own process with its own settings, over HTTP."""

import ast
import re
import subprocess
import sys
import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from .example_server import ROOT, environment, manage, served

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("example")]

REAL = {
    "SMARTCAR_CLIENT_ID": "client_01JABCDEF",
    "SMARTCAR_CLIENT_SECRET": "secret",
    "SMARTCAR_APPLICATION_ID": "6fe90a52-3b4a-4a5e-b3b3-4f3a1c0a7b11",
}
KEYS = {
    "SECRET_KEY": "of the example's own",
    "SMARTCAR_ENCRYPTION_KEYS": "b2YtdGhlLWV4YW1wbGUncy1vd24tMzItYnl0ZXMtbG8=",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Serve the example; return its URL."""
    with served(tmp_path_factory.mktemp("example")) as url:
        yield url


def log_in(site, name):
    session = requests.Session()
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', session.get(f"{site}/login/", timeout=10).text)[
        1
    ]
    login = {"csrfmiddlewaretoken": token, "username": name, "password": name}
    response = session.post(f"{site}/login/", login, timeout=10)
    assert response.url == f"{site}/cars/"
    return session


@pytest.fixture
def demo(site):
    with log_in(site, "demo") as session:
        yield session


@pytest.fixture
def admin(site):
    with log_in(site, "admin") as session:
        yield session


# Pages.


def test_home_shows_the_login_and_the_demo_users_to_anonymous_visitors(site):
    page = requests.get(site, timeout=10).text
    assert 'href="/login/"' in page
    assert "/cars/connect/" not in page
    assert page.count("<kbd>demo</kbd>") == page.count("<kbd>admin</kbd>") == 2


def test_home_shows_the_connect_button_to_users(site, demo):
    page = demo.get(site, timeout=10).text
    assert 'action="/cars/connect/"' in page
    assert 'href="/admin/">Admin' not in page


def test_home_links_to_the_admin_for_staff(site, admin):
    assert 'href="/admin/">Admin' in admin.get(site, timeout=10).text


def test_the_page_of_cars_uses_the_layout_of_the_example(site, demo):
    page = demo.get(f"{site}/cars/", timeout=10).text
    assert 'class="site-header"' in page
    assert 'aria-current="page">Your cars' in page


def test_a_wrong_password_shows_an_error(site):
    with requests.Session() as session:
        page = session.get(f"{site}/login/", timeout=10).text
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]
        login = {"csrfmiddlewaretoken": token, "username": "demo", "password": "wrong"}
        assert 'role="alert"' in session.post(f"{site}/login/", login, timeout=10).text


def test_the_connect_button_leads_to_the_simulator(site, demo):
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', demo.get(site, timeout=10).text)[1]
    response = demo.post(f"{site}/cars/connect/", {"csrfmiddlewaretoken": token}, timeout=10)
    assert response.url.startswith(f"{site}/smartcar-simulator/connect/")
    assert 'id="continue-button"' in response.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connect_accepts_the_callback_of_the_site_and_no_other(site, demo, host):
    """A wrong path, for example with the prefix of a language, shows up in the demo."""
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', demo.get(site, timeout=10).text)[1]
    form = {"csrfmiddlewaretoken": token}
    started = demo.post(f"{site}/cars/connect/", form, allow_redirects=False, timeout=10)
    url = started.headers["Location"]
    (callback,) = parse_qs(urlsplit(url).query)["redirect_uri"]
    assert callback == f"{site}/cars/callback/"

    def status_with(redirect_uri):
        return requests.get(url.replace(quote(callback, ""), quote(redirect_uri, "")), timeout=10).status_code

    own = callback.replace("127.0.0.1", host)
    assert status_with(own) == 200
    assert status_with(own.replace("/cars/", "/de/cars/")) == 400
    assert status_with(own.removesuffix("/")) == 400


# Content-Security-Policy.


def directives(response):
    header = response.headers["Content-Security-Policy"]
    return dict(rule.split(" ", 1) for rule in header.split("; "))


def test_the_policy_allows_only_the_sites_own_files(site):
    policy = directives(requests.get(site, timeout=10))
    assert policy["default-src"] == "'self'"
    assert not {"script-src", "style-src"} & set(policy)
    assert policy["form-action"] == f"'self' {site}"
    assert policy["frame-ancestors"] == "'none'"


def test_the_pages_of_the_simulator_allow_forms_to_any_site(site):
    assert "form-action" not in directives(requests.get(f"{site}/smartcar-simulator/", timeout=10))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/cars/",
        "/admin/",
        "/admin/auth/user/",
        "/admin/auth/user/add/",
        "/admin/smartcar/connectedvehicle/",
        "/admin/smartcar/smartcaraccount/",
    ],
)
def test_no_page_violates_the_policy(site, admin, path):
    response = admin.get(site + path, timeout=10)
    assert response.status_code == 200
    assert directives(response)["default-src"] == "'self'"
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", response.text)
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", response.text, re.DOTALL):
        assert "src=" in attributes or 'type="application/json"' in attributes, body
    assert not re.search(r'(?:src|href)="(?:https?:)?//', response.text)


@pytest.mark.parametrize("name", ["pico.min.css", "carport.css", "carport.svg"])
def test_static_files_are_served(site, name):
    assert requests.get(f"{site}/static/example/{name}", timeout=10).status_code == 200


# The demo's cars.


@pytest.fixture(scope="module")
def cars(tmp_path_factory):
    """Serve the example as `run.py demo` does; return its URL and its folder."""
    folder = tmp_path_factory.mktemp("cars")
    with served(folder, has_cars=True) as url:
        yield url, folder


def test_the_demo_begins_with_three_cars_and_their_charts(cars):
    url, _ = cars
    with log_in(url, "demo") as demo:
        page = demo.get(f"{url}/cars/", timeout=10).text
        for name in ("Tesla", "BMW", "Toyota"):
            assert name in page
        keys = sorted(set(re.findall(r'href="/cars/(\d+)/"', page)))
        assert len(keys) == 3
        for key in keys:
            year = demo.get(f"{url}/cars/{key}/?period=year", timeout=10).text
            for chart in ("battery_level", "odometer", "outside_temperature"):
                table = year.partition(f'id="chart-{chart}"')[2].partition("</table>")[0]
                assert table.count("<tr>") > 90 / 5, "a step of the year is five days"


def test_the_demos_admin_has_content(cars):
    url, _ = cars
    with log_in(url, "admin") as admin:
        page = admin.get(f"{url}/admin/smartcar/connectedvehicle/fleet/", timeout=10).text
        assert re.search("<strong>3</strong> with values of the last day", page)
        assert not re.search("<strong>0</strong> (succeeded|sent|received in the last hour)", page)
        assert re.search("<strong>0</strong> failed", page)


def test_a_car_of_the_demo_moves(cars):
    url, _ = cars

    def odometer():
        page = admin.get(f"{url}/admin/smartcar/vehiclesignal/", params={"q": "odometer"}, timeout=10).text
        return sorted(re.findall(r"[\d,.]+\xa0km", page))

    with log_in(url, "admin") as admin:
        before, end = odometer(), time.monotonic() + 120
        assert len(before) == 3
        while odometer() == before:
            assert time.monotonic() < end, "no webhook told that a car has moved"
            time.sleep(1)


def test_the_demos_cars_are_connected_once(cars):
    url, folder = cars
    done = manage(environment(folder, EXAMPLE_ORIGIN=url), "make_demo_cars")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("more", [REAL, {"SMARTCAR_SIMULATOR_URL": "http://127.0.0.1:8100"}])
def test_cars_of_another_server_are_not_connected(tmp_path, more):
    done = manage(environment(tmp_path, **more), "make_demo_cars")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


# Setup.


def test_demo_users_are_created_once_and_keep_a_changed_password(tmp_path):
    env = environment(tmp_path)
    manage(env, "migrate", "--verbosity", "0")
    assert "demo, password demo\n" in manage(env, "make_demo_users").stdout
    change = "from django.contrib.auth.models import User as U; u = U.objects.get(username='demo'); "
    manage(env, "shell", "-c", f"{change}u.set_password('mine'); u.save()")
    output = manage(env, "make_demo_users").stdout
    assert "demo, password as you changed it\n" in output
    assert "admin, password admin\n" in output


def test_with_the_simulator_the_steps_to_a_real_application_are_printed(tmp_path):
    env = environment(tmp_path, EXAMPLE_ORIGIN="http://127.0.0.1:8123")
    manage(env, "migrate", "--verbosity", "0")
    output = manage(env, "make_demo_users").stdout
    assert "http://127.0.0.1:8123/\n" in output
    assert "SMARTCAR_CLIENT_ID=" in output
    assert "http://localhost:8123/cars/callback/" in output


def test_with_a_real_application_the_simulator_is_not_served(tmp_path):
    env = environment(tmp_path, **REAL)
    manage(env, "migrate", "--verbosity", "0")
    output = manage(env, "make_demo_users").stdout
    assert f"those of the Smartcar application {REAL['SMARTCAR_CLIENT_ID']}" in output
    code = (
        "from django.test import Client; c = Client(); "
        "print(c.get('/smartcar-simulator/').status_code, c.get('/').headers['Content-Security-Policy'])"
    )
    response = manage({**env, "ALLOWED_HOSTS": "testserver"}, "shell", "-c", code).stdout
    assert re.search("^404 ", response, re.MULTILINE)
    assert "form-action 'self' https://*.smartcar.com" in response


def test_api_v2_needs_one_variable_and_gets_a_warning(tmp_path):
    done = manage(environment(tmp_path, SMARTCAR_API_VERSION="2.0"), "check")
    assert done.returncode == 0
    assert re.findall(r"smartcar\.\w+", done.stderr) == ["smartcar.W005"]


@pytest.mark.parametrize("more", [{}, REAL], ids=["simulated", "real"])
def test_the_system_checks_find_no_problem(tmp_path, more):
    done = manage(environment(tmp_path, **more), "check")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_without_debug_a_secret_key_is_required(tmp_path):
    done = manage(environment(tmp_path, DEBUG="false"), "check")
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr


def test_without_debug_the_simulator_is_not_served_unless_a_variable_says_so(tmp_path):
    env = environment(tmp_path, DEBUG="false", **KEYS)
    done = manage(env, "check")
    assert done.returncode == 1
    assert "ImproperlyConfigured: This site would serve the Smartcar simulator" in done.stderr
    assert "SERVE_SIMULATOR=true" in done.stderr
    assert manage({**env, "SERVE_SIMULATOR": "true"}, "check").returncode == 0


def test_the_deployment_checks_warn_of_the_demos_keys_and_tokens(tmp_path):
    done = manage(environment(tmp_path), "check", "--deploy")
    assert {"smartcar.W040", "smartcar.W041"} <= set(re.findall(r"smartcar\.\w+", done.stderr))
    served = environment(tmp_path, DEBUG="false", SERVE_SIMULATOR="true", **KEYS)
    done = manage(served, "check", "--deploy")
    assert {"smartcar.W041", "smartcar.W042"} == set(re.findall(r"smartcar\.W04\d", done.stderr))
    done = manage(environment(tmp_path, DEBUG="false", **KEYS, **REAL), "check", "--deploy")
    assert set(re.findall(r"smartcar\.W04\d", done.stderr)) == {"smartcar.W043"}  # the secret is "secret"


def test_without_debug_an_encryption_key_is_required(tmp_path):
    env = environment(tmp_path, DEBUG="false", SECRET_KEY=KEYS["SECRET_KEY"], **REAL)
    done = manage(env, "check")
    assert done.returncode == 1
    assert "smartcar.E021" in done.stderr


@pytest.mark.parametrize(
    ("command", "more"), [("make_demo_users", REAL), ("make_demo_cars", {"SERVE_SIMULATOR": "true"})]
)
def test_without_debug_no_demo_user_is_created(tmp_path, command, more):
    env = environment(tmp_path, DEBUG="false", **KEYS, **more)
    manage(env, "migrate", "--verbosity", "0")
    done = manage(env, command)
    assert done.returncode == 1
    assert "this command requires DEBUG=true" in done.stderr


def test_sqlite_allows_reads_during_a_write(tmp_path):
    code = (
        "from django.db import connection as c; c.ensure_connection(); q = c.cursor(); "
        "names = ('journal_mode', 'synchronous', 'busy_timeout'); "
        "print([q.execute('PRAGMA ' + p).fetchone()[0] for p in names], c.transaction_mode)"
    )
    output = manage(environment(tmp_path), "shell", "-c", code).stdout
    assert "['wal', 1, 20000] IMMEDIATE" in output


def test_database_url_selects_another_database(tmp_path):
    # The settings alone: to set Django up, this environment would need PostgreSQL's driver.
    code = "from example.settings import DATABASES; print(DATABASES['default'])"
    env = environment(tmp_path, DATABASE_URL="postgres://u:p@db.example/cars")
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "example_project", env=env, capture_output=True, text=True
    )
    database = ast.literal_eval(output.stdout)
    assert (database["ENGINE"], database["HOST"], database["NAME"]) == (
        "django.db.backends.postgresql",
        "db.example",
        "cars",
    )


def test_the_url_of_a_separate_simulator_can_be_set(tmp_path):
    """The setting that ``python -m django_smartcar.simulator`` prints is used."""
    code = "from django_smartcar.conf import conf; print(conf.SMARTCAR_CONNECT_URL, conf.SMARTCAR_IAM_URL)"
    env = environment(tmp_path, SMARTCAR_SIMULATOR_URL="http://127.0.0.1:8100")
    output = manage(env, "shell", "-c", code).stdout
    urls = "http://127.0.0.1:8100/connect http://127.0.0.1:8100/iam/oauth2/token"
    assert output.splitlines()[-1] == urls
