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
    SmartcarException,
)
from django_smartcar.models import (
    ConnectAttempt,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
    VehicleCommand,
)
from django_smartcar.services import commands, connect, readings
from django_smartcar.services.connect import _state
from django_smartcar.services.connect._ownership import Callback

from ...mock_api import API

pytestmark = pytest.mark.django_db

CALLBACK = "https://testserver/cars/callback/"


def begin(user, session_key="session-1", **options):
    url = connect.begin(user, session_key=session_key, redirect_uri=CALLBACK, **options)
    return url, parse_qs(urlsplit(url).query)["state"][0]


def finish(user, code="a-code", **options):
    _, state = begin(user, **options)
    attempt = _state.consume(state, user=user, session_key="session-1")
    return connect.complete(attempt, Callback(code))


def nothing_is_stored():
    return not (SmartcarUser.objects.exists() or SmartcarAccount.objects.exists())


def test_the_connect_url_has_the_values_of_the_settings(anna, settings):
    settings.SMARTCAR_SCOPE = ["required:read_odometer", "control_security"]
    settings.SMARTCAR_MODE = "simulated"
    url, state = begin(anna, make="TESLA", single_select=True)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith("https://connect.smartcar.com/oauth/authorize?")
    assert query == {
        "response_type": "code",
        "client_id": settings.SMARTCAR_CLIENT_ID,
        "redirect_uri": CALLBACK,
        "approval_prompt": "force",
        "mode": "simulated",
        "scope": "required:read_odometer control_security",
        "state": state,
        "make": "TESLA",
        "single_select": "true",
        "external_id": ExternalId.objects.get(user=anna).value,
    }


def test_states_are_long_unique_and_not_in_the_database(anna):
    states = {begin(anna)[1] for _ in range(5)}
    assert len(states) == 5
    assert all(len(state) >= 43 for state in states)
    stored = str(list(ConnectAttempt.objects.values()))
    assert not any(state in stored for state in states)
    assert "session-1" not in stored


def test_the_client_secret_is_not_in_the_connect_url(anna, settings):
    assert settings.SMARTCAR_CLIENT_SECRET not in begin(anna)[0]


def test_two_attempts_in_parallel_both_complete(anna):
    states = [begin(anna)[1], begin(anna)[1]]
    for state in reversed(states):
        assert _state.consume(state, user=anna, session_key="session-1").user == anna


def test_a_state_works_once(anna):
    _, state = begin(anna)
    _state.consume(state, user=anna, session_key="session-1")
    with pytest.raises(InvalidConnectState) as refusal:
        _state.consume(state, user=anna, session_key="session-1")
    assert refusal.value.reason == "used"


@pytest.mark.parametrize("state", ["", "made-up", "\x00", "ä" * 3000])
def test_an_unknown_state_is_refused(anna, state):
    begin(anna)
    with pytest.raises(InvalidConnectState, match="unknown"):
        _state.consume(state, user=anna, session_key="session-1")


def test_annas_state_is_refused_from_bert(anna, bert):
    _, state = begin(anna)
    with pytest.raises(InvalidConnectState, match="another-user"):
        _state.consume(state, user=bert, session_key="session-1")


def test_annas_state_is_refused_in_another_session_of_hers(anna):
    _, state = begin(anna)
    with pytest.raises(InvalidConnectState, match="another-session"):
        _state.consume(state, user=anna, session_key="session-2")


def test_a_refused_callback_does_not_consume_the_attempt(anna, bert):
    _, state = begin(anna)
    with pytest.raises(InvalidConnectState):
        _state.consume(state, user=bert, session_key="session-1")
    assert _state.consume(state, user=anna, session_key="session-1")


def test_an_attempt_expires_after_ten_minutes(anna):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        _, early = begin(anna)
        _, late = begin(anna)
        clock.shift(timedelta(minutes=9, seconds=59))
        assert _state.consume(early, user=anna, session_key="session-1")
        clock.shift(timedelta(seconds=1))
        with pytest.raises(InvalidConnectState, match="expired"):
            _state.consume(late, user=anna, session_key="session-1")


def test_attempts_older_than_two_days_are_deleted(anna):
    with time_machine.travel(timezone.now() - timedelta(days=3)):
        begin(anna)
    begin(anna)
    assert ConnectAttempt.objects.count() == 1


