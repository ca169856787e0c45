"""Who may have a car, in API v3: from the side of those who may not."""

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
def brief(monkeypatch):
    """Nobody waits long for a connection that never comes."""
    monkeypatch.setattr(_ownership, "VISIBLE_WITHIN", 0.3)
    monkeypatch.setattr(_ownership, "_FIRST_PAUSE", 0.05)


@pytest.fixture
def no_codes(settings):
    """A Smartcar that sends no code along, as its newest documents say."""
    settings.SMARTCAR_SIMULATOR_CODES = False


@pytest.fixture
def active_limits():
    told = []

    def receive(sender, user, reason, **kwargs):
        told.append((user.username, reason))

    signals.connection_refused.connect(receive)
    yield told
    signals.connection_refused.disconnect(receive)


def begin(user, session="s"):
    return connect.begin(user, session_key=session, redirect_uri=CALLBACK)


def finish(user, told, session="s"):
    attempt = _state.consume(told["state"], user=user, session_key=session)
    said = Callback(told.get("code", ""), told.get("user_id", ""), told.get("external_id", ""))
    return connect.complete(attempt, said)


def nothing_is_stored():
    return not (SmartcarUser.objects.exists() or SmartcarAccount.objects.exists())


# What is enough.


def test_the_external_id_is_the_users_own_and_is_sent_each_time(smartcar, anna, bert):
    sent = [parse_qs(urlsplit(begin(user)).query)["external_id"] for user in (anna, anna, bert)]
    assert sent[0] == sent[1] != sent[2]
    assert len(sent[0][0]) == 36
    assert ExternalId.objects.count() == 2


def test_a_driver_is_bound_by_the_external_id_where_no_code_comes(smartcar, no_codes, anna):
    told = smartcar.visit(begin(anna), ANNAS)
    assert "code" not in told
    connected = finish(anna, told)
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id
    assert connected.account.access_token == connected.account.refresh_token == ""
    assert store.counters["code_exchanges"] == 0


def test_a_driver_is_bound_by_the_code_where_one_comes(smartcar, anna):
    connected = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert store.counters["code_exchanges"] == 1
    assert connected.account.refresh_token in store.state().refresh_tokens


def test_a_code_is_left_alone_where_generation_2_has_no_secret_here(smartcar, settings, anna):
    settings.SMARTCAR_V2_CLIENT_SECRET = ""
    connected = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id
    assert store.counters["code_exchanges"] == 0


def test_a_code_that_smartcar_does_not_take_leaves_it_to_the_external_id(smartcar, anna):
    told = smartcar.visit(begin(anna), ANNAS)
    connected = finish(anna, told | {"code": "made-up"})
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id


@pytest.mark.parametrize("codes", [True, False])
def test_a_connection_that_is_not_visible_yet_is_waited_for(smartcar, settings, monkeypatch, anna, codes):
    settings.SMARTCAR_SIMULATOR_CODES = codes
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 0.5
    monkeypatch.setattr(_ownership, "VISIBLE_WITHIN", 5)
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).vehicles


def test_a_connection_that_never_becomes_visible_ends_in_time(smartcar, settings, anna):
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 600
    with pytest.raises(NoVehiclesConnected):
        finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert nothing_is_stored()


def test_the_weakest_proof_works_when_it_is_switched_on(smartcar, settings, no_codes, anna):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).vehicles


def test_a_second_car_account_of_the_same_user_is_bound_as_well(smartcar, no_codes, anna):
    finish(anna, smartcar.visit(begin(anna), ANNAS))
    finish(anna, smartcar.visit(begin(anna), "annas.other.car@example.com", "TESLA"))
    assert {car.user for car in ConnectedVehicle.objects.all()} == {anna}
    assert SmartcarUser.objects.count() == 2


# Who tries to have somebody else's car. Nothing is stored, and the log tells one from the other.


@pytest.fixture
def bert_is_connected(smartcar, bert):
    finish(bert, smartcar.visit(begin(bert), BERTS))
    return store.owner(BERTS).id


@pytest.fixture
def bert_is_strange(smartcar):
    """Bert has connected his car to the application, but is unknown to this site."""
    smartcar.visit(
        _ownership.client.auth_url("3", CALLBACK, state="elsewhere", external_id="of-another-site"), BERTS
    )
    return store.owner(BERTS).id


def attack(user, told, caplog, error=OwnershipNotVerified):
    before = [list(model.objects.values()) for model in (SmartcarUser, SmartcarAccount, ConnectedVehicle)]
    caplog.clear()
    with pytest.raises(error):
        finish(user, told)
    after = [list(model.objects.values()) for model in (SmartcarUser, SmartcarAccount, ConnectedVehicle)]
    assert after == before
    return caplog.text


