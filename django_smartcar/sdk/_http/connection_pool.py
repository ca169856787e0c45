"""The HTTP session: pooled connections, and the environment's proxy settings cached for each host."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests

from .limits import LimitedAdapter

#: Connections to a host that are kept open, so that as many threads can reuse one each.
MAX_CONNECTIONS = 256


class PooledSession(requests.Session):
    """A session with a connection pool, and without cookies, redirects or retries."""

    def __init__(self) -> None:
        super().__init__()
        adapter = LimitedAdapter(pool_maxsize=MAX_CONNECTIONS, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._environment_settings: dict[tuple[str, str], Any] = {}

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # requests parses the target even if it does not follow it, and fails on a malformed one.
        return None

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
