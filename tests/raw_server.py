"""A server that sends bytes instead of responses: slowly, without end, or none."""

import contextlib
import socket
import threading
import time
from functools import partial


class RawServer:
    """Accepts connections, and lets ``handle`` write what it likes after each request."""

    def __init__(self, handle, context=None, greeting=0):
        self.handle, self.context, self.greeting = handle, context, greeting
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        self.is_closing = threading.Event()
        self.requests = []
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        while not self.is_closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=[connection]))
            self.threads[-1].start()

    def serve(self, connection):
        # An OSError means that the client has gone.
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            opened.enter_context(connection)
            self.is_closing.wait(self.greeting)
            if self.context:
                connection = opened.enter_context(self.context.wrap_socket(connection, server_side=True))
            self.requests.append(connection.recv(65536))
            self.handle(self, connection)

    def drip(self, start, drops, connection):
        """Send ``start`` at once and then one of ``drops`` at a time, for ten seconds."""
        connection.sendall(start)
        end = time.monotonic() + 10
        while not self.is_closing.wait(0.05) and time.monotonic() < end:
            for drop in drops:
                connection.sendall(bytes([drop]))
                self.is_closing.wait(0.02)

    def flood(self, start, wave, connection):
        """Send ``start`` and then ``wave`` for ever, as fast as it is read."""
        connection.sendall(start)
        while not self.is_closing.is_set():
            connection.sendall(wave)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.is_closing.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)


def dripping(start, drops):
    return partial(RawServer.drip, start=start, drops=drops)


def flooding(start, wave):
    return partial(RawServer.flood, start=start, wave=wave)


def serving(handle, *args):
    return RawServer(lambda server, connection: handle(server, connection=connection), *args)
