"""Redact secrets in the URLs that urllib3 logs, most of them at DEBUG."""

import logging
import re
from typing import Final

LOGGERS: Final = ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry")
REDACTED: Final = "[redacted]"
#: Query parameters with a value that must not be logged; ``filter[user.externalId]`` is escaped in a URL.
_SECRET_PARAMETERS: Final = re.compile(
    r"""([?&](?:external_id|externalId|vin|single_select_vin|code|state|access_token
        |filter(?:\[|%5B)[^=&]*external[^=&]*)=)[^&\s'"\#]+""",
    re.IGNORECASE | re.VERBOSE,
)


class RedactQuery(logging.Filter):
    """Replaces the values of secret query parameters in the arguments of a log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_redacted, record.args))
        return True


def _redacted(value: object) -> object:
    return _SECRET_PARAMETERS.sub(rf"\g<1>{REDACTED}", value) if isinstance(value, str) else value


def redact_urllib3_logs() -> None:
    """Add the filter to urllib3's loggers."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(RedactQuery())
