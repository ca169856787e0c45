"""No error report shows a secret, whatever fails: every public service, view, admin action and command.

Frames of Django's database layer are not searched: they hold the parameters of the statement that failed.
"""

import contextvars
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.signals import got_request_exception
from django.db import connections

from django_smartcar import fields

from .calls import CALLS
from .network import FAILURES, Network, OwnBug
from .reporters import django_report, frames_report
from .site import responses

#: How later requests of a call fail; its first request fails in every way.
AFTER_OTHERS = ("500", "malformed JSON", "400 that repeats the token", "own bug")

#: The failures that ``run.py test --quick`` tries.
IN_QUICK_RUN = ("500", "own bug")

REMOTE = [
    pytest.param(
        *(call, failure, after, version),
        id=f"{call.name}-{version}-{failure} after {after}",
        marks=() if failure in IN_QUICK_RUN else pytest.mark.slow,
    )
    for call in CALLS
    if call.is_remote
    for version in call.versions
    for after in call.after
    for failure in (FAILURES if after == 0 else AFTER_OTHERS)
]
EVERY = [
    pytest.param(call, version, id=f"{call.name}-{version}") for call in CALLS for version in call.versions
]


def in_a_thread(run):
    """Call ``run`` in another thread, with this thread's database connection."""
    connection = connections["default"]
    connection.inc_thread_sharing()

    def work():
        connections["default"] = connection
        return run()

    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(contextvars.copy_context().run, work).result()
    finally:
        connection.dec_thread_sharing()


def in_a_generator(run):
    def generate():
        yield run()

    return next(generate())


RUNNERS = {"own bug in a thread": in_a_thread, "own bug in a generator": in_a_generator}


class Errors:
    """The exceptions that a call raises, or that a view raised inside of it."""

    def __init__(self):
        self.found = []
        self.output = ""

    def collect(self, sender, request, **kwargs):
        self.found.append((sys.exc_info()[1], request))

    def call(self, run, runner=lambda run: run()):
        got_request_exception.connect(self.collect)
        try:
            returned = runner(run)
            # Output of a command. Results of services and views are not reports: they may contain secrets.
            self.output = returned if isinstance(returned, str) and "\n" in returned else ""
        except BaseException as error:
            self.found.append((error, None))
        finally:
            got_request_exception.disconnect(self.collect)
        return self


def reports_of(errors, caplog, sentry):
    """Return what every reporter shows of the exceptions, and the log."""
    found = errors.found
    return {
        "log": caplog.text,
        "output": errors.output,
        "frames": "".join(frames_report(error) for error, request in found),
        "Django": "".join(django_report(error, request) for error, request in found),
        "Sentry": sentry.taken() + "".join(sentry(error) for error, request in found),
    }


def check(reports, secrets):
    """Fail with the names of the secrets that are in a report, and the text in front of each."""
    found = [
        f"{reporter}: …{report[max(0, report.find(secret) - 150) : report.find(secret)]}<{name}>"
        for reporter, report in reports.items()
        for name, secret in secrets.items()
        if secret in report
    ]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


@pytest.mark.parametrize(("call", "failure", "after", "site"), REMOTE, indirect=["site"])
def test_no_report_shows_a_secret_when_smartcar_fails(call, failure, after, site, sentry, caplog):
    caplog.set_level(logging.DEBUG)
    prepared = call.prepare(site)
    sentry.taken()
    network = Network(failure, after, responses, site.secrets["access token"])
    with network.patched():
        errors = Errors().call(lambda: call.run(site, prepared), RUNNERS.get(failure, lambda run: run()))
    assert network.requests > after
    check({**reports_of(errors, caplog, sentry), "stack": network.stack}, site.secrets)


