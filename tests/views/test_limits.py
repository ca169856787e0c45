"""A user who asks too often is refused; everyone else is served, and so is a user who is merely busy."""

import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone

from django_smartcar.models import ConnectAttempt, ConnectedVehicle, SmartcarUser, Throttle
from django_smartcar.services import commands
from django_smartcar.services.connect import _ownership, _state
from django_smartcar.simulator import store
from django_smartcar.simulator.faults import rate_limits

pytestmark = pytest.mark.django_db

CONNECT, CALLBACK = "/cars/connect/", "/cars/callback/"

#: Has the form of an id or a code of Smartcar.
ANY_ID = str(uuid.uuid4())


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Send as many requests as usual while waiting for a connection, in less time."""
    monkeypatch.setattr(_ownership, "POLL_TIMEOUT", _ownership.POLL_TIMEOUT / 100)
    monkeypatch.setattr(_ownership, "_FIRST_PAUSE", _ownership._FIRST_PAUSE / 100)


@pytest.fixture
def bucket(smartcar):
    """Give the application the bucket that Smartcar documents."""
    with store.changes():
        store.state().limits.bucket_size = 120
    rate_limits.reset()


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def start(client):
    response = client.post(CONNECT)
    return parse_qs(urlsplit(response.url).query)["state"][0] if response.status_code == 302 else None


def close(response):
    """Close a response as servers do when the client has gone, but not the test's database connection."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def connect(client, smartcar, email, make="CHEVROLET"):
    response = client.post(CONNECT)
    assert response.status_code == 302
    return client.get(CALLBACK, smartcar.visit(response.url, email, make))


class TestAttacker:
    """Bert has no car. He has a login, and edits the callback's URL."""

    @pytest.fixture(params=[True, False], ids=["codes", "no codes"])
    def codes(self, settings, request):
        settings.SMARTCAR_SIMULATOR_CODES = request.param

    def test_invented_ids_do_not_empty_the_applications_bucket(
        self, smartcar, bucket, connect_driver, bert, codes
    ):
        (vehicle,) = connect_driver().vehicles
        rate_limits.reset()
        with time_machine.travel(timezone.now(), tick=False) as clock:
            berts, statuses = browser(bert), []
            for _ in range(150):  # in five minutes
                state = start(berts)
                query = {"state": state, "user_id": str(uuid.uuid4()), "code": str(uuid.uuid4())}
                statuses.append(berts.get(CALLBACK, query).status_code if state else 429)
                clock.shift(2)
            assert statuses.count(409) <= 5
            assert statuses.count(429) == 150 - statuses.count(409)
            assert rate_limits.bucket_level() > 90
            assert commands.send(vehicle, "lock").status == "succeeded"
            assert connect(browser(vehicle.user), smartcar, "anna.2@example.com").status_code == 302

    def test_an_invented_callback_sends_few_requests(self, smartcar, bert):
        berts = browser(bert)
        query = {"state": start(berts), "user_id": str(uuid.uuid4()), "code": str(uuid.uuid4())}
        before = len(smartcar.requests)
        assert berts.get(CALLBACK, query).status_code == 409
        assert len(smartcar.requests) - before <= 7

    @pytest.mark.parametrize(
        ("smartcar", "query"),
        [
            ("3", {"state": "made-up", "user_id": ANY_ID}),
            ("3", {"external_id": ANY_ID, "user_id": ANY_ID}),
            ("3", {"external_id": ANY_ID, "user_id": ANY_ID, "code": ANY_ID}),
            ("3", {"code": "x" * 1000}),
            ("3", {"code": "two words", "user_id": "x" * 65}),
            ("3", {"user_id": "a\nb"}),
            ("3", {"error": "server_error", "user_id": ANY_ID, "code": ANY_ID}),
            ("3", {}),
            ("2.0", {"code": "x" * 1000}),
            ("2.0", {"code": "two words"}),
            ("2.0", {"user_id": ANY_ID}),
        ],
        indirect=["smartcar"],
    )
    def test_what_cannot_be_ours_is_refused_without_a_request(self, smartcar, bert, query):
        berts = browser(bert)
        query = {"state": start(berts)} | query
        before = len(smartcar.requests)
        assert berts.get(CALLBACK, query).status_code >= 400
        assert len(smartcar.requests) == before

    def test_a_consumed_attempt_costs_no_request(self, smartcar, bert):
        berts = browser(bert)
        query = {"state": start(berts), "user_id": ANY_ID}
        berts.get(CALLBACK, query)
        before = len(smartcar.requests)
        assert berts.get(CALLBACK, query).status_code == 400
        assert len(smartcar.requests) == before

    def test_attempts_are_limited_and_their_rows_are_few(self, smartcar, bert):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            berts = browser(bert)
            assert [bool(start(berts)) for _ in range(15)] == [True] * 10 + [False] * 5
            for _ in range(40):
                clock.shift(6)
                assert start(berts)
        assert ConnectAttempt.objects.count() == _state.MAX_ATTEMPTS
        assert Throttle.objects.count() == 1

    def test_a_page_says_when_to_return(self, smartcar, bert, settings):
        settings.SMARTCAR_USER_LIMITS = {"connect": "1/h"}
        berts = browser(bert)
        start(berts)
        page = berts.post(CONNECT, headers={"accept-language": "en"})
        assert (page.status_code, page["Retry-After"]) == (429, "3600")
        assert "Please try again in 60 minutes." in page.text

    def test_logins_at_the_brand_are_limited_too(self, smartcar, connect_driver, settings):
        settings.SMARTCAR_USER_LIMITS = {"connect": "1/h"}
        (vehicle,) = connect_driver().vehicles
        annas = browser(vehicle.user)
        urls = [f"/cars/{vehicle.pk}/reauthenticate/"] * 2
        assert [annas.post(url).status_code for url in urls] == [302, 429]

    def test_returns_from_a_login_at_the_brand_are_limited_too(self, smartcar, connect_driver, settings):
        settings.SMARTCAR_USER_LIMITS = {"callback": "1/h"}
        (vehicle,) = connect_driver().vehicles
        annas = browser(vehicle.user)

        def go_back():
            url = annas.post(f"/cars/{vehicle.pk}/reauthenticate/").url
            query = {
                "state": parse_qs(urlsplit(url).query)["state"][0],
                "vehicle_id": vehicle.smartcar_vehicle_id,
            }
            return annas.get(CALLBACK, query).status_code

        assert go_back() == 302
        before = len(smartcar.requests)
        assert go_back() == 429
        assert len(smartcar.requests) == before

    def test_a_driver_who_connects_again_and_again_is_limited(self, smartcar, anna, settings):
        """With a car, no visit to Connect is needed for a callback that succeeds."""
        settings.SMARTCAR_SIMULATOR_CODES = False
        annas = browser(anna)
        assert connect(annas, smartcar, "anna@example.com").status_code == 302
        user_id = SmartcarUser.objects.get().pk
        with time_machine.travel(timezone.now(), tick=False) as clock:
            statuses = []
            for _ in range(30):
                clock.shift(6)
                statuses.append(annas.get(CALLBACK, {"state": start(annas), "user_id": user_id}).status_code)
        assert statuses == [302] * statuses.count(302) + [429] * statuses.count(429)
        assert 8 <= statuses.count(302) <= 12


