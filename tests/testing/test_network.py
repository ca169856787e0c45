"""No test sends a request to Smartcar by accident. ``server`` is any host but the simulator."""

import socket
import urllib.request

import pytest
import requests
import responses

from django_smartcar import sdk, testing
from django_smartcar.services import vehicles

HOSTS = [
    "connect.smartcar.com",
    "auth.smartcar.com",
    "iam.smartcar.com",
    "api.smartcar.com",
    "management.smartcar.com",
    "vehicle.api.smartcar.com",
    "management.api.smartcar.com",
    "compatibility.api.smartcar.com",
    "SMARTCAR.com.",
]


@pytest.fixture
def sent(monkeypatch):
    """Record and fail all DNS lookups, so that even a failing test sends nothing."""
    looked_up, real = [], socket.getaddrinfo

    def look_up(host, *args, **kwargs):
        if host == "127.0.0.1":
            return real(host, *args, **kwargs)
        looked_up.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "not in this test")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return looked_up


@pytest.mark.parametrize("host", HOSTS)
def test_a_request_to_smartcar_is_blocked_with_a_hint(sent, host):
    with testing.blocked():
        with pytest.raises(testing.NetworkBlocked, match="smartcar_simulator") as refusal:
            requests.get(f"https://{host}/v3/vehicles/secret-id?code=secret", timeout=1)
        assert host.lower() in str(refusal.value).lower()
        assert "secret" not in str(refusal.value)
        with pytest.raises(testing.NetworkBlocked, match="testing.simulator"):
            urllib.request.urlopen(f"https://{host}/", timeout=1)
    assert not sent
    with pytest.raises(requests.ConnectionError):
        requests.get(f"https://{host}/", timeout=1)
    assert [name.lower() for name in sent] == [host.lower()]


def test_requests_through_a_proxy_are_blocked(server):
    proxies = {"http": f"http://127.0.0.1:{server.server_port}"}
    with testing.blocked(), pytest.raises(testing.NetworkBlocked, match="POST to api.smartcar.com"):
        requests.post("http://api.smartcar.com/", data={"a": "b"}, proxies=proxies, timeout=5)
    assert not server.request_times


@pytest.mark.parametrize("session", [lambda: None, requests.Session], ids=["pooled", "own"])
def test_requests_of_the_sdk_are_blocked_for_any_host(server, session):
    requester = sdk.Requester(session=session(), retries=0)
    with testing.blocked(), pytest.raises(testing.NetworkBlocked, match="127.0.0.1"):
        requester.call("POST", server.url)
    assert not server.request_times
    requester.call("POST", server.url, data={"refresh_token": "first-0"})
    assert len(server.request_times) == 1


def test_requests_to_the_hosts_of_the_settings_are_blocked(db, vehicle, sent):
    with testing.blocked(), pytest.raises(testing.NetworkBlocked, match=r"api\.smartcar\.com"):
        vehicles.odometer(vehicle)
    assert not sent


def test_with_a_simulator_the_sdk_reaches_no_other_host(server, settings):
    with testing.simulator() as smartcar:
        with pytest.raises(testing.NetworkBlocked):
            sdk.Requester(retries=0).call("POST", server.url)
        with smartcar.on_a_port() as url, pytest.raises(testing.NetworkBlocked):
            sdk.Requester(retries=0).call("POST", f"{url}@127.0.0.1:{server.server_port}/")
    assert not server.request_times


def test_requests_of_other_libraries_to_other_hosts_pass(server, sent):
    with testing.blocked():
        requests.post(server.url, data={"refresh_token": "first-0"}, timeout=5)
        with pytest.raises(requests.ConnectionError):
            requests.get("https://notsmartcar.com/", timeout=1)
    assert len(server.request_times) == 1
    assert sent == ["notsmartcar.com"]


def test_mocked_responses_are_returned(sent):
    with testing.blocked(), responses.RequestsMock() as mock:
        mock.add("GET", "https://api.smartcar.com/v2.0/vehicles", json={"vehicles": ["car-1"], "paging": {}})
        assert sdk.get_vehicle_ids("token")["vehicles"] == ["car-1"]


def test_mocked_responses_for_other_hosts_do_not_hide_the_simulator(db, anna):
    with testing.simulator() as smartcar, responses.RequestsMock() as mock:
        mock.add("GET", "https://weather.example.com/", json={"rain": True})
        (vehicle,) = smartcar.connect(anna).vehicles
        assert vehicles.odometer(vehicle)["data"]["distance"] > 0
        assert requests.get("https://weather.example.com/", timeout=1).json() == {"rain": True}


def test_unblocked_allows_requests_to_smartcar(sent):
    with testing.blocked(), testing.unblocked(), pytest.raises(requests.ConnectionError):
        requests.get("https://api.smartcar.com/", timeout=1)
    assert sent == ["api.smartcar.com"]
