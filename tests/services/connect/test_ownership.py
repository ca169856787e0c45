"""Proofs of ownership in API v3, and attempts to connect another user's vehicles."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils import timezone

from django_smartcar import signals
from django_smartcar.exceptions import (
    InvalidConnectState,
    NoVehiclesConnected,
    OwnedByAnotherUser,
    OwnershipNotVerified,
)
from django_smartcar.models import (
    ApplicationToken,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
)
from django_smartcar.services import connect, privacy, tokens
from django_smartcar.services.connect import _ownership, _state
from django_smartcar.services.connect._ownership import Callback
from django_smartcar.services.tokens import _refresh_lock
from django_smartcar.simulator import store

pytestmark = pytest.mark.django_db

CALLBACK = "https://testserver/cars/callback/"
ANNAS, BERTS = "anna@example.com", "bert@example.com"


@pytest.fixture(autouse=True)
def short_polling(monkeypatch):
    """Do not wait long for a connection that never appears."""
    monkeypatch.setattr(_ownership, "POLL_TIMEOUT", 0.3)
    monkeypatch.setattr(_ownership, "_FIRST_PAUSE", 0.05)


@pytest.fixture
def no_codes(settings):
    """Make Smartcar send no code, as in its latest documentation."""
    settings.SMARTCAR_SIMULATOR_CODES = False


@pytest.fixture
def refusals():
    query = []

    def receive(sender, user, reason, **kwargs):
        query.append((user.username, reason))

    signals.connection_refused.connect(receive)
    yield query
    signals.connection_refused.disconnect(receive)


def begin(user, session="s"):
    return connect.begin(user, session_key=session, redirect_uri=CALLBACK)


def finish(user, query, session="s"):
    attempt = _state.consume(query["state"], user=user, session_key=session)
    callback = Callback(query.get("code", ""), query.get("user_id", ""), query.get("external_id", ""))
    return connect.complete(attempt, callback)


def nothing_is_stored():
    return not (SmartcarUser.objects.exists() or SmartcarAccount.objects.exists())


# Valid proofs.


def test_each_user_has_one_external_id_which_is_sent_each_time(smartcar, anna, bert):
    sent = [parse_qs(urlsplit(begin(user)).query)["external_id"] for user in (anna, anna, bert)]
    assert sent[0] == sent[1] != sent[2]
    assert len(sent[0][0]) == 36
    assert ExternalId.objects.count() == 2


def test_without_a_code_the_external_id_proves_ownership(smartcar, no_codes, anna):
    query = smartcar.visit(begin(anna), ANNAS)
    assert "code" not in query
    connected = finish(anna, query)
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id
    assert connected.account.access_token == connected.account.refresh_token == ""
    assert store.counters["code_exchanges"] == 0


def test_a_code_proves_ownership(smartcar, anna):
    connected = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert store.counters["code_exchanges"] == 1
    assert connected.account.refresh_token in store.state().refresh_tokens


def test_a_code_is_not_exchanged_without_a_v2_secret(smartcar, settings, anna):
    settings.SMARTCAR_V2_CLIENT_SECRET = ""
    connected = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id
    assert store.counters["code_exchanges"] == 0


def test_a_code_proves_ownership_if_smartcar_ignores_the_filter_by_external_id(smartcar, settings, anna):
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).account.smartcar_user_id == store.owner(ANNAS).id


def test_a_driver_who_is_known_connects_again_without_a_code(smartcar, settings, anna):
    first = finish(anna, smartcar.visit(begin(anna), ANNAS))
    settings.SMARTCAR_SIMULATOR_CODES = False
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).account == first.account


@pytest.mark.parametrize("codes", [True, False])
def test_a_new_connection_is_polled_until_it_is_listed(smartcar, settings, monkeypatch, anna, codes):
    settings.SMARTCAR_SIMULATOR_CODES = codes
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 0.5
    monkeypatch.setattr(_ownership, "POLL_TIMEOUT", 5)
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).vehicles


def test_polling_ends_if_a_connection_is_never_listed(smartcar, settings, anna):
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 600
    with pytest.raises(NoVehiclesConnected):
        finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert nothing_is_stored()


def test_a_new_connection_proves_ownership_if_enabled(smartcar, settings, no_codes, anna):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).vehicles


def test_a_user_can_connect_a_second_smartcar_user(smartcar, no_codes, anna):
    finish(anna, smartcar.visit(begin(anna), ANNAS))
    finish(anna, smartcar.visit(begin(anna), "annas.other.car@example.com", "TESLA"))
    assert {car.user for car in ConnectedVehicle.objects.all()} == {anna}
    assert SmartcarUser.objects.count() == 2


# Attempts to get another user's vehicle. Nothing is stored, and the log has the reason.


@pytest.fixture
def berts_user_id(smartcar, bert):
    finish(bert, smartcar.visit(begin(bert), BERTS))
    return store.owner(BERTS).id


@pytest.fixture
def unknown_user_id(smartcar):
    """Connect a vehicle of Bert, who is unknown to this site; return his user id."""
    smartcar.visit(
        _ownership.client.auth_url("3", CALLBACK, state="elsewhere", external_id="of-another-site"), BERTS
    )
    return store.owner(BERTS).id


def attack(user, query, caplog, error=OwnershipNotVerified):
    before = [list(model.objects.values()) for model in (SmartcarUser, SmartcarAccount, ConnectedVehicle)]
    caplog.clear()
    with pytest.raises(error):
        finish(user, query)
    after = [list(model.objects.values()) for model in (SmartcarUser, SmartcarAccount, ConnectedVehicle)]
    assert after == before
    return caplog.text


def test_berts_id_in_annas_own_callback_is_refused(
    smartcar, no_codes, anna, unknown_user_id, caplog, refusals
):
    query = smartcar.visit(begin(anna), ANNAS)
    log = attack(anna, query | {"user_id": unknown_user_id}, caplog)
    reason = "Smartcar lists 1 users with this external id, but not the user of the callback"
    assert f"external_id: {reason}" in log
    assert "code: the callback had no code" in log
    assert refusals[0][0] == "anna"
    assert "not the user of the callback" in refusals[0][1]


def test_berts_id_with_annas_code_connects_annas_vehicle(smartcar, anna, unknown_user_id):
    query = smartcar.visit(begin(anna), ANNAS)
    connected = finish(anna, query | {"user_id": unknown_user_id})
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id


def test_berts_id_without_any_consent_of_annas_is_refused(smartcar, no_codes, anna, unknown_user_id, caplog):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": unknown_user_id}, caplog)
    assert "external_id: Smartcar lists 0 users with this external id" in log


def test_berts_id_with_berts_external_id_is_refused(smartcar, no_codes, anna, bert, berts_user_id, caplog):
    query = smartcar.visit(begin(anna), ANNAS)
    berts = {"user_id": berts_user_id, "external_id": ExternalId.objects.get(user=bert).value}
    log = attack(anna, query | berts, caplog)
    assert "callback: the external id belongs to another user" in log


def test_an_ignored_filter_proves_nothing(smartcar, no_codes, settings, anna, unknown_user_id, caplog):
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    query = smartcar.visit(begin(anna), ANNAS)
    for user_id in (query["user_id"], unknown_user_id):
        state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
        log = attack(anna, {"state": state, "user_id": user_id}, caplog)
        assert "external_id: Smartcar ignores the filter" in log


@pytest.mark.parametrize("query", [{}, {"user_id": ""}])
def test_a_callback_without_a_user_id_is_refused(smartcar, anna, caplog, query):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    assert "external_id: the callback has no valid user id" in attack(anna, {"state": state, **query}, caplog)


def test_an_old_connection_does_not_count_as_a_new_one(smartcar, settings, no_codes, anna, caplog):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": store.owner(BERTS).id}, caplog)
    assert "new_connection: no connection of this user was created or renewed" in log
    assert "external_id" not in log


def test_a_new_connection_of_another_users_smartcar_user_does_not_count(
    smartcar, settings, anna, berts_user_id, caplog
):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    log = attack(anna, {"state": state, "user_id": berts_user_id}, caplog)
    assert "new_connection: the Smartcar user already exists on this site" in log


def test_a_new_connection_is_no_proof_by_default(smartcar, no_codes, anna, caplog):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    log = attack(anna, {"state": state, "user_id": store.owner(BERTS).id}, caplog)
    assert "new_connection" not in log


@pytest.mark.parametrize("codes", [True, False])
def test_a_smartcar_user_of_another_local_user_is_refused(
    smartcar, settings, anna, berts_user_id, caplog, refusals, codes
):
    settings.SMARTCAR_SIMULATOR_CODES = codes
    ApplicationToken.objects.update(code_received_at=None)  # as if Smartcar had never sent one
    query = smartcar.visit(begin(anna), BERTS)  # Anna has Bert's login, or they share one
    log = attack(anna, query, caplog, OwnedByAnotherUser)
    assert "the Smartcar user belongs to local user" in log
    assert len(refusals) == 1


def test_annas_state_is_refused_in_berts_session(smartcar, anna, bert, refusals):
    query = smartcar.visit(begin(anna), ANNAS)
    with pytest.raises(InvalidConnectState, match="another-user"):
        finish(bert, query, "berts-session")
    with pytest.raises(InvalidConnectState, match="another-session"):
        finish(anna, query, "another-session-of-annas")
    assert [reason for _, reason in refusals] == ["another-user", "another-session"]
    assert nothing_is_stored()


def test_a_callback_works_once(smartcar, anna, refusals):
    query = smartcar.visit(begin(anna), ANNAS)
    finish(anna, query)
    SmartcarUser.objects.all().delete()
    with pytest.raises(InvalidConnectState, match="used"):
        finish(anna, query)
    assert nothing_is_stored()


def test_an_attempt_expires(smartcar, anna, refusals):
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        query = smartcar.visit(begin(anna), ANNAS)
    begin(anna)
    with pytest.raises(InvalidConnectState, match="expired"):
        finish(anna, query)
    assert nothing_is_stored()


# Where Smartcar sends codes, nothing else is a proof: the attacker has no code of the driver's.


@pytest.fixture
def codes(smartcar, make_driver):
    """Connect somebody with a code: Smartcar sends codes to this site."""
    finish(make_driver, smartcar.visit(begin(make_driver), "carl@example.com"))
    assert ApplicationToken.objects.get().code_received_at


@pytest.fixture
def make_driver(django_user_model):
    return django_user_model.objects.create_user("carl")


def followed_link(smartcar, anna):
    """Let Bert follow a link of Anna's; return what she may know of the callback: all but the code."""
    query = smartcar.visit(begin(anna), BERTS)
    assert query.pop("code")
    return query