def test_a_connection_stores_the_account_and_the_vehicles(anna, mock_api, settings):
    settings.SMARTCAR_UNIT_SYSTEM = "imperial"
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1", "car-2"])
    mock_api.car("car-1", vin="0SCAUDI037A5ADB1C")
    mock_api.car("car-2", make="TESLA", model="Model S", year=2014, permissions=["read_odometer"])
    connected = finish(anna)
    assert mock_api.exchanges == [
        {"grant_type": "authorization_code", "code": "a-code", "redirect_uri": CALLBACK}
    ]
    account = SmartcarAccount.objects.get()
    assert connected.account == account
    assert (account.user, account.smartcar_user_id, account.mode) == (anna, "driver-a", "live")
    assert (account.access_token, account.refresh_token) == ("access-1", "refresh-1")
    assert timedelta(minutes=119) < account.access_expires_at - timezone.now() <= timedelta(hours=2)
    first, second = ConnectedVehicle.objects.order_by("smartcar_vehicle_id")
    assert (first.name, first.vin, first.unit_system) == (
        "2021 Chevrolet Bolt",
        "0SCAUDI037A5ADB1C",
        "imperial",
    )
    assert first.is_lockable
    assert (second.permissions, second.is_lockable, second.vin) == (["read_odometer"], False, "")


def test_reconnecting_updates_the_same_rows(anna, mock_api):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")
    first = finish(anna)
    SmartcarAccount.objects.update(reconnect_required_at=timezone.now())
    ConnectedVehicle.objects.update(disconnected_at=timezone.now())
    readings.save(first.vehicles[0], "odometer", 12.5, "km")
    second = finish(anna)
    assert second.account == first.account
    assert second.vehicles == first.vehicles
    account = SmartcarAccount.objects.get()
    assert (account.access_token, account.needs_reconnecting) == ("access-2", False)
    car = ConnectedVehicle.objects.get()
    assert car.is_connected
    assert car.signals["odometer"].value == 12.5


def test_a_queued_disconnect_does_not_end_a_later_connection(anna, mock_api, settings):
    settings.SMARTCAR_COMMAND_EXECUTION = "command"
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1", "car-2"])
    mock_api.car("car-1")
    mock_api.car("car-2")
    mock_api.disconnects("car-1")
    mock_api.disconnects("car-2")
    first, second = finish(anna).vehicles
    queued = [commands.enqueue(car, "disconnect", actor=anna) for car in (first, second)]
    mock_api.mock.remove("GET", f"{API}/vehicles")
    mock_api.driver("driver-a", ["car-1"])
    finish(anna, single_select=True)  # the driver has changed their mind about one
    while commands.work():
        pass
    rows = VehicleCommand.objects.in_bulk([row.pk for row in queued])
    assert [rows[row.pk].status for row in queued] == ["failed", "succeeded"]
    assert [car.smartcar_vehicle_id for car in ConnectedVehicle.objects.connected()] == ["car-1"]
    assert rows[queued[0].pk].slot is None


def test_reconnecting_replaces_undecryptable_tokens(anna, mock_api, lose_key):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")
    first = finish(anna)
    lose_key()
    assert finish(anna).account == first.account
    assert SmartcarAccount.objects.get().access_token == "access-2"


def test_a_grant_for_another_vehicle_keeps_the_first_accounts_tokens(anna, mock_api):
    """With single_select a token is for one vehicle, so the first account must keep its tokens."""
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")
    mock_api.car("car-2")
    finish(anna, single_select=True)
    mock_api.mock.remove("GET", f"{API}/vehicles")
    mock_api.driver("driver-a", ["car-2"])
    finish(anna, single_select=True)
    tokens = {car.smartcar_vehicle_id: car.account.access_token for car in ConnectedVehicle.objects.all()}
    assert tokens == {"car-1": "access-1", "car-2": "access-2"}
    assert all(car.is_connected for car in ConnectedVehicle.objects.all())


def test_a_grant_for_all_vehicles_takes_them_over_from_earlier_accounts(anna, mock_api):
    test_a_grant_for_another_vehicle_keeps_the_first_accounts_tokens(anna, mock_api)
    mock_api.mock.remove("GET", f"{API}/vehicles")
    mock_api.driver("driver-a", ["car-1", "car-2"])
    finish(anna)
    account = SmartcarAccount.objects.get()
    assert account.access_token == "access-3"
    assert account.vehicles.count() == 2


