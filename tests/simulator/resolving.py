"""Host names that lead to servers of this machine, while no other name leads anywhere."""

import contextlib
import socket


def resolve_only(names):
    """Make these host names lead to these ports of this machine, and no other name anywhere."""
    resolve = socket.getaddrinfo

    def getaddrinfo(name, port, *arguments, **options):
        if name not in names:
            raise AssertionError(f"a request was sent to {name}:{port}")
        return resolve("127.0.0.1", names[name], *arguments, **options)

    socket.getaddrinfo = getaddrinfo
    return resolve


@contextlib.contextmanager
def resolving_only(names):
    """Do as `resolve_only`, until the end of the block."""
    resolve = resolve_only(names)
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
