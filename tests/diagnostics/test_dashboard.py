"""What Smartcar's dashboard has for this site, as the pretend Smartcar tells it."""

import pytest

from django_smartcar.diagnostics import dashboard
from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import registry

pytestmark = pytest.mark.django_db

HOOK = "https://your.site/cars/webhook/"
OTHER = "a-name-that-nobody-guesses"
older = pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)


def test_a_webhook_of_all_cars_is_for_this_site(smartcar, find_one):
    hook = registry.add("Fleet", HOOK, auto_subscribe=True)
    assert find_one(dashboard.dashboard) == ("ok", f"webhook {hook.id} is for this site, and enabled", "")


@pytest.mark.parametrize("uri", ["https://YOUR.site/cars/webhook", f"{HOOK[:-1]}", HOOK])
def test_slashes_and_capitals_make_no_difference(smartcar, find_one, uri):
    registry.add("Fleet", uri, auto_subscribe=True)
    assert find_one(dashboard.dashboard)[0] == "ok"


@pytest.mark.parametrize(
    "uri", ["https://my.site/cars/webhook/", "https://your.site/cars/callback/", "", "//["]
)
def test_there_is_none_for_this_site(smartcar, find_one, uri):
    registry.add("Another", uri, auto_subscribe=True)
    outcome, text, advice = find_one(dashboard.dashboard)
    assert (outcome, text) == (
        "warning",
        "no webhook of this application is for this site; webhooks found: 1",
    )
    assert f"with the callback URI {HOOK}, and verify it" in advice


def test_it_is_switched_off(smartcar, find_one):
    hook = registry.add("Fleet", HOOK, is_enabled=False, auto_subscribe=True)
    outcome, text, advice = find_one(dashboard.dashboard)
    assert (outcome, text) == ("wrong", f"webhook {hook.id} is disabled, so Smartcar sends nothing")
    assert advice.startswith("Enable it in Smartcar's dashboard")


def test_no_car_is_subscribed_to_it(smartcar, find_one, settings):
    hook = registry.add("Fleet", HOOK, auto_subscribe=False)
    outcome, text, advice = find_one(dashboard.dashboard)
    assert (outcome, "new vehicles are not subscribed to it" in text) == ("warning", True)
    assert "SMARTCAR_WEBHOOKS" in advice
    settings.SMARTCAR_WEBHOOKS = [hook.id]
    assert find_one(dashboard.dashboard)[0] == "ok"


def test_the_setting_names_what_is_no_webhook(smartcar, find, settings):
    hook = registry.add("Fleet", HOOK)
    settings.SMARTCAR_WEBHOOKS = [hook.id, store.MANAGEMENT_TOKEN]
    (outcome, text, advice), (other, *_) = find(dashboard.dashboard)
    assert (outcome, other) == ("wrong", "ok")
    assert text.endswith(f"no webhook of this application: {store.MANAGEMENT_TOKEN[:6]}…")
    assert "Copy the ids" in advice
    assert store.MANAGEMENT_TOKEN not in text + advice


def test_another_address_of_this_site_counts_and_no_name_is_told(smartcar, find, settings):
    settings.SMARTCAR_WEBHOOK_TOKENS = {OTHER: ["of-another-application"]}
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    assert find(dashboard.dashboard)[0][0] == "warning"
    registry.add("Fleet", f"{HOOK}{OTHER}/", auto_subscribe=True)
    assert find(dashboard.dashboard)[0][0] == "ok"
    registry.remove(next(iter(store.state().webhooks.values())))
    assert OTHER not in str(find(dashboard.dashboard))


@older
def test_generation_2_tells_of_no_webhooks(smartcar, find_one):
    before = len(smartcar.asked)
    assert find_one(dashboard.dashboard)[0] == "not checked"
    assert len(smartcar.asked) == before


@pytest.mark.parametrize("name", ["SMARTCAR_IAM_URL", "SMARTCAR_MANAGEMENT_API_URL"])
def test_a_host_does_not_answer(smartcar, find_one, context, name):
    context.unreachable = {name}
    assert find_one(dashboard.dashboard)[:2] == ("not checked", f"{name} does not respond: see network")


def test_nothing_could_be_stored(smartcar, find_one, settings):
    settings.SMARTCAR_ENCRYPTION_KEYS = ["not a key"]
    assert find_one(dashboard.dashboard)[0] == "not checked"


def test_smartcar_does_not_say(smartcar, find_one, settings):
    settings.SMARTCAR_CLIENT_SECRET = "of another application"
    outcome, text, _ = find_one(dashboard.dashboard)
    assert (outcome, text) == (
        "not checked",
        "Smartcar does not list the webhooks (invalid_client): see API v3",
    )


@pytest.mark.parametrize("missing", ["site", "tokens"])
def test_this_sites_address_or_token_is_not_known(smartcar, find_one, context, settings, missing):
    registry.add("Fleet", HOOK, auto_subscribe=True)
    if missing == "site":
        context.site = ""
    else:
        settings.SMARTCAR_MANAGEMENT_TOKENS = []
    assert find_one(dashboard.dashboard)[0] == "not checked"
