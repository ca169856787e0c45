"""Send requests, with timeouts and retries. Nothing else in the package sends one."""

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
from ..exceptions import InvalidResponseException, NoResponseException, SmartcarException
from ._error_bodies import SECRET_FIELDS, exception_for, request_id_of
from ._logging import redact_urllib3_logs
from .connection_pool import PooledSession
from .failures import classify
from .limits import ResponseTooLarge, ends_at

USER_AGENT = (
    f"django-smartcar/{__version__} ({platform.system()}; {platform.machine()}) "
    f"Python v{platform.python_version()}"
)
#: Seconds. If a retry would have to wait for longer, the error is raised instead.
MAX_PAUSE = 4.0
#: Form fields and query parameters that are protected, even if the caller did not.
PROTECTED_FIELDS = SECRET_FIELDS | {"state"}
TRANSIENT_ERRORS = {(429, "RATE_LIMIT", "SMARTCAR_API"), (500, "SERVER", "INTERNAL")}

Response: TypeAlias = requests.Response
Auth: TypeAlias = Callable[[requests.PreparedRequest], requests.PreparedRequest]

# Forked workers inherit the random state of their parent, and would all retry at the same time.
jitter = random.SystemRandom()


class Requester:
    """Sends requests with pooled connections, in limited time. GETs are retried, commands never.

    All times are seconds. ``timeout`` is the read timeout of GETs, ``command_timeout`` that of POST and
    DELETE: Smartcar holds a command until the vehicle has responded, up to 310 s. A GET that fails with a
    transient error is retried up to ``retries`` times, until ``deadline`` seconds after the first attempt.

    A request ends ``connect_timeout`` and its read timeout after its start, and a GET with its retries at
    ``deadline`` if that is later, however slowly the response comes. Only connecting may last longer: up to
    three times ``connect_timeout``, after the host's name is resolved. Then nothing is sent. A response has
    MAX_RESPONSE_BYTES at most, also decompressed.

    Thread-safe. A ``session`` that you pass is used unchanged, with its adapters and cookies, and without
    these limits of its responses.
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

        Returns a 2xx response. For any other status, raises its exception (redirects are not followed), and
        without a response NoResponseException. A ``timeout`` argument overrides the requester's own.
        """
        kwargs = _protected(kwargs)
        is_read = method.upper() == "GET"
        timeout = kwargs.pop("timeout", None) or (
            self.connect_timeout,
            self.timeout if is_read else self.command_timeout,
        )
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        deadline = time.monotonic() + self.deadline
        result, is_retryable = self._attempt(method, url, timeout, connect + read, kwargs)
        for retry in range(self.retries if is_read else 0):
            if isinstance(result, Response) or not is_retryable:
                break
            pause = self._pause_before(retry, result)
            if pause > MAX_PAUSE or time.monotonic() + pause >= deadline:
                break
            time.sleep(pause)
            # The first attempt has its full timeout; retries share the rest of the deadline.
            remaining = max(0.001, deadline - time.monotonic())
            retry_timeout = urllib3.Timeout(total=remaining, connect=connect, read=read)
            seconds = min(remaining, connect + read)
            result, is_retryable = self._attempt(method, url, retry_timeout, seconds, kwargs)
        if isinstance(result, SmartcarException):
            raise result
        return result

    @property
    def read_timeout(self) -> tuple[float, float]:
        """Return the connect and read timeouts of a request that waits for no vehicle."""
        return self.connect_timeout, self.timeout

    def _attempt(
        self, method: str, url: str, timeout: Any, seconds: float, kwargs: dict[str, Any]
    ) -> tuple[Response | SmartcarException, bool]:
        """Return the response or the exception to raise, in ``seconds``, and whether a retry may help."""
        settings = {
            **kwargs,
            "headers": {**kwargs["headers"], "User-Agent": USER_AGENT},
            "auth": _protected_auth(kwargs["auth"]),
            "timeout": timeout,
            "allow_redirects": False,
        }
        try:
            with ends_at(time.monotonic() + seconds):
                response = self._session().request(method, url, **settings)
        except ResponseTooLarge as error:
            return InvalidResponseException(f"Unexpected response from Smartcar: {error}"), False
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
            return _no_response(error), _is_connection_failure(error)
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
            # Two processes that read from one socket would receive each other's responses.
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
    if isinstance(forms.get("params"), Secret):
        # requests formats a str into the URL, and so would send its placeholder; it decodes bytes.
        forms["params"] = SecretBytes(requests.utils.requote_uri(forms["params"]).encode())
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
    return {name: protect(value) if name in PROTECTED_FIELDS else value for name, value in form.items()}