class TestHonestDriver:
    """The twins: what people do, even in a hurry, is not refused."""

    @pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
    def test_three_cars_two_cancels_and_two_tabs(self, smartcar, bucket, anna):
        annas = browser(anna)
        for number in range(3):
            assert connect(annas, smartcar, f"anna.{number}@example.com").status_code == 302
        for _ in range(2):
            query = {"state": start(annas), "error": "access_denied"}
            assert "You did not connect a car" in annas.get(CALLBACK, query).text
        urls = [annas.post(CONNECT).url for _ in range(2)]
        for number, url in enumerate(urls):
            query = smartcar.visit(url, f"anna.tab.{number}@example.com")
            assert annas.get(CALLBACK, query).status_code == 302
        assert ConnectedVehicle.objects.for_user(anna).count() == 5

    def test_ten_cars_in_a_row(self, smartcar, bucket, anna):
        annas = browser(anna)
        for number in range(10):
            assert connect(annas, smartcar, f"anna.{number}@example.com").status_code == 302

    def test_somebody_else_is_not_limited(self, smartcar, anna, bert, settings):
        settings.SMARTCAR_USER_LIMITS = {"connect": "1/d", "callback": "1/d"}
        berts = browser(bert)
        berts.get(CALLBACK, {"state": start(berts), "user_id": ANY_ID})
        assert start(berts) is None
        assert connect(browser(anna), smartcar, "anna@example.com").status_code == 302


class TestDownloads:
    """Each that is not finished holds a thread of the site, for as long as its reader likes."""

    URL = "/cars/readings.csv"

    def test_a_user_has_few_unfinished_downloads(self, anna, bert):
        annas = browser(anna)
        unfinished = [annas.get(self.URL) for _ in range(3)]
        page = annas.get(self.URL)
        assert (page.status_code, page["Retry-After"]) == (429, "1200")
        assert browser(bert).get(self.URL).status_code == 200
        b"".join(unfinished[0].streaming_content)
        assert annas.get(self.URL).status_code == 200

    def test_any_number_one_after_the_other(self, anna, vehicle):
        annas = browser(anna)
        for _ in range(20):
            for url in (self.URL, "/cars/readings.json", f"/cars/{vehicle.pk}/readings.csv"):
                assert b"".join(annas.get(url).streaming_content)

    def test_a_reader_who_goes_away_holds_nothing(self, anna):
        annas = browser(anna)
        for _ in range(10):
            response = annas.get(self.URL)
            assert response.status_code == 200
            close(response)

    def test_closing_twice_gives_back_once(self, anna, settings):
        settings.SMARTCAR_USER_LIMITS = {"download": "2/d"}
        annas = browser(anna)
        first, _ = annas.get(self.URL), annas.get(self.URL)
        close(first)
        close(first)
        assert [annas.get(self.URL).status_code for _ in range(2)] == [200, 429]

    def test_a_head_request_and_another_users_car_count_for_nothing(self, anna, bert, vehicle):
        berts = browser(bert)
        for _ in range(5):
            response = berts.head(self.URL)
            assert response.status_code == 200
            close(response)
            assert berts.get(f"/cars/{vehicle.pk}/readings.csv").status_code == 404
        assert berts.get(self.URL).status_code == 200


def test_messages_do_not_fill_a_session(client, anna):
    """Each would be written with all others, in a session of its own for every anonymous visitor."""
    for _ in range(50):
        assert client.get(CONNECT).status_code == 302
    assert not client.cookies
    annas = browser(anna)
    for _ in range(50):
        annas.get(CONNECT)
    assert annas.get("/cars/").text.count("Please press the button again.") == 10
