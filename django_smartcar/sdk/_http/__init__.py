"""The wire. This is the only file that sends a request, so what is promised here holds for every call."""

import contextlib
import os
import platform
import random
import ssl
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import requests
import urllib3

from django_smartcar import __version__

from ...secret_types import Secret, SecretBytes, load_json, protect, protected_copy
from .. import const
from ..exceptions import InvalidResponseException, NoResponseException, SmartcarException
from ._error_bodies import exception_for
from ._logging import redact_urllib3_logs
from .failures import classify
from .session import PooledSession

USER_AGENT = (
    f"django-smartcar/{__version__} ({platform.system()}; {platform.machine()}) "
    f"Python v{platform.python_version()}"
)
MAX_PAUSE = 4.0
#: Form fields and query parameters that are protected, in case the caller did not.
SECRET_FIELDS = frozenset(
    {"client_secret", "code", "external_id", "filter[user.externalId]", "refresh_token", "state", "vin"}
)
TRANSIENT_ERRORS = {(429, "RATE_LIMIT", "SMARTCAR_API"), (500, "SERVER", "INTERNAL")}

Response: TypeAlias = requests.Response
Auth: TypeAlias = Callable[[requests.PreparedRequest], requests.PreparedRequest]

# Workers forked from one parent inherit its random state, and would all wake up together.
jitter = random.SystemRandom()


class Requester:
    """Sends requests to Smartcar: pooled connections, a timeout always, reads retried, commands never.

    All times are seconds. ``timeout`` is for reads and ``command_timeout`` for POST and DELETE: how long the
    server may stay silent (Smartcar holds a command until the car has answered, up to 310 s). A GET that
    failed for a passing reason is repeated up to ``retries`` times, within ``deadline`` of the first try.
    Safe to share between threads. A ``session`` of your own is used as it is, adapters, cookies and all.
    """

    def __init__(
        self,
        *,
        timeout: float = 30,
        command_timeout: float = 310,
        connect_timeout: float = 5,
        retries: int = 2,
        deadline: float = 60,
        backoff: float = 0.5,
        session: requests.Session | None = None,
    ) -> None:
        self.timeout = timeout
        self.command_timeout = command_timeout
        self.connect_timeout = connect_timeout
        self.retries = retries
        self.deadline = deadline
        self.backoff = backoff
        self._given_session = session
        self._own_session = PooledSession()
        self._pid = os.getpid()

    def call(self, method: str, url: str, **kwargs: Any) -> Response:
        """Send one request; the keyword arguments are those of ``requests.request``.

        Returns a 2xx answer. Raises the exception of its status for any other (redirects are not followed),
        and NoResponseException if there was none. A ``timeout`` of the caller's goes before our own.
        """
        kwargs = _protected(kwargs)
        is_read = method.upper() == "GET"
        timeout = kwargs.pop("timeout", None) or (
            self.connect_timeout,
            self.timeout if is_read else self.command_timeout,
        )
        ends = time.monotonic() + self.deadline
        answer, may_help = self._attempt(method, url, timeout, kwargs)
        for retry in range(self.retries if is_read else 0):
            if isinstance(answer, Response) or not may_help:
                break
            pause = self._pause_before(retry, answer)
            if pause > MAX_PAUSE or time.monotonic() + pause >= ends:
                break
            time.sleep(pause)
            connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
            # The first try has its whole timeout; the others share what is left of the deadline.
            left = urllib3.Timeout(total=max(0.001, ends - time.monotonic()), connect=connect, read=read)
            answer, may_help = self._attempt(method, url, left, kwargs)
        if isinstance(answer, SmartcarException):
            raise answer
        return answer

    @property
    def read_timeout(self) -> tuple[float, float]:
        """How long to wait for the connection, and then for the answer, of what is not a command."""
        return self.connect_timeout, self.timeout

    def _attempt(
        self, method: str, url: str, timeout: Any, kwargs: dict[str, Any]
    ) -> tuple[Response | SmartcarException, bool]:
        """The answer, or the exception to raise; and whether trying again may help."""
        settings = {
            **kwargs,
            "headers": {**kwargs["headers"], "User-Agent": USER_AGENT},
            "auth": _protected_auth(kwargs["auth"]),
            "timeout": timeout,
            "allow_redirects": False,
        }
        try:
            response = self._session().request(method, url, **settings)
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
            return _no_answer(error), _is_connection_fault(error)
        except BaseException as error:
            # The frames of requests, urllib3 and http.client hold what is sent as plain text.
            error.add_note(_origin_of(error))
            error.__context__ = None
            raise error.with_traceback(None) from None
        if 200 <= response.status_code < 300:
            return response, False
        failure = exception_for(response)
        status = response.status_code
        return failure, status in (502, 504) or (status, failure.type, failure.code) in TRANSIENT_ERRORS

    def _pause_before(self, retry: int, failure: SmartcarException) -> float:
        longest = min(MAX_PAUSE, self.backoff * 2**retry)
        return max(failure.retry_after or 0.0, jitter.uniform(0, longest))

    def _session(self) -> requests.Session:
        if self._given_session is not None:
            return self._given_session
        if self._pid != os.getpid():
            # Two processes reading from one socket would take each other's answers.
            self._own_session, self._pid = PooledSession(), os.getpid()
        return self._own_session


