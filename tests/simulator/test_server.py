import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
import requests

from django_smartcar.simulator import store
from tests.simulator.browser import RequestsBrowser, Visit
from tests.simulator.program import REDIRECT_URI, ROOT, running

pytestmark = pytest.mark.slow


def visit_connect(program, redirect_uri=REDIRECT_URI):
    url = requests.Request(
        "GET",
        program.environment["SMARTCAR_CONNECT_URL"] + "/oauth/authorize",
        params={
            "response_type": "code",
            "client_id": program.environment["SMARTCAR_CLIENT_ID"],
            "redirect_uri": redirect_uri,
        },
    )
    return Visit(RequestsBrowser(), program.origin, url.prepare().url)


def tokens_of(program, email="driver@example.com"):
    session = visit_connect(program).connect(email)
    fields = {
        "grant_type": "authorization_code",
        "code": session.callback["code"],
        "redirect_uri": REDIRECT_URI,
    }
    return post_token(program, fields)


def post_token(program, fields):
    credentials = program.environment["SMARTCAR_CLIENT_ID"], program.environment["SMARTCAR_CLIENT_SECRET"]
    response = requests.post(program.environment["SMARTCAR_AUTH_URL"], fields, auth=credentials, timeout=10)
    return response.json()


def call(program, method, path, tokens, **options):
    url = f"{program.environment['SMARTCAR_API_URL']}/v2.0/{path}"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return requests.request(method, url, headers=headers, timeout=10, **options)


def test_a_connected_car_survives_a_restart(tmp_path):
    with running(tmp_path) as program:
        tokens = tokens_of(program)
        vehicle_id = call(program, "GET", "vehicles", tokens).json()["vehicles"][0]
        call(program, "POST", f"vehicles/{vehicle_id}/security", tokens, json={"action": "LOCK"})
        program.process.kill()  # no chance to shut down cleanly
        program.finish()
    assert (tmp_path / "smartcar-simulator.json").exists()
    with running(tmp_path) as program:
        assert "Vehicles loaded from smartcar-simulator.json: 1." in program.greeting
        assert call(program, "GET", f"vehicles/{vehicle_id}/security", tokens).json()["isLocked"] is True
    with running(tmp_path, "--fresh") as program:
        assert call(program, "GET", "vehicles", tokens).status_code == 401


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_stops_cleanly_on_a_signal(tmp_path, number):
    with running(tmp_path, "--state", "other.json") as program, requests.Session() as session:
        session.get(program.origin, timeout=10)  # an open connection does not delay the stop
        assert program.stop(number) == 0
    assert "Traceback" not in program.errors
    assert "Warning" not in program.errors


def test_the_environment_variables_are_printed_at_start(tmp_path):
    with running(tmp_path, "--api-version", "3") as program:
        environment = program.environment
        assert environment["SMARTCAR_CONNECT_URL"] == f"{program.origin}/connect"
        assert environment["SMARTCAR_AUTH_ORIGIN"] == f"{program.origin}/auth/oauth/token"
        page = requests.get(program.origin, timeout=10)
        for name, value in environment.items():
            assert f"export {name}={value}" in page.text


def test_redirect_uris_are_registered_by_options_and_the_one_of_smartcars_suites_always(tmp_path):
    with running(tmp_path, "--redirect-uri", "sc5c3a9f1e://exchange") as program:
        assert f"Registered redirect URIs: {REDIRECT_URI}, sc5c3a9f1e://exchange, " in program.greeting
        assert visit_connect(program, "sc5c3a9f1e://exchange").connect().landed.startswith("sc5c3a9f1e://")
        assert visit_connect(program, "https://example.com/auth").status == 200
        assert visit_connect(program, "https://other.example.com/").status == 400
    with running(tmp_path, "--any-redirect-uri") as program:
        assert visit_connect(program, "https://other.example.com/").status == 200


@pytest.mark.parametrize("version", ["2.0", "3"])
def test_the_variables_are_printed_for_a_site_and_for_smartcars_sdks(tmp_path, version):
    with running(tmp_path, "--api-version", version) as program:
        site, sdks = program.greeting.split("Set these for Smartcar's own SDKs")
        assert "export SMARTCAR_VEHICLE_API_URL=" in site
        assert "_ORIGIN=" not in site
        assert re.findall(r"export (\w+)=", sdks) == list(store.sdk_environment(program.origin))
        assert ("With --api-version 2.0 they are." in site) is (version == "3")


