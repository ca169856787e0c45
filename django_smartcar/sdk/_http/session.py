"""What stays between requests: connections, and what the environment says of each host."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

#: How many connections to a host stay open: for as many threads none is made anew.
MAX_CONNECTIONS = 256


class PooledSession(requests.Session):
    """Keeps these and nothing else: no cookie, no redirect, no second try."""

    def __init__(self) -> None:
        super().__init__()
        adapter = HTTPAdapter(pool_maxsize=MAX_CONNECTIONS, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._of_environment: dict[tuple[str, str], Any] = {}

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Even when it is not to follow a redirect, requests parses it, and trips over a malformed one.
        return None

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        # requests looks through the whole environment for proxies and certificates, at each request: a
        # quarter of what a request takes. Here, what is found for a host stays.
        if proxies or stream or cert or verify is not None:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        parts = urlsplit(url)
        host = parts.scheme, parts.netloc
        if host not in self._of_environment:
            self._of_environment[host] = super().merge_environment_settings(url, {}, None, None, None)
        return {**self._of_environment[host]}