def test_a_driver_who_followed_somebody_elses_link_is_not_connected_without_the_code(
    smartcar, codes, anna, caplog
):
    log = attack(anna, followed_link(smartcar, anna), caplog)
    assert "code: the callback had no code" in log
    assert "external_id" not in log
    assert store.counters["code_exchanges"] == 1, "of Carl's code"


def test_a_driver_who_followed_somebody_elses_link_is_not_connected_with_an_invented_code(
    smartcar, anna, caplog
):
    log = attack(anna, followed_link(smartcar, anna) | {"code": "3f8a2c1e-made-up"}, caplog)
    assert "code: failed (invalid_request)" in log
    assert "external_id" not in log


def test_with_their_own_code_the_driver_is_connected(smartcar, codes, anna):
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).account.smartcar_user_id == store.owner(ANNAS).id


def test_a_link_that_was_followed_proves_nothing_about_the_own_code(smartcar, codes, anna):
    """Bert's user id beside Anna's own code: the code decides, so it is Anna's car that is connected."""
    berts = followed_link(smartcar, anna)
    own = smartcar.visit(begin(anna), ANNAS)
    connected = finish(anna, own | {"user_id": berts["user_id"]})
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id
    assert ConnectedVehicle.objects.for_user(anna).count() == 1


def stolen_from(smartcar, url):
    """Return the code and the user id of a callback that Bert's browser received."""
    query = smartcar.visit(url, BERTS)
    return {name: query[name] for name in ("code", "user_id")}


