"""Error reporters: Django's, one that prints the variables of every frame, and Sentry."""

import contextlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import requests
import sentry_sdk
import urllib3
from django.views.debug import ExceptionReporter
from sentry_sdk.transport import Transport

import django_smartcar

TESTS = str(Path(__file__).parent)
PACKAGES = tuple(str(Path(module.__file__).parent) for module in (django_smartcar, requests, urllib3))


def django_report(error, request):
    """Return the HTML that Django mails to ADMINS; the text of that mail has a part of it."""
    error = without_tests(error)
    reporter = ExceptionReporter(request, type(error), error, error.__traceback__)
    return reporter.get_traceback_html()


def frames_report(error, request=None):
    """Return ``repr`` and ``str`` of every variable in the frames of our package, requests and urllib3."""
    lines = []
    for exception in _chain(error):
        lines += [repr(exception), str(exception), _shown(vars(exception))]
        traceback = exception.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename.startswith(PACKAGES):
                lines += _variables(traceback.tb_frame)
            traceback = traceback.tb_next
    return "\n".join(lines)


def stack_report():
    """Return ``repr`` and ``str`` of every variable of our package in the stack of the current thread."""
    lines, frame = [], sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGES[0]):
            lines += _variables(frame)
        frame = frame.f_back
    return "\n".join(lines)


class SentryReport:
    """Sentry with its default options, whose events stay in memory."""

    def __init__(self):
        self.events = []
        report = self

        class InMemory(Transport):
            def capture_envelope(self, envelope):
                report.events += [item.payload.get_bytes().decode() for item in envelope.items]

        sentry_sdk.init(dsn="https://key@sentry.example/1", transport=InMemory)
        self._client = sentry_sdk.get_client()
        sentry_sdk.get_global_scope().set_client(None)

    @contextlib.contextmanager
    def enabled(self):
        """Let Sentry's integrations report what happens inside."""
        sentry_sdk.get_global_scope().set_client(self._client)
        try:
            yield
        finally:
            sentry_sdk.get_global_scope().set_client(None)

    def __call__(self, error, request=None):
        """Return what Sentry would have sent for this error, and for anything before it."""
        sentry_sdk.capture_exception(without_tests(error))
        return self.taken()

    def taken(self):
        """Return the events since the last call, without the queries of requests to Smartcar.

        Sentry's breadcrumbs have the path and query of every request that http.client sends, which is an
        external id in one request of API v3. Sites remove it with ``before_breadcrumb``.
        """
        taken, self.events = "\n".join(self.events), []
        return re.sub(r'"http\.query":"[^"]*"', "", taken)


def without_tests(error):
    """Remove the frames of the tests from an exception: they hold the secrets to look for."""
    below = traceback = error.__traceback__
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        traceback = traceback.tb_next
        if path.startswith(TESTS) and not path.endswith("network.py"):
            below = traceback
    return error.with_traceback(below)


def _chain(error):
    """Return an exception, and all that it was raised from or while handling."""
    found, left = [], [error]
    while left:
        exception = left.pop()
        if exception is not None and exception not in found:
            found.append(exception)
            left += [exception.__cause__, exception.__context__]
    return found


def _variables(frame):
    variables = dict(frame.f_locals)
    return [f"{frame.f_code.co_qualname}.{name} = {_shown(value)}" for name, value in variables.items()]


def _text(value):
    try:
        return f"{value!r} {value!s}"
    except Exception as error:  # a queryset queries the database, which may have failed
        return f"<{type(error).__name__}>"


def _shown(value, depth=0):
    """Return ``repr`` and ``str`` of a value, of what is in it, and of the parts of a request."""
    parts = [_text(value)]
    if depth < 5:
        if isinstance(value, Mapping):
            parts += [_shown(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list | tuple | set | frozenset):
            parts += [_shown(item, depth + 1) for item in value]
        elif isinstance(value, requests.PreparedRequest):
            parts += [_shown(dict(value.headers or {}), depth + 1), _shown(value.body, depth + 1)]
        elif isinstance(value, requests.Response):
            parts += [_shown(value.request, depth + 1)]
    return " ".join(parts)