def test_one_connection_serves_many_requests(tmp_path):
    with running(tmp_path) as program, requests.Session() as session:
        for _ in range(3):
            response = session.get(f"{program.origin}/api/v2.0/vehicles", timeout=10)
            assert response.status_code == 401
            assert response.raw.version == 11
            assert response.headers.get("Connection", "").lower() != "close"
        pools = session.get_adapter("http://").poolmanager.pools
        assert pools[next(iter(pools.keys()))].num_connections == 1


def test_idle_connections_do_not_block_other_requests(tmp_path):
    with running(tmp_path) as program:
        host, port = program.origin.removeprefix("http://").split(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(5)]
        tokens = tokens_of(program)
        statuses = []
        threads = [
            threading.Thread(
                target=lambda: statuses.append(call(program, "GET", "vehicles", tokens).status_code)
            )
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for connection in idle:
            connection.close()
        assert statuses == [200] * 20


def test_pages_have_styles_and_a_content_security_policy(tmp_path):
    with running(tmp_path) as program:
        page = requests.get(program.origin, timeout=10)
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        for name in ("pico.min.css", "simulator.css", "icon.svg"):
            assert f"/files/{name}" in page.text
            response = requests.get(f"{program.origin}/files/{name}", timeout=10)
            assert response.status_code == 200


def test_the_grace_option_sets_the_grace_period(tmp_path):
    with running(tmp_path, "--grace", "0") as program:
        tokens = tokens_of(program)
        fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert "refresh_token" in post_token(program, fields)
        assert post_token(program, fields)["error"] == "invalid_grant"


def test_no_secret_is_logged(tmp_path):
    with running(tmp_path) as program:
        tokens = tokens_of(program)
        program.stop()
    assert "GET /connect/oauth/authorize 302" in program.errors
    assert tokens["access_token"] not in program.errors
    assert "redirect_uri" not in program.errors


def run_failing_program(folder, *arguments):
    """Run a program that is expected to exit at once, and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "django_smartcar.simulator", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_a_port_in_use_is_reported(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = run_failing_program(tmp_path, "--port", str(taken.getsockname()[1]))
    assert process.returncode == 1
    assert "Cannot serve on 127.0.0.1" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_missing_folder_of_the_state_file_is_reported(tmp_path):
    process = run_failing_program(tmp_path, "--port", "0", "--state", "no/such/state.json")
    assert process.returncode == 2
    assert f"there is no folder {tmp_path}/no/such" in process.stderr


@pytest.mark.parametrize("grace", ["nan", "inf", "-1", "soon"])
def test_an_invalid_grace_period_is_reported(tmp_path, grace):
    process = run_failing_program(tmp_path, "--port", "0", f"--grace={grace}")
    assert process.returncode == 2
    assert f"--grace: '{grace}' is not a number of seconds" in process.stderr


def test_a_redirect_uri_that_is_none_is_reported(tmp_path):
    process = run_failing_program(tmp_path, "--redirect-uri", "/cars/callback/")
    assert process.returncode == 2
    assert "--redirect-uri: '/cars/callback/' is not a full URL" in process.stderr


@pytest.mark.parametrize(
    "origin",
    [
        "sim.example.com",
        "ftp://sim.example.com",
        "https://",
        "https://sim.example.com/?x",
        "https://a@b.example",
    ],
)
def test_a_public_origin_that_is_none_is_reported(tmp_path, origin):
    process = run_failing_program(tmp_path, "--public-origin", origin)
    assert process.returncode == 2
    assert f"--public-origin: '{origin}' is not a URL" in process.stderr


@pytest.mark.parametrize("host", ["::", "::1"])
@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_the_program_can_listen_on_ipv6(tmp_path, host):
    with running(tmp_path, "--host", host) as program:
        assert program.origin.startswith("http://[::1]:")
        assert requests.get(f"{program.origin}/api/v2.0/user", timeout=10).status_code == 401


def test_pages_are_in_english_whatever_the_browser_requests(tmp_path):
    with running(tmp_path) as program:
        page = requests.get(program.origin, headers={"Accept-Language": "de"}, timeout=10)
        assert '<html lang="en">' in page.text
        assert "Content-Language" not in page.headers