def test_a_code_that_was_stolen_from_another_user_of_the_site_is_refused(smartcar, anna, bert, caplog):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, stolen_from(smartcar, begin(bert)) | {"state": state}, caplog)
    assert "code: Smartcar lists the user of the code, but not under the external id that was sent" in log
    assert "external_id:" not in log
    assert finish(bert, smartcar.visit(begin(bert), BERTS)).vehicles, "Bert tries again"


@pytest.mark.parametrize("external_id", ["of-another-site", None])
def test_a_code_of_a_visit_that_this_site_did_not_begin_is_refused(smartcar, anna, caplog, external_id):
    url = _ownership.client.auth_url("3", CALLBACK, state="x", external_id=external_id)
    query = stolen_from(smartcar, url)
    own = smartcar.visit(begin(anna), ANNAS)
    log = attack(anna, query | {"state": own["state"]}, caplog)
    assert "not under the external id that was sent" in log


def test_a_code_that_was_stolen_from_a_known_driver_is_refused(smartcar, anna, bert, berts_user_id, caplog):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    stolen = stolen_from(smartcar, begin(bert)) | {"state": state}
    assert "not under the external id" in attack(anna, stolen, caplog)
    assert {car.user for car in ConnectedVehicle.objects.all()} == {bert}


def test_a_code_is_accepted_once(smartcar, anna, bert, caplog):
    query = smartcar.visit(begin(anna), ANNAS)
    finish(anna, query)
    for user in (anna, bert):
        state = parse_qs(urlsplit(begin(user)).query)["state"][0]
        replayed = {"state": state, "code": query["code"], "user_id": query["user_id"]}
        assert "code: failed" in attack(user, replayed, caplog)


