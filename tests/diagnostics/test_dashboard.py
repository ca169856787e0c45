"""The webhooks in Smartcar's dashboard, with the simulator."""

import pytest

from django_smartcar.diagnostics import dashboard
from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import registry

pytestmark = pytest.mark.django_db

HOOK = "https://your.site/cars/webhook/"
OTHER = "an-unguessable-endpoint-name"
api_v2 = pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)


def test_a_webhook_for_this_site(smartcar, find_one):
    hook = registry.add("Fleet", HOOK, auto_subscribe=True)
    text = f"webhook {hook.id} is for this site, and enabled; the dashboard shows whether it is verified"
    assert find_one(dashboard.dashboard) == ("ok", text, "")


@pytest.mark.parametrize("uri", ["https://YOUR.site/cars/webhook", f"{HOOK[:-1]}", HOOK])
def test_trailing_slash_and_case_of_the_host_do_not_matter(smartcar, find_one, uri):
    registry.add("Fleet", uri, auto_subscribe=True)
    assert find_one(dashboard.dashboard)[0] == "ok"


@pytest.mark.parametrize(
    "uri", ["https://my.site/cars/webhook/", "https://your.site/cars/callback/", "", "//["]
)
def test_there_is_no_webhook_for_this_site(smartcar, find_one, uri):
    registry.add("Another", uri, auto_subscribe=True)
    outcome, text, hint = find_one(dashboard.dashboard)
    assert (outcome, text) == (
        "warning",
        "no webhook of this application is for this site; webhooks found: 1",
    )
    assert f"with the callback URI {HOOK}, and verify it" in hint


def test_the_webhook_is_disabled(smartcar, find_one):
    hook = registry.add("Fleet", HOOK, is_enabled=False, auto_subscribe=True)
    outcome, text, hint = find_one(dashboard.dashboard)
    assert (outcome, text) == ("wrong", f"webhook {hook.id} is disabled, so Smartcar sends nothing")
    assert hint.startswith("Enable it in Smartcar's dashboard")


def test_no_vehicle_is_subscribed_to_the_webhook(smartcar, find_one, settings):
    hook = registry.add("Fleet", HOOK, auto_subscribe=False)
    outcome, text, hint = find_one(dashboard.dashboard)
    assert (outcome, "new vehicles are not subscribed to it" in text) == ("warning", True)
    assert "SMARTCAR_WEBHOOKS" in hint
    settings.SMARTCAR_WEBHOOKS = [hook.id]
    assert find_one(dashboard.dashboard)[0] == "ok"


def test_the_setting_has_an_unknown_id(smartcar, find, settings):
    hook = registry.add("Fleet", HOOK)
    settings.SMARTCAR_WEBHOOKS = [hook.id, store.MANAGEMENT_TOKEN]
    (outcome, text, hint), (other, *_) = find(dashboard.dashboard)
    assert (outcome, other) == ("wrong", "ok")
    assert text.endswith(f"no webhook of this application: {store.MANAGEMENT_TOKEN[:6]}…")
    assert "Copy the ids" in hint
    assert store.MANAGEMENT_TOKEN not in text + hint


def test_named_endpoints_count_and_their_names_are_not_shown(smartcar, find, settings):
    settings.SMARTCAR_WEBHOOK_TOKENS = {OTHER: ["of-another-application"]}
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    assert find(dashboard.dashboard)[0][0] == "warning"
    registry.add("Fleet", f"{HOOK}{OTHER}/", auto_subscribe=True)
    assert find(dashboard.dashboard)[0][0] == "ok"
    registry.remove(next(iter(store.state().webhooks.values())))
    assert OTHER not in str(find(dashboard.dashboard))


@api_v2
def test_api_v2_cannot_list_webhooks(smartcar, find_one):
    before = len(smartcar.requests)
    assert find_one(dashboard.dashboard)[0] == "not checked"
    assert len(smartcar.requests) == before


@pytest.mark.parametrize("name", ["SMARTCAR_IAM_URL", "SMARTCAR_MANAGEMENT_API_URL"])
def test_a_host_does_not_respond(smartcar, find_one, context, name):
    context.unreachable = {name}
    assert find_one(dashboard.dashboard)[:2] == ("not checked", f"{name} does not respond: see network")


def test_a_new_token_could_not_be_stored(smartcar, find_one, settings):
    settings.SMARTCAR_ENCRYPTION_KEYS = ["not a key"]
    assert find_one(dashboard.dashboard)[0] == "not checked"


def test_smartcar_does_not_list_the_webhooks(smartcar, find_one, settings):
    settings.SMARTCAR_CLIENT_SECRET = "of another application"
    outcome, text, _ = find_one(dashboard.dashboard)
    assert (outcome, text) == (
        "not checked",
        "Smartcar does not list the webhooks (invalid_client): see API v3",
    )


@pytest.mark.parametrize("missing", ["site", "tokens"])
def test_the_url_or_the_tokens_of_this_site_are_unknown(smartcar, find_one, context, settings, missing):
    registry.add("Fleet", HOOK, auto_subscribe=True)
    if missing == "site":
        context.site = ""
    else:
        settings.SMARTCAR_MANAGEMENT_TOKENS = []
    assert find_one(dashboard.dashboard)[0] == "not checked"
