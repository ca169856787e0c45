"""A minimal Smartcar server for API v2 with a fixed latency, light enough to share two cores.

``python -m benchmarks.server SECONDS CERTIFICATE`` prints its port and then, for each line of input, the
number of requests so far. It serves until its input ends.
"""

import asyncio
import itertools
import json
import ssl
import sys
from datetime import UTC, datetime

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
HEADERS = {"SC-Unit-System": "metric", "SC-Request-Id": "36ab27d0-fd9d-4455-823a-ce30af709ffc"}
CLOSURES = [
    {"type": place, "status": "CLOSED"} for place in ("frontLeft", "frontRight", "backLeft", "backRight")
]

#: The readings of a batch besides the odometer, which never change.
CONSTANT_READINGS = {
    "/battery": {"percentRemaining": 0.3, "range": 40.5},
    "/fuel": {"range": 40.5, "percentRemaining": 0.3, "amountRemaining": 12.1},
    "/charge": {"state": "CHARGING", "isPluggedIn": True},
    "/charge/limit": {"limit": 0.8},
    "/security": {
        "isLocked": True,
        "doors": CLOSURES,
        "windows": CLOSURES,
        "sunroof": CLOSURES[:1],
        "storage": CLOSURES[:2],
        "chargingPort": CLOSURES[:1],
    },
    "/tires/pressure": {"frontLeft": 219, "frontRight": 219, "backLeft": 219, "backRight": 219},
    "/engine/oil": {"lifeRemaining": 0.35},
    "/location": {"latitude": 37.4292, "longitude": 122.1381},
}

numbers = itertools.count(1)


class Smartcar(asyncio.Protocol):
    """HTTP/1.1 with keep-alive. Every token is new, and every odometer is higher than the one before."""

    requests = 0

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return
        _, has_body, length = head.lower().partition(b"content-length:")
        length = int(length.split(b"\r\n", 1)[0]) if has_body else 0
        if len(body) >= length:
            self.received = body[length:]
            path = head.split(b" ", 2)[1].decode()
            asyncio.get_running_loop().call_later(self.latency, self.respond, path)

    def respond(self, path: str) -> None:
        Smartcar.requests += 1
        if not self.transport.is_closing():
            self.transport.write(response_to(path).encode())


def response_to(path: str) -> str:
    number = next(numbers)
    if path == "/oauth/token":
        body = {"access_token": f"{number:036}", "refresh_token": f"{number:036}"}
        return response({**body, "token_type": "Bearer", "expires_in": 7200}, {})
    headers = {**HEADERS, "SC-Data-Age": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"}
    odometer = {"distance": 1000 + number / 100}
    if path.endswith("/odometer"):
        return response(odometer, headers)
    readings = {"/odometer": odometer, **CONSTANT_READINGS}
    items = [{"path": path, "code": 200, "headers": headers, "body": body} for path, body in readings.items()]
    return response({"responses": items}, headers)


def response(body: dict, headers: dict[str, str]) -> str:
    text = json.dumps(body)
    return HEAD % ("".join(f"{name}: {value}\r\n" for name, value in headers.items()), len(text), text)


async def serve(latency: float, certificate: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Smartcar(latency), "127.0.0.1", 0, ssl=context, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(Smartcar.requests, flush=True)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2]))