@pytest.mark.slow
@pytest.mark.parametrize(("call", "site"), EVERY, indirect=["site"])
@pytest.mark.parametrize("statement", ["INSERT", "UPDATE", "SELECT"])
def test_no_frame_shows_a_secret_when_the_database_fails(call, site, statement, caplog):
    caplog.set_level(logging.DEBUG)
    prepared = call.prepare(site)

    def fail(execute, sql, params, many, context):
        if sql.startswith(statement) and "smartcar_" in sql:
            raise OwnBug("a bug in the database layer")
        return execute(sql, params, many, context)

    with (
        Network("500", 99, responses, "").patched(),
        connections["default"].execute_wrapper(fail),
    ):
        errors = Errors().call(lambda: call.run(site, prepared))
    frames = "".join(frames_report(error) for error, request in errors.found)
    check({"log": caplog.text, "frames": frames}, site.secrets)


class Stopped(BaseException):
    """Ends a worker, as Ctrl-C does."""


@pytest.mark.parametrize("site", ["2.0", "3"], indirect=True)
@pytest.mark.parametrize(
    ("name", "target", "error"),
    [
        ("connect.begin", "django_smartcar.services.client.auth_url", OwnBug),
        ("reauthentication.begin", "django_smartcar.services.client.reauth_url", OwnBug),
        ("connect.complete", "django_smartcar.services.vehicles.store", OwnBug),
        ("view connect", "django_smartcar.services.client.auth_url", OwnBug),
        ("view callback", "django_smartcar.services.connect.complete", OwnBug),
        ("view send_destination", "django_smartcar.services.commands.enqueue", OwnBug),
        ("view send_destination", "django_smartcar.views.vehicles.own_vehicle", OwnBug),
        ("view find_destination", "django_smartcar.views.destination.own_vehicle", OwnBug),
        ("view find_destination", "django_smartcar.services.throttling.check", OwnBug),
        ("view find_destination", "django_smartcar.services.places.import_string", OwnBug),
        ("view find_destination", "django_smartcar.services.places.place_of", OwnBug),
        ("view find_destination", "django_smartcar.views.destination.render", OwnBug),
        ("view reauthenticate", "django_smartcar.services.client.reauth_url", OwnBug),
        ("view webhook", "hmac.compare_digest", OwnBug),
        ("view webhook", "django_smartcar.services.webhooks._workers.begin_work", OwnBug),
        ("webhooks.receive", "hmac.compare_digest", OwnBug),
        ("webhooks.receive", "django_smartcar.services.webhooks._workers.begin_work", OwnBug),
        ("webhooks.receive", "django_smartcar.fields.b2a_base64", OwnBug),
        ("tokens.refresh", "django_smartcar.fields.b2a_base64", OwnBug),
        ("connect.complete", "django_smartcar.fields.b2a_base64", OwnBug),
        ("tokens.bulk_refresh", "django_smartcar.fields.a2b_base64", OwnBug),
        ("vehicles.location", "django_smartcar.services.readings.save_read", OwnBug),
        ("vehicles.location", "django_smartcar.services.readings._single_read._row", OwnBug),
        ("vehicles.location", "django_smartcar.services.readings._single_read.Decisions", OwnBug),
        ("vehicles.location", "django_smartcar.services._access._Part.read", OwnBug),
        ("commands.enqueue send_destination", "django_smartcar.services.commands._records.create", OwnBug),
        ("commands.enqueue send_destination", "requests.PreparedRequest.prepare_body", OwnBug),
        ("commands.send send_destination", "requests.PreparedRequest.prepare_body", OwnBug),
        ("webhooks.process_due", "django_smartcar.services.webhooks._readings.apply_many", Stopped),
        ("webhooks.process_due", "django_smartcar.services.webhooks._readings.apply_many", OwnBug),
    ],
)
def test_no_report_shows_a_secret_when_our_own_code_fails(
    name, target, error, site, sentry, caplog, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    (call,) = [call for call in CALLS if call.name == name]
    prepared = call.prepare(site)
    sentry.taken()
    fields._decrypted_token.cache_clear()

    def fail(*args, **kwargs):
        # This frame is one of the test: its variables do not count.
        del args, kwargs
        raise error("a bug of our own")

    monkeypatch.setattr(target, fail)
    with Network("500", 99, responses, "").patched():
        errors = Errors().call(lambda: call.run(site, prepared))
    assert errors.found or "bug of our own" in caplog.text or "OwnBug" in caplog.text
    check(reports_of(errors, caplog, sentry), site.secrets)
