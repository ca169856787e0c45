from urllib.parse import urlencode

import pytest
import requests

from tests.simulator.browser import RequestsBrowser, Visit
from tests.simulator.program import running

pytestmark = pytest.mark.slow

OPTIONS = ["--api-version", "3", "--no-codes", "--no-signals", "--command-seconds", "0.2"]


def token_of(environment):
    fields = {
        "grant_type": "client_credentials",
        "client_id": environment["SMARTCAR_CLIENT_ID"],
        "client_secret": environment["SMARTCAR_CLIENT_SECRET"],
    }
    return requests.post(environment["SMARTCAR_IAM_URL"], json=fields, timeout=10).json()["access_token"]


def test_the_options_for_api_v3_work_together(tmp_path):
    with running(tmp_path, *OPTIONS) as program:
        environment = program.environment
        assert environment["SMARTCAR_CLIENT_ID"].startswith("client_")
        token = token_of(environment)
        query = {
            "response_type": "code",
            "application_id": environment["SMARTCAR_APPLICATION_ID"],
            "redirect_uri": "https://app.example.com/callback",
            "state": "s",
        }
        url = f"{environment['SMARTCAR_CONNECT_URL']}/oauth/authorize?{urlencode(query)}"
        callback = Visit(RequestsBrowser(), program.origin, url).connect().callback
        assert sorted(callback) == ["state", "user_id"]
        headers = {"Authorization": f"Bearer {token}", "sc-user-id": callback["user_id"]}
        host = f"{environment['SMARTCAR_VEHICLE_API_URL']}/v3"
        (found,) = requests.get(f"{host}/connections", headers=headers, timeout=10).json()["data"]
        vehicle = found["relationships"]["vehicle"]["links"]["related"]
        assert vehicle.startswith(host)
        assert requests.get(f"{vehicle}/signals", headers=headers, timeout=10).json()["data"] == []
        response = requests.post(f"{vehicle}/commands/security/lock", headers=headers, timeout=10)
        assert response.status_code == 202
        assert response.json()["data"]["attributes"]["status"] == {"value": "SUCCESS"}
        assert program.stop() == 0
    assert token not in program.errors