def test_berts_id_in_annas_own_callback_is_refused(
    smartcar, no_codes, anna, bert_is_strange, caplog, active_limits
):
    told = smartcar.visit(begin(anna), ANNAS)
    log = attack(anna, told | {"user_id": bert_is_strange}, caplog)
    assert "external_id: Smartcar users under it: 1, and not the one that the address names" in log
    assert "code: the callback had none" in log
    assert active_limits[0][0] == "anna"
    assert "not the one that the address names" in active_limits[0][1]


def test_berts_id_beside_annas_own_code_brings_annas_car(smartcar, anna, bert_is_strange):
    told = smartcar.visit(begin(anna), ANNAS)
    connected = finish(anna, told | {"user_id": bert_is_strange})
    assert connected.account.smartcar_user_id == store.owner(ANNAS).id


def test_berts_id_without_any_consent_of_annas_is_refused(smartcar, no_codes, anna, bert_is_strange, caplog):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": bert_is_strange}, caplog)
    assert "external_id: Smartcar users under it: 0" in log


def test_berts_id_with_berts_external_id_is_refused(
    smartcar, no_codes, anna, bert, bert_is_connected, caplog
):
    told = smartcar.visit(begin(anna), ANNAS)
    berts = {"user_id": bert_is_connected, "external_id": ExternalId.objects.get(user=bert).value}
    log = attack(anna, told | berts, caplog)
    assert "address: it names the external id of somebody else" in log


def test_a_smartcar_that_does_not_heed_the_filter_proves_nothing(
    smartcar, no_codes, settings, anna, bert_is_strange, caplog
):
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    told = smartcar.visit(begin(anna), ANNAS)
    for user_id in (told["user_id"], bert_is_strange):
        state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
        log = attack(anna, {"state": state, "user_id": user_id}, caplog)
        assert "external_id: Smartcar does not heed the filter" in log


@pytest.mark.parametrize("told", [{}, {"user_id": ""}])
def test_a_callback_that_names_nobody_is_refused(smartcar, anna, caplog, told):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    assert "external_id: the address names nobody" in attack(anna, {"state": state, **told}, caplog)


def test_an_old_connection_is_no_proof_for_the_weakest(smartcar, settings, no_codes, anna, caplog):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": store.owner(BERTS).id}, caplog)
    assert "new_connection: no connection of this user that was made or renewed" in log
    assert "external_id" not in log


def test_a_known_smartcar_user_is_no_newcomer_for_the_weakest(
    smartcar, settings, anna, bert_is_connected, caplog
):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    log = attack(anna, {"state": state, "user_id": bert_is_connected}, caplog)
    assert "new_connection: the Smartcar user is known here already" in log


def test_the_weakest_proof_is_off_unless_it_is_switched_on(smartcar, no_codes, anna, caplog):
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    log = attack(anna, {"state": state, "user_id": store.owner(BERTS).id}, caplog)
    assert "new_connection" not in log


@pytest.mark.parametrize("codes", [True, False])
def test_a_smartcar_user_of_another_local_user_is_refused(
    smartcar, settings, anna, bert_is_connected, caplog, active_limits, codes
):
    settings.SMARTCAR_SIMULATOR_CODES = codes
    told = smartcar.visit(begin(anna), BERTS)  # Anna knows Bert's login, or it is one for the family
    log = attack(anna, told, caplog, OwnedByAnotherUser)
    assert "the Smartcar user belongs to local user" in log
    assert len(active_limits) == 1


def test_annas_state_is_no_good_in_berts_browser(smartcar, anna, bert, active_limits):
    told = smartcar.visit(begin(anna), ANNAS)
    with pytest.raises(InvalidConnectState, match="another-user"):
        finish(bert, told, "berts-session")
    with pytest.raises(InvalidConnectState, match="another-session"):
        finish(anna, told, "another-session-of-annas")
    assert [reason for _, reason in active_limits] == ["another-user", "another-session"]
    assert nothing_is_stored()


def test_a_callback_works_once(smartcar, anna, active_limits):
    told = smartcar.visit(begin(anna), ANNAS)
    finish(anna, told)
    SmartcarUser.objects.all().delete()
    with pytest.raises(InvalidConnectState, match="used"):
        finish(anna, told)
    assert nothing_is_stored()


def test_an_attempt_of_yesterday_is_over(smartcar, anna, active_limits):
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        told = smartcar.visit(begin(anna), ANNAS)
    begin(anna)
    with pytest.raises(InvalidConnectState, match="expired"):
        finish(anna, told)
    assert nothing_is_stored()


