import re

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from django_smartcar.exceptions import ReconnectRequired, RefreshInProgress, TransactionNotAllowed
from django_smartcar.models import SmartcarAccount, SmartcarUser
from django_smartcar.services import tokens

pytestmark = pytest.mark.django_db

LIST = "/admin/smartcar/smartcaraccount/"


def act(client, action, *accounts):
    form = {"action": action, "_selected_action": [str(account.pk) for account in accounts]}
    return client.post(LIST, form, follow=True)


def healths(page):
    """Return the words of the column "health"."""
    return [re.sub("<.*?>", "", cell) for cell in re.findall(r'<td class="field-health">(.*?)</td>', page)]


@pytest.mark.parametrize("word", ["driver-a", "anna"])
def test_accounts_can_be_searched(admin_client, account, word):
    page = admin_client.get(LIST, {"q": word}).text
    assert ">anna</a>" in page
    assert "0 results" not in page


@pytest.mark.parametrize("word", ["access-0", "refresh-0"])
def test_tokens_are_not_searchable(admin_client, account, word):
    assert "0 results" in admin_client.get(LIST, {"q": word}).text


def test_tokens_cannot_be_edited(admin_client, account):
    admin_client.post(f"{LIST}{account.pk}/change/", {"access_token": "mine", "refresh_token": "mine"})
    assert SmartcarAccount.objects.get().access_token == "access-0"


def test_the_health_of_accounts_is_shown(admin_client, account):
    assert "good" in admin_client.get(LIST).text
    SmartcarAccount.objects.update(reconnect_required_at=timezone.now())
    assert "needs reconnecting" in admin_client.get(LIST).text


def test_undecryptable_tokens_are_shown_and_hide_no_other_account(
    admin_client, account, make_account, bert, lose_key
):
    lose_key()
    make_account(bert, "driver-b")
    page = admin_client.get(LIST).text
    assert healths(page) == ["tokens cannot be decrypted", "good"]
    page = act(admin_client, "refresh_tokens", account).text
    assert "(DecryptionError)" in page
    assert admin_client.get(f"{LIST}{account.pk}/change/").status_code == 200


def test_an_operator_refreshes_tokens(admin_client, account, mock_api):
    mock_api.tokens()
    page = act(admin_client, "refresh_tokens", account).text
    assert "Anna: tokens refreshed" in page
    assert SmartcarAccount.objects.get().access_token == "access-1"
    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.get_change_message()) == ("anna", "tokens refreshed")


def test_a_failing_account_does_not_stop_the_others(admin_client, account, make_account, anna, mock_api):
    dead = make_account(anna, refresh_token="")
    mock_api.tokens()
    page = act(admin_client, "refresh_tokens", dead, account).text
    assert "Anna: The connection to this car has ended." in page
    assert "Anna: tokens refreshed" in page


def test_an_operator_reloads_the_vehicles_of_an_account(admin_client, account, mock_api):
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")
    act(admin_client, "reload", account)
    assert [car.name for car in account.vehicles.all()] == ["2021 Chevrolet Bolt"]


@pytest.mark.parametrize("action", ["refresh_tokens", "reload"])
def test_an_operator_without_the_permission_has_no_such_action(staff, account, mock_api, action):
    client = staff("view_smartcaraccount", "change_smartcaraccount")
    assert f'<option value="{action}">' not in act(client, action, account).text
    assert not mock_api.mock.calls


USERS = "/admin/smartcar/smartcaruser/"


def erase(client, account, **form):
    form = {"action": "erase", "_selected_action": [account.smartcar_user_id], **form}
    return client.post(USERS, form, follow=True).text


def test_an_operator_erases_a_smartcar_user_after_confirmation(admin_client, account, vehicle, mock_api):
    mock_api.disconnects("car-1")
    page = erase(admin_client, account)
    assert "Erase these Smartcar users?" in page
    assert "<li>anna · driver-a</li>" in page
    assert not mock_api.mock.calls
    assert "erased" in erase(admin_client, account, confirmed="yes")
    assert mock_api.sent("DELETE", "/application")
    assert not SmartcarUser.objects.exists()
    assert not SmartcarAccount.objects.exists()
    assert LogEntry.objects.get().get_change_message() == "erased"


def test_a_smartcar_user_cannot_be_deleted_only_erased(admin_client, account):
    url = f"{USERS}{account.smartcar_user_id}/delete/"
    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    assert SmartcarUser.objects.exists()


def test_erasing_needs_a_permission(staff, account, vehicle, mock_api):
    client = staff("view_smartcaruser", "change_smartcaruser", "delete_smartcaruser")
    assert '<option value="erase">' not in erase(client, account, confirmed="yes")
    assert SmartcarUser.objects.exists()
    assert not mock_api.mock.calls


@pytest.mark.parametrize(("health", "shown"), [("good", "anna"), ("needs-reconnecting", "bert")])
def test_accounts_can_be_filtered_by_health(admin_client, account, make_account, bert, health, shown):
    make_account(bert, "driver-b", reconnect_required_at=timezone.now())
    page = admin_client.get(LIST, {"health": health}).text
    assert re.findall(r">(anna|bert)</a>", page) == [shown]


@pytest.mark.parametrize(
    "lookup",
    [
        "refresh_token__startswith=r",
        "access_token__regex=.",
        "token_version=0",
        "vehicles__vin__startswith=0",
    ],
)
def test_lookups_in_the_url_cannot_reveal_a_secret(admin_client, account, lookup):
    assert admin_client.get(f"{LIST}?{lookup}").status_code in (302, 400)
    assert ">anna</a>" not in admin_client.get(f"{LIST}?{lookup}").text


def test_an_account_without_vehicles_is_disconnected_not_lost(admin_client, account):
    SmartcarAccount.objects.update(refresh_token="")
    page = admin_client.get(LIST, {"health": "disconnected"}).text
    assert healths(page) == ["disconnected"]


def test_accounts_cannot_be_deleted(admin_client, account):
    assert admin_client.post(f"{LIST}{account.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_admin_log_keeps_no_erased_data(admin_client, account, vehicle, mock_api, anna):
    mock_api.disconnects("car-1")
    erase(admin_client, account, confirmed="yes")
    entry = LogEntry.objects.get()
    assert (entry.object_id, account.smartcar_user_id in entry.object_repr) == (str(anna.pk), False)


def test_errors_and_logs_name_the_account_by_its_number_not_the_driver(account, mock_api, caplog):
    """A username may be an e-mail address."""
    named = SmartcarAccount.objects.select_related("smartcar_user__user").get()
    assert str(named) == "anna"
    mock_api.tokens_fail(description="Invalid refresh_token: refresh-0.")
    with pytest.raises(ReconnectRequired, match=f"^Smartcar account {account.pk} ") as error:
        tokens.refresh(named)
    assert f"Smartcar account {account.pk}: the driver has to connect again" in caplog.text
    for text in (
        caplog.text,
        str(error.value),
        str(RefreshInProgress(named)),
        str(TransactionNotAllowed(named)),
    ):
        assert "anna" not in text
