from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from django_smartcar.conf import conf

# Hosts that Smartcar Connect may redirect to.
SMARTCAR = "https://*.smartcar.com"


def policy(path: str) -> str:
    tiles = urlsplit(conf.SMARTCAR_MAP_TILES["url"]) if conf.SMARTCAR_MAP_TILES else None
    tile_server = f" {tiles.scheme}://{tiles.netloc}" if tiles and tiles.netloc else ""
    rules = [
        "default-src 'self'",
        f"img-src 'self' data:{tile_server}",  # icons of the style sheet, and maps
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    # The simulator acts as another host: it redirects to the site that sent the user.
    if not path.startswith("/smartcar-simulator/"):
        # The connect button is a form that redirects to Connect, and Chromium checks redirects of forms.
        connect = urlsplit(conf.SMARTCAR_CONNECT_URL)
        elsewhere = not connect.netloc.endswith(".smartcar.com")
        origin = f"{connect.scheme}://{connect.netloc}" if elsewhere else SMARTCAR
        rules.append(f"form-action 'self' {origin}")
    return "; ".join(rules)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Send a Content-Security-Policy that allows only the site's own resources."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        # Django's debug pages use inline styles.
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response.headers.setdefault("Content-Security-Policy", policy(request.path))
        return response

    return middleware
