"""Posts webhooks to their receivers. The only place where the simulator sends a request."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import requests

#: Smartcar's timeout in seconds. In real time, because the receiver does not follow the simulator's clock.
TIME_LIMIT = 15.0
#: A challenge's response is short: no more than this is read of any response.
_MAX_BODY_BYTES = 65_536


class Response(NamedTuple):
    """The receiver's response, or the error if there was none."""

    status: int | None
    body: bytes = b""
    error: str = ""

    @property
    def is_success(self) -> bool:
        """Return whether the status is a 2xx."""
        return self.status is not None and 200 <= self.status < 300


_TIMED_OUT = Response(None, error=f"no response within {TIME_LIMIT:g} s")


def post(url: str, body: bytes, headers: dict[str, str]) -> Response:
    """Post these bytes unchanged, without following redirects."""
    deadline = time.monotonic() + TIME_LIMIT
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy: the receiver usually runs on the same machine
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            with session.post(
                url, data=body, headers=headers, timeout=TIME_LIMIT, allow_redirects=False, stream=True
            ) as response:
                if time.monotonic() > deadline:
                    return _TIMED_OUT
                return Response(response.status_code, _read(response, deadline))
    except requests.exceptions.SSLError as error:
        return Response(None, error=f"TLS: {_cause(error)}")
    except requests.Timeout:
        return _TIMED_OUT
    except (requests.RequestException, UnicodeError, ValueError) as error:
        return Response(None, error=_cause(error))


def _read(response: requests.Response, deadline: float) -> bytes:
    """Read the body until the deadline or the size limit. Only the response to a challenge is used."""
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > _MAX_BODY_BYTES or time.monotonic() > deadline:
            break
    return body


def _cause(error: BaseException) -> str:
    """Return the message of the innermost exception."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)[:200]
