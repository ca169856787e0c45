"""check_smartcar as a whole; what each step finds is tested with that step, in tests/doctor."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from django_smartcar import diagnostics
from django_smartcar.diagnostics import STEPS, local
from django_smartcar.models import ApplicationToken, SmartcarAccount
from django_smartcar.services import tokens
from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import registry
from tests.webhooks import event, post

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [step.name for step in STEPS]


@pytest.fixture(autouse=True)
def silenced(settings):
    """The warning that a site of 2.0 deserves."""
    settings.SILENCED_SYSTEM_CHECKS = ["smartcar.W005"]


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal as wide as where there is none: the workers of pytest-xdist have 80 columns."""
    monkeypatch.setenv("COLUMNS", "110")


def run(*arguments):
    """What it prints, and how it ends."""
    out = StringIO()
    try:
        call_command("check_smartcar", *arguments, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def found(*arguments):
    """The findings of ``--json``, and the summary."""
    lines = [json.loads(line) for line in run(*arguments, "--json")[0].splitlines()]
    return lines[:-1], lines[-1]["summary"]


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_everything_is_right(smartcar, live_server, drives, client, settings):
    drives()
    settings.SMARTCAR_WEBHOOK_WORK = "inline"
    assert post(client, event(), token=store.MANAGEMENT_TOKEN).status_code == 200
    registry.add("Fleet", f"{live_server.url}/cars/webhook/", auto_subscribe=True)
    shown, error = run("--url", live_server.url)
    assert error is None, shown
    lines = shown.splitlines()
    outcomes = {line.split("  ")[0] for line in lines[:-1]}
    if settings.SMARTCAR_API_VERSION == "3":
        assert (outcomes, lines[-1]) == ({"ok"}, "18 ok")
    else:
        assert lines[-1] == "15 ok, 2 not checked"
        others = [line.split("  ")[:2] for line in lines[:-1] if not line.startswith("ok ")]
        assert others == [["not checked", "API v3"], ["not checked", "dashboard"]]
    assert f"{live_server.url}/cars/webhook/ answers VERIFY with the HMAC of token 1 of 1" in shown
    assert "→" not in shown


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_nothing_changes_at_smartcar_or_for_drivers(smartcar, live_server, drives):
    drives()
    columns = ("access_token", "refresh_token", "token_version", "reconnect_required_at")
    before = list(SmartcarAccount.objects.values_list(*columns)), [car.id for car in store.cars()]
    begin = len(smartcar.asked)
    run("--url", live_server.url)
    assert before == (list(SmartcarAccount.objects.values_list(*columns)), [car.id for car in store.cars()])
    assert {method for method, _ in smartcar.asked[begin:]} <= {"GET", "POST"}
    assert {path.rpartition("/")[2] for method, path in smartcar.asked[begin:] if method == "POST"} == {
        "token"
    }


def test_json_is_an_object_a_finding_and_the_summary(smartcar):
    findings, summary = found()
    assert list(dict.fromkeys(finding["step"] for finding in findings)) == NAMES
    assert {finding["outcome"] for finding in findings} == {"ok", "not checked"}
    assert sum(summary.values()) == len(findings)
    assert summary["wrong"] == 0
    assert findings[-1]["advice"].startswith("Name it: manage.py check_smartcar --url")


def test_what_is_wrong_ends_with_status_1_and_has_advice(smartcar, settings):
    settings.SMARTCAR_CLIENT_SECRET = "another"
    shown, error = run()
    assert error.startswith("1 wrong, ") or ", 1 wrong" in error
    wrong = shown.splitlines().index(next(line for line in shown.splitlines() if line.startswith("wrong ")))
    assert "API v3" in shown.splitlines()[wrong]
    assert shown.splitlines()[wrong + 1].strip().startswith("→ Compare SMARTCAR_CLIENT_ID")


def test_an_error_of_the_system_checks_does_not_keep_it_from_saying_the_rest(smartcar, settings):
    settings.SMARTCAR_MODE = "lively"
    findings, summary = found()
    assert (findings[0]["step"], findings[0]["outcome"]) == ("settings", "wrong")
    assert summary["wrong"] == 1
    assert [finding["step"] for finding in findings if finding["step"] == "API v3"]


def test_what_needs_the_database_is_not_checked_without_it(smartcar, monkeypatch):
    monkeypatch.setattr(local, "_migrations_to_apply", lambda connection: 1)
    findings, _ = found()
    outcomes = {finding["step"]: finding["outcome"] for finding in findings}
    assert outcomes["database"] == "wrong"
    for step in STEPS:
        if step.needs_tables:
            assert outcomes[step.name] == "not checked"
    assert outcomes["host"] == outcomes["clock"] == outcomes["management"] == "ok"


def test_what_needs_a_host_is_not_checked_without_it(smartcar, settings):
    settings.SMARTCAR_IAM_URL = "http://127.0.0.1:1/iam/oauth2/token"
    findings, summary = found()
    outcomes = [(finding["step"], finding["outcome"]) for finding in findings]
    assert summary["wrong"] == 1
    assert ("host", "wrong") in outcomes
    assert ("API v3", "not checked") in outcomes
    assert ("API v2", "ok") in outcomes


def test_a_step_that_fails_is_said_and_the_others_go_on(smartcar, settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = None
    findings, _ = found()
    (failed,) = [finding for finding in findings if finding["step"] == "management"]
    assert (failed["outcome"], failed["text"][:42]) == ("wrong", "this step failed itself: TypeError at cred")
    assert findings[-1]["step"] == "webhook"


@pytest.mark.parametrize("url", ["your.site", "ftp://your.site", "https://", "https://["])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(CommandError, match="is not an address like https://your.site"):
        call_command("check_smartcar", "--url", url)


def test_the_address_of_the_redirect_uri_is_taken_where_none_is_given(smartcar, live_server, settings):
    settings.SMARTCAR_REDIRECT_URI = f"{live_server.url}/cars/callback/"
    findings, _ = found()
    assert findings[-1]["text"] == f"{live_server.url}/cars/webhook/ refuses what is not signed"


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
@pytest.mark.parametrize("is_wrong", [False, True])
def test_no_secret_is_shown(smartcar, live_server, drives, settings, caplog, is_wrong):
    account = drives().account
    tokens.access_token(account)
    names = ("SMARTCAR_CLIENT_SECRET", "SMARTCAR_V2_CLIENT_SECRET")
    if is_wrong:
        for name in names:
            setattr(settings, name, f"wrong-{name}")
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["wrong-management"]
    secrets = [getattr(settings, name) for name in names]
    secrets += [*settings.SMARTCAR_MANAGEMENT_TOKENS, *settings.SMARTCAR_ENCRYPTION_KEYS]
    secrets += [account.access_token, account.refresh_token]
    secrets += ApplicationToken.objects.values_list("access_token", flat=True)
    shown = run("--url", live_server.url)[0] + run("--json")[0] + caplog.text
    assert len(shown) > 1000
    for secret in filter(None, secrets):
        assert str(secret) not in shown


def test_each_step_is_told_as_soon_as_it_is_known(smartcar):
    walk = diagnostics.run_checks()
    asked = len(smartcar.asked)
    assert next(walk)[0] == "settings"
    assert next(walk)[0] == "database"
    assert len(smartcar.asked) == asked
    assert [name for name, _ in walk][-1] == "webhook"
    assert len(smartcar.asked) > asked
