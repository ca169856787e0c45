"""A mock of Smartcar's API v2: tests set its responses and inspect the requests."""

import itertools
import json
import re
from urllib.parse import parse_qs

import responses

API = "https://api.smartcar.com/v2.0"
TOKEN = "https://auth.smartcar.com/oauth/token"

AGE = "2026-11-20T10:00:00.000Z"


def v2_error(status, type_, code=None, **more):
    return {
        "statusCode": status,
        "type": type_,
        "code": code,
        "description": f"The description of {type_}:{code}.",
        "docURL": "https://smartcar.com/docs/errors",
        "requestId": "5dea93a1-3f79-4246-90c5-89610a20471b",
        "resolution": {"type": None},
        **more,
    }


IN_MOTION = v2_error(409, "VEHICLE_STATE", "IN_MOTION")
NO_PERMISSION = v2_error(403, "PERMISSION")
UPSTREAM = v2_error(502, "UPSTREAM", "NO_RESPONSE")


class MockApi:
    """Registers responses with ``responses``; each method mocks one endpoint."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.exchanges: list[dict[str, str]] = []
        self._numbers = itertools.count(1)

    def tokens(self, **changes) -> None:
        """Let the token endpoint return access-1/refresh-1, access-2/refresh-2, …"""

        def respond(request):
            body = request.body.decode() if isinstance(request.body, bytes) else request.body
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.exchanges.append(form)
            number = next(self._numbers)
            body = {
                "access_token": f"access-{number}",
                "token_type": "Bearer",
                "expires_in": 7200,
                "refresh_token": f"refresh-{number}",
                **changes,
            }
            return 200, {}, json.dumps(body)

        self.mock.add_callback("POST", TOKEN, respond, content_type="application/json")

    def tokens_fail(self, status: int = 400, error: str = "invalid_grant", description: str = "No.") -> None:
        body = {"error": error, "error_description": description}
        self.mock.add("POST", TOKEN, json=body, status=status)

    def driver(self, user_id: str, vehicle_ids: list[str]) -> None:
        self.mock.add("GET", f"{API}/user", json={"id": user_id})
        paging = {"count": len(vehicle_ids), "offset": 0}
        self.mock.add("GET", f"{API}/vehicles", json={"vehicles": vehicle_ids, "paging": paging})

    def car(
        self, vehicle_id: str, *, make="CHEVROLET", model="Bolt", year=2021, permissions=None, vin=""
    ) -> None:
        permissions = ["read_vehicle_info", "read_odometer", "read_location", "control_security"] + (
            ["read_vin"] if vin else []
        ) if permissions is None else permissions  # fmt: skip
        paging = {"count": len(permissions), "offset": 0}
        self.get(vehicle_id, "permissions", {"permissions": permissions, "paging": paging})
        self.get(vehicle_id, "", {"id": vehicle_id, "make": make, "model": model, "year": year})
        self.get(vehicle_id, "vin", {"vin": vin or "0SCAUDI037A5ADB1C"})

    def odometer(self, vehicle_id: str, distance: float = 104.32, age: str | None = AGE) -> None:
        headers = {"sc-unit-system": "metric"} | ({"sc-data-age": age} if age else {})
        self.get(vehicle_id, "odometer", {"distance": distance}, headers=headers)

    def location(self, vehicle_id: str, latitude=37.4292, longitude=122.1381) -> None:
        body = {"latitude": latitude, "longitude": longitude}
        self.get(vehicle_id, "location", body, headers={"sc-data-age": AGE})

    def get(self, vehicle_id: str, path: str, body, status: int = 200, headers=None) -> None:
        url = re.compile(rf"{re.escape(API)}/vehicles/{re.escape(vehicle_id)}/{path}(\?.*)?$")
        self.mock.add("GET", url, json=body, status=status, headers=headers)

    def batch(self, vehicle_id: str, items, *, age: str | None = AGE, headers=None) -> None:
        """Mock a batch request: path -> body, ``(status, body)`` or ``(status, body, headers)``."""
        common = {"sc-unit-system": "metric"} | ({"sc-data-age": age} if age else {})

        def respond(request):
            paths = [item["path"].strip("/") for item in json.loads(request.body)["requests"]]
            items_of_response = []
            for path in paths:
                code, body, *more = items[path] if isinstance(items[path], tuple) else (200, items[path])
                items_of_response.append(
                    {"path": f"/{path}", "code": code, "body": body, "headers": common | dict(*more)}
                )
            return 200, headers or {}, json.dumps({"responses": items_of_response})

        url = f"{API}/vehicles/{vehicle_id}/batch"
        self.mock.add_callback("POST", url, respond, content_type="application/json")

    def commands(self, vehicle_id: str, body=None, status: int = 200) -> None:
        body = body or {"status": "success", "message": "Successfully sent request to vehicle"}
        url = f"{API}/vehicles/{vehicle_id}/security"
        self.mock.add("POST", url, json=body, status=status)

    def disconnects(self, vehicle_id: str, body=None, status: int = 200) -> None:
        url = f"{API}/vehicles/{vehicle_id}/application"
        self.mock.add("DELETE", url, json=body or {"status": "success"}, status=status)

    def sent(self, method: str, ending: str = "") -> list:
        """Return the requests that were sent with this method and this ending of the path."""
        paths = ((call.request, call.request.url.split("?")[0]) for call in self.mock.calls)
        return [request for request, url in paths if request.method == method and url.endswith(ending)]