def test_a_smartcar_user_of_another_local_user_is_refused_and_nothing_changes(
    account, vehicle, bert, mock_api
):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1", make="STOLEN")
    before = [list(model.objects.values()) for model in (SmartcarUser, SmartcarAccount, ConnectedVehicle)]
    with pytest.raises(OwnedByAnotherUser):
        finish(bert)
    after = [list(model.objects.values()) for model in (SmartcarUser, SmartcarAccount, ConnectedVehicle)]
    assert after == before


def test_two_users_of_one_vehicle_have_a_row_each(vehicle, bert, mock_api):
    mock_api.tokens()
    mock_api.driver("driver-b", ["car-1"])
    mock_api.car("car-1")
    finish(bert)
    owners = {car.user.username: car.account.smartcar_user_id for car in ConnectedVehicle.objects.all()}
    assert owners == {"anna": "driver-a", "bert": "driver-b"}


def test_the_user_id_is_requested_with_the_new_token(anna, mock_api):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")
    finish(anna)
    (request,) = mock_api.sent("GET", "/user")
    assert request.headers["Authorization"] == "Bearer access-1"


def test_an_invalid_code_stores_nothing(anna, mock_api):
    mock_api.tokens_fail(description="Invalid code: a-code.")
    with pytest.raises(SmartcarException):
        finish(anna)
    assert nothing_is_stored()


@pytest.mark.parametrize("path", ["user", "vehicles"])
def test_a_missing_response_after_the_exchange_stores_nothing(anna, mock_api, path):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.mock.replace("GET", f"{API}/{path}", status=500, json={})
    with pytest.raises(SmartcarException):
        finish(anna)
    assert nothing_is_stored()


def test_a_failure_while_storing_stores_nothing(anna, mock_api, monkeypatch):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1", "car-2"])
    mock_api.car("car-1")
    mock_api.car("car-2", make="X" * 50, year=-1)
    monkeypatch.setattr(ConnectedVehicle, "save", _fails_for("car-2", ConnectedVehicle.save))
    with pytest.raises(RuntimeError):
        finish(anna)
    assert nothing_is_stored()


def _fails_for(vehicle_id, save):
    def failing_save(self, *args, **kwargs):
        if self.smartcar_vehicle_id == vehicle_id:
            raise RuntimeError
        return save(self, *args, **kwargs)

    return failing_save


def test_a_grant_without_vehicles_stores_nothing(anna, mock_api):
    mock_api.tokens()
    mock_api.driver("driver-a", [])
    with pytest.raises(NoVehiclesConnected):
        finish(anna)
    assert nothing_is_stored()


def test_a_vehicle_that_is_asleep_is_connected(anna, mock_api):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.get("car-1", "permissions", {"type": "VEHICLE_STATE", "code": "ASLEEP"}, status=409)
    connected = finish(anna)
    assert [car.smartcar_vehicle_id for car in connected.vehicles] == ["car-1"]


def test_account_connected_is_sent(anna, mock_api):
    received = []

    def receive(sender, account, vehicles, **kwargs):
        received.append((account, vehicles))

    signals.account_connected.connect(receive)
    try:
        mock_api.tokens()
        mock_api.driver("driver-a", ["car-1"])
        mock_api.car("car-1")
        connected = finish(anna)
    finally:
        signals.account_connected.disconnect(receive)
    assert received == [(connected.account, connected.vehicles)]


def test_an_earlier_account_with_only_disconnected_vehicles_loses_its_tokens(anna, mock_api):
    test_a_grant_for_another_vehicle_keeps_the_first_accounts_tokens(anna, mock_api)
    second = ConnectedVehicle.objects.get(smartcar_vehicle_id="car-2")
    ConnectedVehicle.objects.filter(pk=second.pk).update(disconnected_at=timezone.now())
    mock_api.mock.remove("GET", f"{API}/vehicles")
    mock_api.driver("driver-a", ["car-1"])
    finish(anna, single_select=True)
    assert SmartcarAccount.objects.get(pk=second.account_id).refresh_token == ""
    assert SmartcarAccount.objects.exclude(pk=second.account_id).get().refresh_token == "refresh-3"


@pytest.mark.parametrize("user_id", ["", "x" * 65])
def test_an_invalid_user_id_is_not_stored(anna, mock_api, user_id):
    mock_api.tokens()
    mock_api.driver(user_id, ["car-1"])
    with pytest.raises(SmartcarException):
        finish(anna)
    assert nothing_is_stored()