def _protected_auth(auth: tuple[str, str] | Auth | None) -> Auth:
    """Wrap ``auth`` so that the prepared request shows neither its credentials nor its body.

    Without any ``auth``, requests would read ``~/.netrc`` and replace our Authorization header.
    """
    add_credentials = requests.auth.HTTPBasicAuth(*auth) if isinstance(auth, tuple) else auth

    def prepare(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request = add_credentials(request) if add_credentials else request
        request.headers.update(protected_headers(request.headers))
        if isinstance(request.body, str | bytes):
            # Always bytes: some adapters call str() on text, which gives the placeholder of a `Secret`.
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


def _no_response(error: Exception) -> NoResponseException:
    """Return the SDK's exception for one of requests, without its text: it may hold a token or a VIN."""
    reason = _reason_of(error)
    quotable = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.TimeoutError,
        urllib3.exceptions.SSLError,
    )
    description = str(reason) if isinstance(reason, quotable) else type(error).__name__
    sent = not _was_never_sent(error)
    start = (
        "No response from Smartcar, which may have received the request"
        if sent
        else "Could not reach Smartcar"
    )
    failure = NoResponseException(f"{start}: {description}", request_sent=sent)
    failure.fault = classify(reason)
    return failure


def _reason_of(error: Exception) -> object:
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)


def _was_never_sent(error: Exception) -> bool:
    reason = _reason_of(error)
    if isinstance(error, requests.exceptions.InvalidHeader):
        # requests rejects a header of ours before sending; urllib3 rejects one of the response.
        return not isinstance(reason, urllib3.exceptions.HTTPError)
    if isinstance(error, requests.exceptions.SSLError):
        return any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))
    unsent = (requests.ConnectTimeout, requests.exceptions.ProxyError, requests.exceptions.InvalidURL)
    invalid_url = (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema, UnicodeError)
    return isinstance(error, unsent + invalid_url) or isinstance(
        reason, urllib3.exceptions.NewConnectionError
    )


def _is_connection_failure(error: Exception) -> bool:
    # Not a read timeout: a retry would double the time that the caller waits.
    if isinstance(_reason_of(error), urllib3.exceptions.ReadTimeoutError):
        return False
    return isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError)


def json_of(response: Response) -> Any:
    """Return the JSON of a 2xx response. Raise InvalidResponseException if it is not JSON."""
    with contextlib.suppress(ValueError, RecursionError):
        return load_json(response.content)
    # Raised outside the block: the parser's error, which would be its context, holds the whole body.
    raise invalid(response, "it is not JSON")


def body_of(response: Response, **fields: type) -> dict[str, Any]:
    """Return the JSON object of a 2xx response, in which each of ``fields`` has its type.

    ``float`` accepts any finite number, ``list`` a list of strings. Raises InvalidResponseException, which
    names the field and never quotes the body: it may hold tokens.
    """
    body = json_of(response)
    if not isinstance(body, dict):
        raise invalid(response, "it is not a JSON object")
    for name, kind in fields.items():
        if not _is(kind, body.get(name)):
            raise invalid(response, f"{name!r} is missing or not a {kind.__name__}")
    return body


def invalid(response: Response, why: str) -> InvalidResponseException:
    """Return the exception for a 2xx response that cannot be used."""
    return InvalidResponseException(
        f"Unexpected response from Smartcar: {why}",
        status_code=response.status_code,
        request_id=request_id_of(response),
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
    """Send one request with the default requester (see ``Requester.call``)."""
    return default_requester.call(method, url, **kwargs)
