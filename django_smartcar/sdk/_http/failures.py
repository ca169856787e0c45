"""Why no answer came, in a word that a program can tell apart."""

import ssl
from typing import Final

import urllib3

#: The proxy of this machine's settings was not reached, or let nothing through.
PROXY: Final = "proxy"
#: The name of the host cannot be resolved.
DNS: Final = "dns"
#: Nothing came, neither a connection nor an answer, in all the time that it had.
TIMEOUT: Final = "timeout"
#: The host's certificate is not one that this machine trusts for that name.
CERTIFICATE: Final = "certificate"
#: They could not agree on an encrypted connection.
TLS: Final = "tls"
#: The host, or the network on the way there, refused the connection.
REFUSED: Final = "refused"
#: The connection broke off.
BROKEN: Final = "broken"

# The first that fits: a proxy's error holds one of the others, and a name not found is a connection not made.
_WORDS: Final = (
    (urllib3.exceptions.ProxyError, PROXY),
    (urllib3.exceptions.NameResolutionError, DNS),
    (urllib3.exceptions.NewConnectionError, REFUSED),
    (urllib3.exceptions.TimeoutError, TIMEOUT),
    (urllib3.exceptions.SSLError, TLS),
)


def classify(reason: object) -> str:
    """The word for what urllib3 names as the reason."""
    if any(isinstance(part, ssl.SSLCertVerificationError) for part in getattr(reason, "args", ())):
        return CERTIFICATE
    return next((word for kind, word in _WORDS if isinstance(reason, kind)), BROKEN)
