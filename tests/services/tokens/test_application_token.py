"""The application's own token, API v3: one row for all workers, refreshed early, by one of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_smartcar import services
from django_smartcar.exceptions import AuthenticationException, MissingCredentials, RefreshInProgress
from django_smartcar.models import ApplicationToken, ConnectedVehicle
from django_smartcar.services import tokens, vehicles
from django_smartcar.services.tokens import _refresh_lock
from django_smartcar.simulator import store

pytestmark = pytest.mark.django_db


def issued_tokens():
    return store.counters["application_tokens"]


def set_expiry(**delta):
    ApplicationToken.objects.update(access_expires_at=timezone.now() + timedelta(**delta))


@pytest.fixture
def row(smartcar):
    row = tokens.application()
    tokens.refresh(row)
    return row


def test_one_token_serves_every_driver_and_each_worker(smartcar, connect_driver, bert):
    connect_driver()
    connect_driver("bert@example.com", user=bert)
    for vehicle in ConnectedVehicle.objects.all():
        vehicles.odometer(vehicle)
    assert issued_tokens() == ApplicationToken.objects.count() == 1


def test_each_set_of_credentials_has_a_row_of_its_own(row, settings):
    settings.SMARTCAR_SIMULATOR_M2M_CLIENT_ID = settings.SMARTCAR_CLIENT_ID = "client_of_another_application"
    tokens.refresh(tokens.application())
    assert ApplicationToken.objects.count() == 2


def test_the_token_is_refreshed_before_it_expires(row):
    set_expiry(minutes=4)
    assert services.as_application(lambda token: token) != row.access_token
    assert issued_tokens() == 2


def test_a_token_that_is_still_valid_is_used_while_another_process_refreshes_it(row):
    set_expiry(minutes=4)
    ApplicationToken.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
    assert services.as_application(lambda token: token) == row.access_token
    assert issued_tokens() == 1


def test_without_a_valid_token_the_refresh_of_another_process_is_waited_for(row, monkeypatch):
    monkeypatch.setattr(_refresh_lock, "MAX_EXCHANGE", timedelta(seconds=0.1))
    set_expiry(seconds=0)
    ApplicationToken.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(RefreshInProgress, match="application client_"):
        services.as_application(lambda token: token)
    assert issued_tokens() == 1


def test_a_token_that_is_still_valid_is_used_if_its_refresh_fails(row, settings, caplog):
    set_expiry(minutes=4)
    settings.SMARTCAR_IAM_URL = "http://127.0.0.1:9"
    assert services.as_application(lambda token: token) == row.access_token
    assert "could not refresh the token of" in caplog.text
    assert row.access_token not in caplog.text


def test_a_rejected_token_is_invalidated_and_refreshed_once(row):
    requests = []

    def send_request(token):
        requests.append(token)
        if len(requests) < 3:
            raise AuthenticationException
        return token

    with pytest.raises(AuthenticationException):
        services.as_application(send_request)
    assert len(set(requests)) == len(requests) == 2
    assert issued_tokens() == 2


def test_a_rejected_token_that_has_been_replaced_already_is_not_invalidated_again(smartcar, connect_driver):
    account = connect_driver().account
    driver = tokens.credentials(account)
    tokens.refresh(tokens.application())
    tokens.invalidate(account, driver)
    assert tokens.credentials(account).access_token != driver.access_token
    assert issued_tokens() == 2


def test_wrong_credentials_raise_and_are_saved_on_the_row(row, settings):
    settings.SMARTCAR_CLIENT_SECRET = "wrong"
    with pytest.raises(AuthenticationException):
        tokens.refresh(row)
    assert ApplicationToken.objects.get().refresh_error == "invalid_client"
    assert ApplicationToken.objects.get().refresh_lease is None


def test_a_v3_account_on_a_v2_site_raises_missing_credentials(smartcar, connect_driver, settings):
    vehicle = connect_driver().vehicles[0]
    smartcar.point(settings, "2.0")
    with pytest.raises(MissingCredentials, match="SMARTCAR_CLIENT_ID"):
        vehicles.odometer(vehicle)


@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_a_v2_account_on_a_v3_site_uses_the_v2_credentials(smartcar, connect_driver, settings):
    vehicle = connect_driver().vehicles[0]
    smartcar.point(settings, "3")
    tokens.refresh(vehicle.account)
    vehicles.odometer(vehicle)
    assert issued_tokens() == 0
    settings.SMARTCAR_V2_CLIENT_SECRET = ""
    with pytest.raises(MissingCredentials, match="SMARTCAR_V2_CLIENT_SECRET"):
        tokens.refresh(vehicle.account)
    vehicle.account.refresh_from_db()
    assert (vehicle.account.refresh_lease, vehicle.account.reconnect_required_at) == (None, None)


def test_no_token_is_in_repr_and_str(row):
    assert row.access_token not in f"{row!r} {row} {vars(tokens.credentials)}"
