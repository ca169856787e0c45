"""The command check_smartcar as a whole; tests/diagnostics tests each check."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from django_smartcar import diagnostics
from django_smartcar.diagnostics import CHECKS, local
from django_smartcar.models import ApplicationToken, SmartcarAccount
from django_smartcar.services import tokens
from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import registry
from tests.webhooks import event, post

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [check.name for check in CHECKS]


@pytest.fixture(autouse=True)
def silenced(settings):
    """Silence the warning about API v2."""
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, "smartcar.W005"]


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Set the width of the terminal: workers of pytest-xdist have 80 columns."""
    monkeypatch.setenv("COLUMNS", "110")


def run(*arguments):
    """Run the command; returns its output and its error."""
    out = StringIO()
    try:
        call_command("check_smartcar", *arguments, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def run_json(*arguments):
    """Run the command with ``--json``; returns the results and the summary."""
    lines = [json.loads(line) for line in run(*arguments, "--json")[0].splitlines()]
    return lines[:-1], lines[-1]["summary"]


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_a_site_without_problems(smartcar, live_server, connect_driver, client, settings):
    connect_driver()
    settings.SMARTCAR_WEBHOOK_WORK = "inline"
    assert post(client, event(), token=store.MANAGEMENT_TOKEN).status_code == 200
    registry.add("Fleet", f"{live_server.url}/cars/webhook/", auto_subscribe=True)
    shown, error = run("--url", live_server.url)
    assert error is None, shown
    lines = [line for line in shown.splitlines() if not line.startswith(" ")]  # without wrapped ends
    outcomes = {line.split("  ")[0] for line in lines[:-1]}
    if settings.SMARTCAR_API_VERSION == "3":
        assert (outcomes, lines[-1]) == ({"ok"}, "22 ok")
    else:
        assert lines[-1] == "19 ok, 2 not checked"
        others = [line.split("  ")[:2] for line in lines[:-1] if not line.startswith("ok ")]
        assert others == [["not checked", "API v3"], ["not checked", "dashboard"]]
    assert f"{live_server.url}/cars/webhook/ answers VERIFY with token 1 of 1" in shown
    assert "→" not in shown


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_the_command_changes_nothing_at_smartcar_and_no_account(smartcar, live_server, connect_driver):
    connect_driver()
    columns = ("access_token", "refresh_token", "token_version", "reconnect_required_at")
    before = list(SmartcarAccount.objects.values_list(*columns)), [car.id for car in store.cars()]
    begin = len(smartcar.requests)
    run("--url", live_server.url)
    assert before == (list(SmartcarAccount.objects.values_list(*columns)), [car.id for car in store.cars()])
    assert {method for method, _ in smartcar.requests[begin:]} <= {"GET", "POST"}
    assert {path.rpartition("/")[2] for method, path in smartcar.requests[begin:] if method == "POST"} == {
        "token"
    }


def test_json_prints_one_object_per_result_and_a_summary(smartcar):
    results, summary = run_json()
    assert list(dict.fromkeys(result["step"] for result in results)) == NAMES
    assert {result["outcome"] for result in results} == {"ok", "not checked"}
    assert sum(summary.values()) == len(results)
    assert summary["wrong"] == 0
    advice = next(result["advice"] for result in results if result["step"] == "webhook")
    assert advice.startswith("Pass it: manage.py check_smartcar --url")


def test_a_problem_is_printed_with_a_hint_and_fails_the_command(smartcar, settings):
    settings.SMARTCAR_CLIENT_SECRET = "another"
    shown, error = run()
    assert error.startswith("1 wrong, ") or ", 1 wrong" in error
    wrong = shown.splitlines().index(next(line for line in shown.splitlines() if line.startswith("wrong ")))
    assert "API v3" in shown.splitlines()[wrong]
    assert shown.splitlines()[wrong + 1].strip().startswith("→ Compare SMARTCAR_CLIENT_ID")


def test_an_error_of_the_system_checks_does_not_stop_the_other_checks(smartcar, settings):
    settings.SMARTCAR_MODE = "lively"
    results, summary = run_json()
    assert (results[0]["step"], results[0]["outcome"]) == ("settings", "wrong")
    assert summary["wrong"] == 1
    assert [result["step"] for result in results if result["step"] == "API v3"]


def test_checks_that_need_tables_are_skipped_without_them(smartcar, monkeypatch):
    monkeypatch.setattr(local, "_migrations_to_apply", lambda connection: 1)
    results, _ = run_json()
    outcomes = {result["step"]: result["outcome"] for result in results}
    assert outcomes["database"] == "wrong"
    for check in CHECKS:
        if check.needs_tables:
            assert outcomes[check.name] == "not checked"
    assert outcomes["network"] == outcomes["clock"] == outcomes["management"] == "ok"


def test_checks_that_need_a_host_are_skipped_if_it_is_unreachable(smartcar, settings):
    settings.SMARTCAR_IAM_URL = "http://127.0.0.1:1/iam/oauth2/token"
    results, summary = run_json()
    outcomes = [(result["step"], result["outcome"]) for result in results]
    assert summary["wrong"] == 1
    assert ("network", "wrong") in outcomes
    assert ("API v3", "not checked") in outcomes
    assert ("API v2", "ok") in outcomes


def test_an_exception_in_one_check_does_not_stop_the_others(smartcar, settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = None
    results, _ = run_json()
    (failed,) = [result for result in results if result["step"] == "management"]
    assert (failed["outcome"], failed["text"][:43]) == (
        "wrong",
        "the check itself failed: TypeError at crede",
    )
    assert results[-1]["step"] == "pages"


@pytest.mark.parametrize("url", ["your.site", "ftp://your.site", "https://", "https://["])
def test_an_invalid_url_is_rejected(url):
    with pytest.raises(CommandError, match="is not a URL like https://your.site"):
        call_command("check_smartcar", "--url", url)


def test_without_a_url_the_origin_of_the_redirect_uri_is_used(smartcar, live_server, settings):
    settings.SMARTCAR_REDIRECT_URI = f"{live_server.url}/cars/callback/"
    results, _ = run_json()
    texts = [result["text"] for result in results]
    assert f"{live_server.url}/cars/webhook/ rejects unsigned requests" in texts


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
@pytest.mark.parametrize("is_wrong", [False, True])
def test_no_secret_is_printed(smartcar, live_server, connect_driver, settings, caplog, is_wrong):
    account = connect_driver().account
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
        assert secret not in shown


def test_results_are_yielded_as_soon_as_they_are_available(smartcar):
    results = diagnostics.run_checks()
    before = len(smartcar.requests)
    assert next(results)[0] == "settings"
    assert next(results)[0] == "database"
    assert len(smartcar.requests) == before
    assert [name for name, _ in results][-1] == "pages"
    assert len(smartcar.requests) > before
