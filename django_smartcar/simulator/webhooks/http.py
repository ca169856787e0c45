"""Posts a webhook. The only line of the pretend Smartcar that calls somebody."""

from __future__ import annotations

import time
from typing import NamedTuple

import requests

#: Smartcar waits no longer than this, in real time: the receiver lives in it.
TIME_LIMIT = 15.0
#: An answer to a challenge is short; what goes on after this is none.
_MOST_BYTES = 65_536


class Answer(NamedTuple):
    """What came back: a status, or what went wrong instead."""

    status: int | None
    body: bytes = b""
    problem: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


_TOO_LATE = Answer(None, problem=f"no answer within {TIME_LIMIT:g} s")


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Send these bytes just as they are; a redirect is an answer, and is not followed."""
    deadline = time.monotonic() + TIME_LIMIT
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy is for the way out, and the receiver is mostly next door
            with session.post(
                url, data=body, headers=headers, timeout=TIME_LIMIT, allow_redirects=False, stream=True
            ) as response:
                if time.monotonic() > deadline:
                    return _TOO_LATE
                return Answer(response.status_code, _read(response, deadline))
    except requests.exceptions.SSLError as error:
        return Answer(None, problem=f"TLS: {_cause(error)}")
    except requests.Timeout:
        return _TOO_LATE
    except (requests.RequestException, UnicodeError, ValueError) as error:
        return Answer(None, problem=_cause(error))


def _read(response: requests.Response, deadline: float) -> bytes:
    """The body, as far as it comes in time: only a challenge's answer is ever looked at."""
    body = b""
    for part in response.iter_content(4096):
        body += part
        if len(body) > _MOST_BYTES or time.monotonic() > deadline:
            break
    return body


def _cause(error: BaseException) -> str:
    """The innermost reason, in its own words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)[:200]
