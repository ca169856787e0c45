"""A token endpoint with a latency, light enough to share two cores with those who ask it.

``python -m benchmarks.server SECONDS CERTIFICATE`` prints its port, and serves until its input ends.
"""

import asyncio
import itertools
import ssl
import sys

BODY = b'{"access_token": "%036d", "refresh_token": "%036d", "token_type": "Bearer", "expires_in": 7200}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class TokenEndpoint(asyncio.Protocol):
    """HTTP/1.1 with connections that stay open; every POST gets a new pair, as long as Smartcar's are."""

    numbers = itertools.count(1)

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) >= length:
            self.received = body[length:]
            asyncio.get_running_loop().call_later(self.latency, self.answer)

    def answer(self) -> None:
        number = next(self.numbers)
        body = BODY % (number, number)
        if not self.transport.is_closing():
            self.transport.write(HEAD % len(body) + body)


async def serve(latency: float, certificate: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    made = loop.create_server(lambda: TokenEndpoint(latency), "127.0.0.1", 0, ssl=context, backlog=512)
    server = await made
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2]))
