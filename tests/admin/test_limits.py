"""No action has more rows than it may have, however the form was sent, and none passes its confirmation."""

import time

import pytest
from django.utils import timezone

from django_smartcar.admin import actions, paginator, search, webhooks
from django_smartcar.models import (
    ConnectedVehicle,
    SmartcarAccount,
    SmartcarUser,
    VehicleCommand,
    WebhookEvent,
)
from django_smartcar.services import tokens

pytestmark = pytest.mark.django_db

VEHICLES = "/admin/smartcar/connectedvehicle/"
ACCOUNTS = "/admin/smartcar/smartcaraccount/"
USERS = "/admin/smartcar/smartcaruser/"
EVENTS = "/admin/smartcar/webhookevent/"
TOO_MANY = "Please choose at most 3 at once."

#: The list and the name of each action that sends requests or shows positions.
ACTIONS = [
    *((VEHICLES, name) for name in ("lock", "unlock", "start_charge", "stop_charge", "disconnect")),
    *((VEHICLES, name) for name in ("locate", "reload")),
    *((ACCOUNTS, name) for name in ("refresh_tokens", "reload")),
    (USERS, "erase"),
]
CONFIRMED = [action for action in ACTIONS if action[1] not in ("locate", "reload", "refresh_tokens")]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let an action have three rows, and a list count five."""
    monkeypatch.setattr(actions.SmartcarModelAdmin, "max_action_rows", 3)
    monkeypatch.setattr(webhooks.WebhookEventAdmin, "max_action_rows", 3)
    monkeypatch.setattr(paginator, "MAX_COUNTED", 5)


@pytest.fixture
def make(anna, make_account, make_vehicle):
    """Create this many accounts, each with a vehicle."""

    def make(number):
        for position in range(number):
            make_vehicle(make_account(anna, f"driver-{position}"), f"car-{position}")

    return make


def act(client, url, action, **form):
    model = {VEHICLES: ConnectedVehicle, USERS: SmartcarUser, EVENTS: WebhookEvent}.get(url)
    first = model.objects.order_by("pk").first().pk if model else 1
    form = {"action": action, "_selected_action": [first], **form}
    return client.post(url, form, follow=True).text


@pytest.mark.parametrize("number", [4, 10])
@pytest.mark.parametrize(("url", "action"), ACTIONS)
@pytest.mark.parametrize("form", [{}, {"confirmed": "yes"}])
def test_select_all_does_not_pass_the_limit(admin_client, make, mock_api, number, url, action, form):
    """Also beyond the rows that the list counts: “Select all” selects them, too."""
    make(number)
    assert TOO_MANY in act(admin_client, url, action, select_across="1", **form)
    assert not mock_api.mock.calls
    assert not VehicleCommand.objects.exists()
    assert ConnectedVehicle.objects.connected().count() == number


@pytest.mark.parametrize(("url", "action"), CONFIRMED)
def test_select_all_does_not_pass_the_confirmation(admin_client, make, mock_api, url, action):
    make(3)
    page = act(admin_client, url, action, select_across="1", confirmed="yes")
    assert "Yes, do it" in page
    assert page.count('name="_selected_action"') == 3
    assert not mock_api.mock.calls


@pytest.mark.parametrize("form", [{}, {"confirmed": "yes"}])
def test_many_chosen_rows_do_not_pass_the_limit(admin_client, make, mock_api, form):
    make(4)
    chosen = [car.pk for car in ConnectedVehicle.objects.all()]
    assert TOO_MANY in act(admin_client, VEHICLES, "lock", _selected_action=chosen, **form)
    assert not mock_api.mock.calls


def test_as_many_rows_as_allowed_are_acted_on(admin_client, make, mock_api):
    make(3)
    chosen = [car.pk for car in ConnectedVehicle.objects.all()]
    for number in range(3):
        mock_api.commands(f"car-{number}")
    page = act(admin_client, VEHICLES, "lock", _selected_action=chosen, select_across="0", confirmed="yes")
    assert "3 commands are queued." in page
    assert VehicleCommand.objects.filter(status="succeeded").count() == 3


def test_an_action_stops_in_time_and_says_how_many_rows_are_left(admin_client, make, mock_api, monkeypatch):
    make(3)
    chosen = [account.pk for account in SmartcarAccount.objects.all()]
    refreshed = []

    def refresh(account):
        refreshed.append(account.pk)
        time.sleep(0.02)

    monkeypatch.setattr(tokens, "refresh", refresh)
    monkeypatch.setattr(actions, "MAX_ACTION_SECONDS", 0.01)
    page = act(admin_client, ACCOUNTS, "refresh_tokens", _selected_action=chosen)
    assert refreshed == chosen[:1]
    assert "2 are left: please choose them again." in page
    assert page.count("tokens refreshed</li>") == 1


@pytest.mark.parametrize(("number", "state"), [(3, "received"), (4, "dead")])
def test_events_that_are_queued_again_are_limited(admin_client, settings, number, state):
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            event_id=f"event-{position}",
            state="dead",
            payload="{}",
            size=2,
            key_position=1,
            received_at=timezone.now(),
        )
        for position in range(number)
    )
    page = act(admin_client, EVENTS, "requeue", select_across="1")
    assert (TOO_MANY in page) is (number > 3)
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {state}


def test_a_search_has_few_words(admin_client, vehicle, django_assert_max_num_queries):
    assert len(search.words("car " * 50)) == 10
    with django_assert_max_num_queries(100):
        assert admin_client.get(VEHICLES, {"q": "driver-a " * 500}).status_code == 200