def bearer(token: str) -> dict[str, str]:
    """Return the Authorization header of an access token."""
    return {"Authorization": Secret("Bearer " + token)}


def protected_headers(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy of the caller's headers with the credentials in them protected."""
    return {
        name: protect(value) if str(name).lower() in ("authorization", "proxy-authorization") else value
        for name, value in (headers or {}).items()
    }


def _protected(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Protect the secrets among the keyword arguments of ``requests.request``."""
    auth = kwargs.get("auth")
    forms: dict[str, Any] = {
        name: _protected_form(kwargs[name]) for name in ("params", "data") if name in kwargs
    }
    return {
        **kwargs,
        **forms,
        "headers": protected_headers(kwargs.get("headers")),
        "auth": (auth[0], protect(auth[1])) if isinstance(auth, tuple) else auth,
        "json": protected_copy(kwargs.get("json")),
    }


def _protected_form(form: Any) -> Any:
    if not isinstance(form, Mapping):
        return protect(form)
    return {name: protect(value) if name in SECRET_FIELDS else value for name, value in form.items()}


def _protected_auth(auth: tuple[str, str] | Auth | None) -> Auth:
    """Wrap an ``auth`` so that the prepared request shows neither its credentials nor its body.

    There always is one: without, requests reads ``~/.netrc``, and replaces our Authorization header.
    """
    add_credentials = requests.auth.HTTPBasicAuth(*auth) if isinstance(auth, tuple) else auth

    def prepare(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request = add_credentials(request) if add_credentials else request
        request.headers.update(protected_headers(request.headers))
        if isinstance(request.body, str | bytes):
            # Bytes, as some adapters call str() on a text, which prints the placeholder of a `Secret`.
            request.body = SecretBytes(
                request.body.encode() if isinstance(request.body, str) else request.body
            )
        return request

    return prepare


def _origin_of(error: BaseException) -> str:
    """Return a note that names the line that raised ``error``, in place of its traceback."""
    frame = traceback.extract_tb(error.__traceback__, limit=-1)[0]
    return (
        f"Raised in {frame.name}, {frame.filename}:{frame.lineno}. Its frames are removed: they hold secrets."
    )


def _no_answer(error: Exception) -> NoResponseException:
    """Our exception for one of requests, whose own text is not quoted: it may hold a token or a VIN."""
    reason = _reason_of(error)
    spoken = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.TimeoutError,
        urllib3.exceptions.SSLError,
    )
    words = str(reason) if isinstance(reason, spoken) else type(error).__name__
    sent = not _was_never_sent(error)
    start = "No answer from Smartcar, the request may have arrived" if sent else "Smartcar was not reached"
    failure = NoResponseException(f"{start}: {words}", request_sent=sent)
    failure.fault = classify(reason)
    return failure


def _reason_of(error: Exception) -> object:
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)


def _was_never_sent(error: Exception) -> bool:
    reason = _reason_of(error)
    if isinstance(error, requests.exceptions.InvalidHeader):
        # Ours was refused before sending; urllib3's comes from the answer.
        return not isinstance(reason, urllib3.exceptions.HTTPError)
    if isinstance(error, requests.exceptions.SSLError):
        return any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))
    before = (requests.ConnectTimeout, requests.exceptions.ProxyError, requests.exceptions.InvalidURL)
    wrong = (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema, UnicodeError)
    return isinstance(error, before + wrong) or isinstance(reason, urllib3.exceptions.NewConnectionError)


def _is_connection_fault(error: Exception) -> bool:
    # Not a read timeout: the server had all its time, and a second wait would double the caller's.
    if isinstance(_reason_of(error), urllib3.exceptions.ReadTimeoutError):
        return False
    return isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError)


def json_of(response: Response) -> Any:
    """The JSON of a 2xx answer, whatever it is. Raises InvalidResponseException if it is none."""
    with contextlib.suppress(ValueError, RecursionError):
        return load_json(response.content)
    # Raised here and not above: the error of the parser holds the whole body.
    raise invalid(response, "it is not JSON")


def body_of(response: Response, **fields: type) -> dict[str, Any]:
    """The JSON object of a 2xx answer, in which each of ``fields`` is there and of its type.

    ``float`` takes any finite number, ``list`` a list of strings. Raises InvalidResponseException, which
    names what is wrong and never quotes the body: it may hold tokens.
    """
    body = json_of(response)
    if not isinstance(body, dict):
        raise invalid(response, "it is not a JSON object")
    for name, kind in fields.items():
        if not _is(kind, body.get(name)):
            raise invalid(response, f"{name!r} is missing or not a {kind.__name__}")
    return body


def invalid(response: Response, why: str) -> InvalidResponseException:
    """The exception for a 2xx answer that cannot be used."""
    return InvalidResponseException(
        f"Smartcar's answer is not what it promises: {why}",
        status_code=response.status_code,
        request_id=response.headers.get(const.REQUEST_ID_HEADER),
        response=response,
    )


def _is(kind: type, value: object) -> bool:
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return abs(value) <= sys.float_info.max
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, kind)


default_requester = Requester()
redact_urllib3_logs()


def call(method: str, url: str, **kwargs: Any) -> Response:
    """Send one request with the requester that everything shares by default (see ``Requester.call``)."""
    return default_requester.call(method, url, **kwargs)
