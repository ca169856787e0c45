import pytest

from tests.simulator.conftest import basic


def test_v1_answers_the_calls_of_its_sdk(volt, api):
    assert api("GET", "user", volt.token, version="1.0").json() == {"id": volt.car.owner_id}
    assert api("GET", "vehicles?limit=10&offset=0", volt.token, version="1.0").json()["vehicles"] == [volt.id]
    reads = (
        "",
        "vin",
        "permissions",
        "odometer",
        "location",
        "fuel",
        "battery",
        "battery/capacity",
        "charge",
    )
    for path in (*reads, "engine/oil", "tires/pressure"):
        response = volt("GET", path, version="1.0")
        assert response.status_code == 200
        assert response["SC-Unit-System"] == "metric"
        assert response["SC-Data-Age"].endswith("Z")
        assert "SC-Fetched-At" not in response
    assert volt("POST", "security", {"action": "LOCK"}, version="1.0").json() == {"status": "success"}
    assert volt.car.is_locked
    query = "compatibility?vin=5YJSA1CN5DFP00101&scope=read_vin"
    assert api("GET", query, authorization=basic(), version="1.0").json() == {"compatible": True}
    assert volt("DELETE", "application", version="1.0").json() == {"status": "success"}


def test_the_items_of_a_batch_have_the_v1_format(limited):
    body = {"requests": [{"path": "/odometer"}, {"path": "/fuel"}]}
    read, refused = limited("POST", "batch", body, version="1.0").json()["responses"]
    assert (read["code"], list(read["body"])) == (200, ["distance"])
    assert read["headers"]["sc-unit-system"] == "metric"
    assert (refused["code"], refused["body"]["error"]) == (403, "permission_error")
    assert refused["body"]["message"] == "Insufficient permissions to access requested resource."
    assert "type" not in refused["body"]


def test_v1_subscribes_to_webhooks(volt):
    webhook = "00000000-0000-4000-8000-000000000000"
    body = volt("POST", f"webhooks/{webhook}", version="1.0").json()
    assert body == {"webhookId": webhook, "vehicleId": volt.id}


@pytest.mark.parametrize("path", ["charge/limit", "diagnostics/dtcs", "service/history"])
def test_v1_lacks_what_is_younger_than_it(volt, path):
    assert volt("GET", path, version="1.0").json()["error"] == "resource_not_found_error"


@pytest.mark.parametrize("level", ["compatible", "phev", "incompatible", "fuel", "dinosaur", "bev"])
def test_the_test_level_decides_about_compatibility(api, level):
    query = f"vin=5YJSA1CN5DFP00101&scope=read_vin&test_mode_compatibility_level={level}"
    is_compatible = level not in ("incompatible", "dinosaur")
    body = api("GET", f"compatibility?{query}", authorization=basic(), version="1.0").json()
    assert body == {"compatible": is_compatible}
    body = api("GET", f"compatibility?{query}&mode=test", authorization=basic()).json()
    assert (body["compatible"], bool(body["capabilities"])) == (is_compatible, is_compatible)


@pytest.mark.parametrize("level", ["", "&test_mode_compatibility_level="])
def test_compatibility_in_test_mode_needs_a_level(api, level):
    query = f"vin=5YJSA1CN5DFP00101&scope=read_vin&mode=test{level}"
    response = api("GET", f"compatibility?{query}", authorization=basic(), version="1.0")
    assert response.status_code == 400
    assert response.json()["error"] == "validation_error"
    assert response.json()["message"].startswith("Field must be one of: ")
    body = api("GET", f"compatibility?{query}", authorization=basic()).json()
    assert (body["type"], body["detail"][0]["field"]) == ("VALIDATION", "test_mode_compatibility_level")


@pytest.mark.parametrize(
    ("email", "code", "message"),
    [
        ("smartcar@vs-000.vehicle-state-error.com", "VS_000", "Vehicle state cannot be determined."),
        ("smartcar@vs-002.vehicle-state-error.com", "VS_002", None),
    ],
)
def test_vehicle_state_errors_have_their_v1_code(api, connect, first_car, email, code, message):
    tokens = connect(email)
    path, token = f"vehicles/{first_car(tokens)}", tokens["access_token"]
    for response in (
        api("GET", f"{path}/odometer", token, version="1.0"),
        api("POST", f"{path}/security", token, {"action": "LOCK"}, "1.0"),
    ):
        body = response.json()
        assert (response.status_code, body["error"], body["code"]) == (409, "vehicle_state_error", code)
        assert message in (None, body["message"])


def test_errors_have_the_v1_format(volt, limited, api, connect, first_car):
    def assert_v1_error(response, status, name, code=None):
        assert response.status_code == status
        body = response.json()
        assert (body["error"], body["statusCode"], body.get("code")) == (name, status, code)
        assert body["message"]
        assert body["requestId"] == response["SC-Request-Id"]
        assert "type" not in body

    assert_v1_error(api("GET", "vehicles", "nonsense", version="1.0"), 401, "authentication_error")
    assert_v1_error(volt("GET", "nonsense", version="1.0"), 404, "resource_not_found_error")
    assert_v1_error(volt("GET", "odometer", version="1.0", SC_Unit_System="x"), 400, "validation_error")
    tokens = connect("smartcar@vs-001.vehicle-state-error.com")
    path, token = f"vehicles/{first_car(tokens)}", tokens["access_token"]
    assert_v1_error(
        api("POST", f"{path}/security", token, {"action": "LOCK"}, "1.0"),
        409,
        "vehicle_state_error",
        "VS_001",
    )
    refused = api("GET", f"vehicles/{volt.id}/vin", token, version="1.0")
    assert_v1_error(refused, 403, "permission_error")
    assert refused.json()["message"] == "Insufficient permissions to access requested resource."
    compatibility = "compatibility?vin=5YJSA1CN5DFP00101&scope=read_vin&test_mode_compatibility_level=x"
    response = api("GET", compatibility, authorization=basic(), version="1.0")
    assert_v1_error(response, 400, "validation_error")
    expected = "Field must be one of: [compatible,phev,incompatible,fuel,dinosaur,bev]"
    assert response.json()["message"] == expected
