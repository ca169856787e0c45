from urllib.parse import parse_qsl, urlsplit

import pytest

from django_smartcar import sdk

APPLICATION = "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11"
BACK = "https://site.example/cb?a=1"


def query_of(url):
    return parse_qsl(urlsplit(url).query, strict_parsing=True)


def test_the_url_of_v3_differs_from_that_of_v2_in_the_application_id():
    options = {"mode": "simulated", "force": True, "state": "s", "external_id": "e", "single_select": True}
    new = sdk.connect.get_auth_url(APPLICATION, BACK, ["read_vin"], **options)
    old = sdk.connect.get_auth_url(APPLICATION, BACK, ["read_vin"], id_name="client_id", **options)
    assert ("application_id", APPLICATION) in query_of(new)
    assert new.replace("application_id=", "client_id=") == old
    client = sdk.AuthClient(APPLICATION, "hidden", BACK, ["read_vin"], mode="simulated")
    assert client.get_auth_url(True, "s", external_id="e", single_select=True) == old


def test_the_reauth_url_has_the_vehicle_and_the_redirect_uri():
    url = sdk.connect.get_reauth_url(APPLICATION, "car-1", BACK, "s t", external_id="e")
    assert url.startswith("https://connect.smartcar.com/oauth/reauthenticate?response_type=vehicle_id&")
    assert dict(query_of(url)) == {
        "response_type": "vehicle_id",
        "application_id": APPLICATION,
        "vehicle_id": "car-1",
        "external_id": "e",
        "redirect_uri": BACK,
        "state": "s t",
    }


def test_the_reauth_url_of_v2_has_the_client_id():
    url = sdk.connect.get_reauth_url(
        APPLICATION, "car-1", BACK, "s", id_name="client_id", connect_url="http://localhost:8100/connect/"
    )
    assert url.startswith("http://localhost:8100/connect/oauth/reauthenticate?")
    assert ("client_id", APPLICATION) in query_of(url)


@pytest.mark.parametrize("more", ["", "&state=theirs&redirect_uri=https%3A%2F%2Fevil.example"])
def test_only_our_redirect_uri_and_state_are_in_the_completed_url(more):
    given = f"https://connect.smartcar.com/oauth/reauthenticate?client_id=c&vehicle_id=v{more}"
    completed = sdk.connect.complete_url(given, BACK, "s")
    assert completed.startswith("https://connect.smartcar.com/oauth/reauthenticate?")
    assert query_of(completed) == [
        ("client_id", "c"),
        ("vehicle_id", "v"),
        ("redirect_uri", BACK),
        ("state", "s"),
    ]
