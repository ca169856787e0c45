"""The HTTP session: pooled connections, and what is the same in each request to a host is done once.

requests takes twice as much CPU time for a request as urllib3 does: it merges cookies and settings that this
session does not have, parses the URL several times, searches the environment, and looks at the certificates.
"""

import re
import time
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import requests
from requests.hooks import dispatch_hook

from .limits import LimitedAdapter

#: Connections to a host that are kept open, so that as many threads can reuse one each.
MAX_CONNECTIONS = 256

#: Hosts whose pools are kept. Smartcar has seven.
MAX_HOSTS = 32

#: A URL that requests leaves as it is: nothing is quoted, converted or removed.
_NORMAL_URL: Final = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?/([\w~-][\w.~-]*(/[\w~-][\w.~-]*)*/?)?", re.ASCII
)


class PooledAdapter(LimitedAdapter):
    """An adapter that prepares the pool of a host once, unless there are proxies or client certificates."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pools: dict[tuple[str, str, Any], Any] = {}
        self._verified: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        if proxies or cert:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        parts = urlsplit(request.url)
        key = parts.scheme, parts.netloc, verify
        pool = self._pools.get(key)
        if pool is None:
            if len(self._pools) >= MAX_HOSTS:
                self._pools.clear()
            pool = self._pools[key] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        if cert or self._verified.get(conn) != (verify,):
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
            self._verified[conn] = (verify,)

    def close(self) -> None:
        self._pools.clear()
        super().close()

    def request_url(self, request: Any, proxies: Any) -> Any:
        return super().request_url(request, proxies) if proxies else request.path_url


class PooledSession(requests.Session):
    """A session with a connection pool, and without cookies, redirects or retries."""

    def __init__(self) -> None:
        super().__init__()
        adapter = PooledAdapter(pool_maxsize=MAX_CONNECTIONS, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._environment_settings: dict[tuple[str, str], Any] = {}

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        headers = {**self.headers, **request.headers}
        if request.cookies or None in headers.values():
            return super().prepare_request(request)
        # As requests does, but for what only other sessions have: parameters, credentials and cookies.
        prepared = requests.PreparedRequest()
        prepared.prepare_method(request.method)
        if type(request.url) is str and not request.params and _NORMAL_URL.fullmatch(request.url):
            prepared.url = request.url
        else:
            prepared.prepare_url(request.url, request.params)
        prepared.prepare_headers(headers)
        prepared.prepare_body(request.data, request.files, request.json)
        prepared.prepare_auth(request.auth, prepared.url)
        prepared.prepare_hooks(request.hooks)
        return prepared

    def send(self, request: requests.PreparedRequest, **options: Any) -> Any:
        # As requests does, without cookies and redirects.
        options.pop("allow_redirects")
        started = time.perf_counter()
        response: Any = self.get_adapter(str(request.url)).send(request, **options)
        response.elapsed = timedelta(seconds=time.perf_counter() - started)
        response = dispatch_hook("response", request.hooks, response, **options)  # type: ignore[no-untyped-call]
        if not options.get("stream"):
            response.content  # noqa: B018 (reads it, and lets the connection go)
        return response

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        # requests searches the whole environment for proxies and certificates at each request, which takes a
        # quarter of the request's CPU time. The result is cached for each host.
        if proxies or stream or cert or verify is not None:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        parts = urlsplit(url)
        host = parts.scheme, parts.netloc
        if host not in self._environment_settings:
            self._environment_settings[host] = super().merge_environment_settings(url, {}, None, None, None)
        return {**self._environment_settings[host]}