# What goes wrong on the way.


def test_a_smartcar_that_cannot_be_asked_is_told_from_one_that_says_no(smartcar, settings, anna, caplog):
    told = smartcar.visit(begin(anna), ANNAS)
    settings.SMARTCAR_VEHICLE_API_URL = settings.SMARTCAR_AUTH_URL = "http://127.0.0.1:9"
    log = attack(anna, told, caplog)
    assert "code: failed (NoResponseException)" in log
    assert "external_id: failed (NoResponseException)" in log


def test_neither_code_nor_external_id_is_in_the_log(smartcar, no_codes, anna, bert_is_strange, caplog):
    caplog.set_level("DEBUG", logger="django_smartcar")
    told = smartcar.visit(begin(anna), ANNAS)
    log = attack(anna, told | {"user_id": bert_is_strange, "code": "the-code"}, caplog)
    assert "code: failed (invalid_grant)" in log
    assert "the-code" not in log
    assert ExternalId.objects.get(user=anna).value not in log
    assert bert_is_strange not in log


def test_a_filter_that_is_not_heeded_proves_nothing_about_a_connection_that_comes_into_view_late(
    smartcar, no_codes, settings, monkeypatch, anna, bert_is_strange, caplog
):
    """The control is asked after the answer that it is to hold, and about the very same user."""
    monkeypatch.setattr(_ownership, "VISIBLE_WITHIN", 4)
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 1
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x", external_id="berts"), BERTS)
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": bert_is_strange}, caplog)
    assert "external_id: Smartcar does not heed the filter" in log


def test_a_user_of_ones_own_may_connect_again_by_the_weakest_proof(smartcar, settings, no_codes, anna):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    first = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert finish(anna, smartcar.visit(begin(anna), ANNAS)).account == first.account


@pytest.mark.parametrize("user_id", ["a\x00b", "x" * 65, "a\nb"])
@pytest.mark.parametrize("proof", ["external_id", "new_connection"])
def test_an_id_that_is_none_is_nobody(smartcar, settings, anna, caplog, proof, user_id):
    settings.SMARTCAR_OWNERSHIP_PROOFS = [proof]
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    log = attack(anna, {"state": state, "user_id": user_id}, caplog)
    assert f"{proof}: the address names nobody" in log


def test_a_token_that_somebody_else_is_renewing_for_too_long_is_told_and_nothing_is_stored(
    smartcar, settings, monkeypatch, anna, caplog
):
    told = smartcar.visit(begin(anna), ANNAS)
    settings.SMARTCAR_V2_CLIENT_SECRET = ""
    monkeypatch.setattr(_refresh_lock, "LEASE", timedelta(seconds=0.1))
    tokens.application()
    ApplicationToken.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
    log = attack(anna, told, caplog)
    assert "external_id: failed (RefreshInProgress)" in log


def test_neither_code_nor_external_id_shows_in_what_is_printed():
    said = Callback("the-code", "user-1", "the-external-id")
    assert "the-" not in f"{said!r} {said} {said.code} {said.external_id!r}"
    assert said.code == "the-code"


def test_who_wanted_to_be_forgotten_meanwhile_is_not_connected(smartcar, anna):
    told = smartcar.visit(begin(anna), ANNAS)
    attempt = _state.consume(told["state"], user=anna, session_key="s")
    privacy.erase(anna)
    with pytest.raises(InvalidConnectState, match="erased"):
        connect.complete(attempt, Callback(told["code"], told["user_id"]))
    assert nothing_is_stored()


def test_anothers_new_connection_proves_nothing_when_the_filter_is_not_heeded(
    smartcar, settings, anna, bert_is_strange, caplog
):
    settings.SMARTCAR_OWNERSHIP_PROOFS = ["new_connection"]
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    state = parse_qs(urlsplit(begin(anna)).query)["state"][0]
    smartcar.visit(_ownership.client.auth_url("3", CALLBACK, state="x"), BERTS)
    nobody = "725146a3-69f4-46c8-965d-54b3b6f81eb7"
    assert "new_connection: no connection" in attack(anna, {"state": state, "user_id": nobody}, caplog)


def test_only_ones_own_cars_are_stored_when_the_filter_is_not_heeded(
    smartcar, settings, anna, bert_is_strange
):
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    connected = finish(anna, smartcar.visit(begin(anna), ANNAS))
    assert [car.smartcar_vehicle_id for car in connected.vehicles] == [smartcar.car(ANNAS).id]
    assert ConnectedVehicle.objects.count() == 1
