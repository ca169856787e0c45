from urllib.parse import urlencode

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import registry
from tests.simulator.conftest import assert_v3_error

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def call(v3):
    def call_(method, path, attributes=None, **options):
        return v3(method, path, attributes=attributes, host="management-api", **options)

    return call_


@pytest.fixture
def webhook():
    return registry.add("Odometers", "https://app.example.com/hook")


def listed(call, path, **filters):
    query = {f"filter[{name.replace('__', '.')}]": value for name, value in filters.items()}
    response = call("GET", f"{path}?{urlencode(query)}")
    assert response.status_code == 200, response.content
    return [one["id"] for one in response.json()["data"]]


def test_the_list_of_applications_has_one_application(call):
    (application,) = call("GET", "applications").json()["data"]
    assert application["id"] == store.CLIENT_ID
    assert call("GET", f"applications/{store.CLIENT_ID}").json() == {"data": application}
    assert_v3_error(call("GET", f"applications/{UNKNOWN_ID}"), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_the_list_of_secrets_has_no_secret_values(call):
    response = call("GET", f"applications/{store.CLIENT_ID}/secrets")
    assert response.json()["meta"]["totalCount"] == 1
    for secret in (store.M2M_CLIENT_SECRET, store.CLIENT_SECRET, store.MANAGEMENT_TOKEN):
        assert secret not in response.content.decode()
    assert_v3_error(call("GET", f"applications/{UNKNOWN_ID}/secrets"), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_webhooks_of_the_dashboard_can_be_listed_and_filtered(call, webhook):
    other = registry.add("Other", "https://x.example.com/", is_enabled=False, auto_subscribe=True)
    assert listed(call, "webhooks") == [webhook.id, other.id]
    assert listed(call, "webhooks", name="Other") == [other.id]
    assert listed(call, "webhooks", isEnabled="true") == [webhook.id]
    assert listed(call, "webhooks", autoSubscribe="true") == [other.id]
    assert listed(call, "webhooks", callbackUri=webhook.callback_uri) == [webhook.id]
    data = call("GET", f"webhooks/{webhook.id}").json()["data"]
    assert data["attributes"] == {
        "name": "Odometers",
        "callbackUri": "https://app.example.com/hook",
        "isEnabled": True,
        "autoSubscribe": False,
    }
    assert call("POST", "webhooks", {"name": "x"}).status_code == 404
    assert_v3_error(call("GET", f"webhooks/{UNKNOWN_ID}"), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_a_subscription_can_be_created_read_and_deleted(call, connect_v3, webhook):
    volt = connect_v3()
    attributes = {"webhookId": webhook.id, "userId": volt.user, "vehicleId": volt.car.id}
    response = call("POST", "subscriptions", attributes)
    assert response.status_code == 202
    assert response.json() == {"meta": {"message": "subscription creation in progress"}}
    (data,) = call("GET", "subscriptions").json()["data"]
    assert data["type"] == "subscription"
    assert data["attributes"]["vehicle"]["make"] == "CHEVROLET"
    related = {name: one["data"]["id"] for name, one in data["relationships"].items()}
    assert related == {"webhook": webhook.id, "user": volt.user, "vehicle": volt.car.id}
    assert call("GET", f"subscriptions/{data['id']}").json() == {"data": data}
    again = call("POST", "subscriptions", attributes)
    (error,) = again.json()["errors"]
    assert (again.status_code, error["status"]) == (409, "409")
    assert not {"type", "code"} & set(error)  # Smartcar documents neither for it
    assert call("DELETE", f"subscriptions/{data['id']}").status_code == 204
    assert listed(call, "subscriptions") == []
    assert_v3_error(call("DELETE", f"subscriptions/{data['id']}"), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_subscriptions_can_be_filtered_and_end_with_their_connection(call, connect_v3, webhook, v3):
    cars = [connect_v3("a@example.com"), connect_v3("b@example.com", mode="simulated")]
    for car in cars:
        call("POST", "subscriptions", {"webhookId": webhook.id, "userId": car.user, "vehicleId": car.car.id})
    first, second = listed(call, "subscriptions")
    assert listed(call, "subscriptions", userId=cars[1].user) == [second]
    assert listed(call, "subscriptions", vehicleId=cars[0].car.id) == [first]
    assert listed(call, "subscriptions", webhookId=webhook.id) == [first, second]
    assert listed(call, "subscriptions", webhookId=UNKNOWN_ID) == []
    assert listed(call, "subscriptions", vehicle__mode="simulated") == [second]
    v3("DELETE", f"users/{cars[0].user}")
    assert listed(call, "subscriptions") == [second]


def test_a_wrong_request_creates_no_subscription(call, connect_v3, webhook):
    volt, other = connect_v3(), connect_v3("other@example.com")
    valid = {"webhookId": webhook.id, "userId": volt.user, "vehicleId": volt.car.id}
    for name in valid:
        missing = call("POST", "subscriptions", valid | {name: None})
        assert_v3_error(missing, 400, "VALIDATION", "MISSING_PARAMETER")
        unknown = call("POST", "subscriptions", valid | {name: UNKNOWN_ID})
        assert_v3_error(unknown, 404, "RESOURCE_NOT_FOUND", "PATH")
        malformed = call("POST", "subscriptions", valid | {name: "x"})
        assert_v3_error(malformed, 400, "VALIDATION", "INVALID_INPUT_FORMAT")
    others = call("POST", "subscriptions", valid | {"userId": other.user})
    assert_v3_error(others, 404, "RESOURCE_NOT_FOUND", "PATH")
    assert listed(call, "subscriptions") == []


def test_webhooks_and_subscriptions_survive_a_restart(settings, tmp_path, call, connect_v3):
    settings.SMARTCAR_SIMULATOR_STATE = str(tmp_path / "state.json")
    store.restart()
    hook = registry.add("Odometers", "https://app.example.com/hook")
    volt = connect_v3()
    call("POST", "subscriptions", {"webhookId": hook.id, "userId": volt.user, "vehicleId": volt.car.id})
    before = call("GET", "subscriptions").json()
    store.restart()
    assert call("GET", "subscriptions").json() == before
    assert listed(call, "webhooks") == [hook.id]


@pytest.mark.parametrize(
    "path",
    ["applications", f"applications/{UNKNOWN_ID}", "webhooks", f"webhooks/{UNKNOWN_ID}", "subscriptions"],
)
def test_only_the_application_token_is_accepted(call, connect, path):
    for token in ("x", store.MANAGEMENT_TOKEN, connect()["access_token"]):
        assert_v3_error(call("GET", path, token=token), 401, "AUTHENTICATION", "UNAUTHORIZED")


def test_an_unknown_path_is_not_found(call):
    assert_v3_error(call("GET", "nonsense"), 404, "RESOURCE_NOT_FOUND", "PATH")
