from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Where Smartcar's own Connect may send a person on the way.
SMARTCAR = "https://*.smartcar.com"


def policy(path: str) -> str:
    rules = [
        "default-src 'self'",
        "img-src 'self' data:",  # the arrows and ticks of the style sheet
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    # The pretend Smartcar plays another host: its answers lead back to whichever site asked.
    if not path.startswith("/smartcar-simulator/"):
        # The button is a form whose answer leads to Connect, and Chromium minds where it leads.
        connect = urlsplit(getattr(settings, "SMARTCAR_CONNECT_URL", ""))
        elsewhere = connect.netloc and not connect.netloc.endswith(".smartcar.com")
        origin = f"{connect.scheme}://{connect.netloc}" if elsewhere else SMARTCAR
        rules.append(f"form-action 'self' {origin}")
    return "; ".join(rules)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Let the site's pages load and run what the site itself serves, and nothing else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        # Django's pages for errors while debugging are styled within themselves.
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response.headers.setdefault("Content-Security-Policy", policy(request.path))
        return response

    return middleware
