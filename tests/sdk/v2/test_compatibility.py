import base64

import pytest

from django_smartcar import sdk

from ..conftest import Response

VIN = "5YJ3E1EA7JF000001"


@pytest.fixture
def hosts(server, requester):
    credentials = {"client_id": "client-id", "client_secret": "the secret"}
    return {**credentials, "requester": requester, "api_url": f"{server.url}/v2.0"}


def test_compatibility_of_a_vehicle(server, hosts):
    capability = {"permission": "read_fuel", "endpoint": "/fuel", "capable": False, "reason": "X"}
    body = {"compatible": True, "reason": None, "capabilities": [capability]}
    server.respond = lambda request: Response(body=body)
    assert sdk.get_compatibility(VIN, ["read_fuel", "read_vin"], "CA", **hosts) == body
    (request,) = server.requests
    assert request.path == f"/v2.0/compatibility?vin={VIN}&scope=read_fuel+read_vin&country=CA"
    credentials = base64.b64encode(b"client-id:the secret").decode()
    assert request.header("Authorization") == f"Basic {credentials}"


def test_fields_missing_in_an_older_response_are_none(server, hosts):
    server.respond = lambda request: Response(body={"compatible": False})
    found = sdk.get_compatibility(VIN, "read_vin", flags="country:DE", **hosts)
    assert found == {"compatible": False, "reason": None, "capabilities": []}
    assert server.requests[0].path.endswith("scope=read_vin&country=US&flags=country%3ADE")


MODEL = {
    "model": "LEAF",
    "startYear": 2018,
    "endYear": 2025,
    "type": "BEV",
    "endpoints": ["/battery"],
    "permissions": ["read_battery"],
}


def test_the_compatibility_matrix(server, hosts):
    server.respond = lambda request: Response(body={"NISSAN": [MODEL, {"model": "Rogue"}], "FIAT": []})
    found = sdk.get_compatibility_matrix("US", "NISSAN", type="BEV", scope=["read_battery"], **hosts)
    assert found == {
        "NISSAN": [
            {
                "model": "LEAF",
                "start_year": 2018,
                "end_year": 2025,
                "type": "BEV",
                "endpoints": ["/battery"],
                "permissions": ["read_battery"],
            },
            {
                "model": "Rogue",
                "start_year": None,
                "end_year": None,
                "type": None,
                "endpoints": [],
                "permissions": [],
            },
        ],
        "FIAT": [],
    }
    sdk.get_compatibility_matrix("EUROPE", **hosts)
    assert [request.path.partition("?")[2] for request in server.requests] == [
        "region=US&make=NISSAN&type=BEV&scope=read_battery",
        "region=EUROPE",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        [],
        {"compatible": "yes"},
        {"compatible": None, "capabilities": [5]},
        {"X": 5, "compatible": 1},
        {"X": [5]},
        {"X": [{"model": None}]},
        {"X": [{**MODEL, "startYear": "2018"}]},
        {"X": [{**MODEL, "endpoints": [1]}]},
    ],
)
def test_a_response_of_another_shape_raises_a_smartcar_exception(server, hosts, body):
    server.respond = lambda request: Response(body=body)
    with pytest.raises(sdk.InvalidResponseException):
        sdk.get_compatibility(VIN, ["read_vin"], **hosts)
    with pytest.raises(sdk.InvalidResponseException):
        sdk.get_compatibility_matrix("US", **hosts)


def test_the_secret_is_removed_from_errors(server, hosts):
    server.respond = lambda request: Response(401, {"type": "AUTHENTICATION", "description": "the secret"})
    with pytest.raises(sdk.AuthenticationException, match=r"\[removed\]"):
        sdk.get_compatibility(VIN, ["read_vin"], **hosts)


def test_the_simulator_serves_both(smartcar):
    hosts = {**smartcar.credentials, "api_url": smartcar.api_url}
    found = sdk.get_compatibility(VIN, ["read_battery", "read_fuel"], **hosts)
    assert found["compatible"] is True
    assert {one["permission"]: one["capable"] for one in found["capabilities"]} == {
        "read_battery": True,
        "read_fuel": False,
    }
    matrix = sdk.get_compatibility_matrix("US", "TESLA", type="BEV", **hosts)
    assert [model["model"] for model in matrix["TESLA"]] == ["Model 3", "Model Y", "Model S"]
    assert len(sdk.get_compatibility_matrix("US", **hosts)) > 25
