"""The page to return to: a form field or query parameter ``next``, a URL of this site."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def safe_next(request: HttpRequest, fields: Mapping[str, str]) -> str:
    """Return the field ``next`` if it is a URL of this site, else an empty string."""
    url = fields.get("next", "")
    # A relative path has no clear base here, and only an attacker sends a NUL.
    if not url.startswith(("/", "http://", "https://")) or "\x00" in url:
        return ""
    is_of_site = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_of_site and len(url) <= 2000 else ""
