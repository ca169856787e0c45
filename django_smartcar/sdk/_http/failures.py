"""Classify connection failures: why a request got no response."""

import ssl
from typing import Final

import urllib3

#: The configured proxy could not be reached, or refused the request.
PROXY: Final = "proxy"
#: The host name cannot be resolved.
DNS: Final = "dns"
#: The connect or read timeout expired.
TIMEOUT: Final = "timeout"
#: This machine does not trust the host's certificate for that name.
CERTIFICATE: Final = "certificate"
#: The TLS handshake failed.
TLS: Final = "tls"
#: The host or the network refused the connection.
REFUSED: Final = "refused"
#: The connection was closed or reset.
BROKEN: Final = "broken"

# The first match counts: a proxy error wraps one of the others, and a name error is a connection error.
_CLASSES: Final = (
    (urllib3.exceptions.ProxyError, PROXY),
    (urllib3.exceptions.NameResolutionError, DNS),
    (urllib3.exceptions.NewConnectionError, REFUSED),
    (urllib3.exceptions.TimeoutError, TIMEOUT),
    (urllib3.exceptions.SSLError, TLS),
)


def classify(reason: object) -> str:
    """Return the constant for the reason that urllib3 gives, an exception."""
    if any(isinstance(part, ssl.SSLCertVerificationError) for part in getattr(reason, "args", ())):
        return CERTIFICATE
    return next((failure for kind, failure in _CLASSES if isinstance(reason, kind)), BROKEN)