def test_without_the_v2_secret_codes_are_no_proof_and_not_needed(smartcar, settings, codes, anna):
    settings.SMARTCAR_V2_CLIENT_SECRET = ""
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).vehicles


# Failures.


def test_the_log_distinguishes_a_failed_request_from_a_failed_proof(smartcar, settings, anna, caplog):
    queries = [smartcar.visit(begin(anna), ANNAS) for _ in range(2)]
    settings.SMARTCAR_VEHICLE_API_URL = settings.SMARTCAR_AUTH_URL = "http://127.0.0.1:9"
    assert "code: failed (NoResponseException))" in attack(anna, queries[0], caplog)
    del queries[1]["code"]
    assert "external_id: failed (NoResponseException)" in attack(anna, queries[1], caplog)


def test_neither_code_nor_external_id_is_in_the_log(smartcar, no_codes, anna, unknown_user_id, caplog):
    caplog.set_level("DEBUG", logger="django_smartcar")
    query = smartcar.visit(begin(anna), ANNAS)
    log = attack(anna, query | {"user_id": unknown_user_id, "code": "the-code"}, caplog)
    assert "code: failed (invalid_request)" in log
    assert "the-code" not in log
    assert ExternalId.objects.get(user=anna).value not in log
    assert unknown_user_id not in log


def test_an_ignored_filter_proves_nothing_about_a_connection_that_is_listed_late(
    smartcar, no_codes, settings, monkeypatch, anna, unknown_user_id, caplog
):
    """The control request follows the request that it checks, and has the same user id."""
    monkeypatch.setattr(_ownership, "POLL_TIMEOUT", 4)
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 1
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x", external_id="berts"), BERTS)
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": unknown_user_id}, caplog)
    assert "external_id: Smartcar ignores the filter" in log


def test_a_user_can_reconnect_with_a_new_connection_as_proof(smartcar, settings, no_codes, anna):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    first = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).account == first.account


@pytest.mark.parametrize("user_id", ["a\x00b", "x" * 65, "a\nb"])
@pytest.mark.parametrize("proof", ["external_id", "new_connection"])
def test_an_invalid_user_id_is_refused(smartcar, settings, anna, caplog, proof, user_id):
    settings.SMARTCAR_OWNERSHIP_PROOFS = [proof]
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": user_id}, caplog)
    assert f"{proof}: the callback has no valid user id" in log


def test_a_token_refresh_in_another_process_that_takes_too_long_is_logged_and_nothing_is_stored(
    smartcar, settings, monkeypatch, anna, caplog
):
    query = smartcar.visit(begin(anna), ANNAS)
    settings.SMARTCAR_V2_CLIENT_SECRET = ""
    monkeypatch.setattr(_refresh_lock, "MAX_EXCHANGE", timedelta(seconds=0.1))
    tokens.application()
    ApplicationToken.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
    log = attack(anna, query, caplog)
    assert "external_id: failed (RefreshInProgress)" in log


def test_repr_and_str_of_a_callback_hide_the_code_and_the_external_id():
    callback = Callback("the-code", "user-1", "the-external-id")
    assert "the-" not in f"{callback!r} {callback} {callback.code} {callback.external_id!r}"
    assert callback.code == "the-code"


def test_a_user_who_was_erased_in_the_meantime_is_not_connected(smartcar, anna):
    query = smartcar.visit(begin(anna), ANNAS)
    attempt = _state.consume(query["state"], user=anna, session_key="s")
    privacy.erase(anna)
    with pytest.raises(InvalidConnectState, match="erased"):
        connect.complete(attempt, Callback(query["code"], query["user_id"]))
    assert nothing_is_stored()


def test_another_users_new_connection_proves_nothing_if_the_filter_is_ignored(
    smartcar, settings, anna, unknown_user_id, caplog
):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    unlisted_user_id = "725146a3-69f4-46c8-965d-54b3b6f81eb7"
    assert "new_connection: no connection" in attack(
        anna, {"state": state, "user_id": unlisted_user_id}, caplog
    )


def test_only_the_users_own_vehicles_are_stored_if_the_filter_is_ignored(
    smartcar, settings, anna, unknown_user_id
):
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    connected = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert [car.smartcar_vehicle_id for car in connected.vehicles] == [smartcar.car(ANNAS).id]
    assert ConnectedVehicle.objects.count() == 1
