import html
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from django.views.debug import ExceptionReporter

from django_smartcar.models import ConnectAttempt, ConnectedVehicle, SmartcarAccount
from django_smartcar.services.connect import _ownership
from django_smartcar.views.connect_errors import ERROR_PAGES

pytestmark = pytest.mark.django_db

CONNECT = "/cars/connect/"
CALLBACK = "/cars/callback/"


@pytest.fixture
def annas(client, anna):
    """Log in as Anna; return her browser."""
    client.force_login(anna)
    return client


def start(client, **form):
    """Press the button; return the state that Connect would send back."""
    response = client.post(CONNECT, form)
    assert response.status_code == 302
    return parse_qs(urlsplit(response.url).query)["state"][0]


def connects(mock_api):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")


def test_a_user_who_returns_with_a_code_sees_the_vehicle(annas, mock_api):
    connects(mock_api)
    response = annas.get(CALLBACK, {"code": "a-code", "state": start(annas)}, follow=True)
    assert response.redirect_chain == [(reverse("smartcar:vehicles"), 302)]
    assert "Connected: 2021 Chevrolet Bolt." in response.text
    assert "<h2 id=" in response.text


def test_a_get_does_not_start_an_attempt(annas):
    assert annas.get(CONNECT).url == reverse("smartcar:vehicles")
    assert not ConnectAttempt.objects.exists()


def test_connecting_needs_a_csrf_token(anna):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    assert strict.post(CONNECT).status_code == 403
    assert not ConnectAttempt.objects.exists()


def test_the_redirect_uri_is_built_from_the_request(annas):
    response = annas.post(CONNECT, HTTP_HOST="cars.example", secure=True)
    assert parse_qs(urlsplit(response.url).query)["redirect_uri"] == ["https://cars.example/cars/callback/"]


def test_the_redirect_uri_of_the_settings_is_preferred(annas, settings):
    settings.SMARTCAR_REDIRECT_URI = "https://example.com/back/"
    assert parse_qs(urlsplit(annas.post(CONNECT).url).query)["redirect_uri"] == ["https://example.com/back/"]


@pytest.mark.parametrize("next_url", ["/garage/", "/garage/?page=2#top"])
def test_next_redirects_within_the_site(annas, mock_api, next_url):
    connects(mock_api)
    response = annas.get(CALLBACK, {"code": "a-code", "state": start(annas, next=next_url)})
    assert response.url == next_url


@pytest.mark.parametrize(
    "next_url",
    ["garage/",
        "?page=2",
        "#top",
        "/garage/\x00",
        "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:///evil.example",
     "\x00/", "/" + "a" * 3000],
)  # fmt: skip
def test_next_cannot_leave_the_site(annas, mock_api, next_url):
    connects(mock_api)
    response = annas.get(CALLBACK, {"code": "a-code", "state": start(annas, next=next_url)})
    assert response.url == reverse("smartcar:vehicles")


def test_next_in_the_callback_url_is_ignored(annas, mock_api):
    connects(mock_api)
    query = {"code": "a-code", "state": start(annas), "next": "https://evil.example/"}
    assert annas.get(CALLBACK, query).url == reverse("smartcar:vehicles")


def test_a_callback_with_an_unknown_state_is_rejected(annas, mock_api):
    response = annas.get(CALLBACK, {"code": "a-code", "state": "made-up"})
    assert response.status_code == 400
    assert "Please start again" in response.text
    assert not mock_api.mock.calls


def test_a_callback_without_a_state_is_rejected(annas, mock_api):
    start(annas)
    assert annas.get(CALLBACK, {"code": "a-code"}).status_code == 400
    assert not mock_api.mock.calls


def test_a_callback_of_another_user_is_rejected(annas, anna, bert, mock_api):
    state = start(annas)
    berts = Client()
    berts.force_login(bert)
    assert berts.get(CALLBACK, {"code": "a-code", "state": state}).status_code == 400
    assert not mock_api.mock.calls
    assert not SmartcarAccount.objects.exists()


def test_a_callback_in_another_session_is_rejected(annas, anna, mock_api):
    state = start(annas)
    other = Client()
    other.force_login(anna)
    assert other.get(CALLBACK, {"code": "a-code", "state": state}).status_code == 400
    assert not mock_api.mock.calls


def test_a_replayed_callback_is_rejected(annas, mock_api):
    connects(mock_api)
    query = {"code": "a-code", "state": start(annas)}
    annas.get(CALLBACK, query)
    assert annas.get(CALLBACK, query).status_code == 400
    assert len(mock_api.exchanges) == 1


def test_two_tabs_can_both_connect(annas, mock_api):
    connects(mock_api)
    states = [start(annas, next="/one/"), start(annas, next="/two/")]
    pages = [annas.get(CALLBACK, {"code": "a-code", "state": state}).url for state in states]
    assert pages == ["/one/", "/two/"]


@pytest.mark.parametrize(
    "error",
    ["access_denied", "vehicle_incompatible", "invalid_subscription", "no_vehicles", "configuration_error",
     "server_error", "user_manually_returned_to_application"],
)  # fmt: skip
def test_each_error_of_connect_has_its_own_page_with_a_retry_button(annas, mock_api, error):
    query = {"error": error, "error_description": "<b>raw words</b>", "state": start(annas, next="/garage/")}
    response = annas.get(CALLBACK, query)
    problem = ERROR_PAGES[error]
    assert response.status_code == problem.status
    assert str(escape(problem.title)) in response.text
    assert str(escape(problem.text)) in response.text
    assert f'action="{CONNECT}"' in response.text
    assert 'name="next" value="/garage/"' in response.text
    assert "raw words" not in response.text
    assert not mock_api.mock.calls


@pytest.mark.parametrize("query", [{"error": "access_denied"}, {"code": "access_denied"}])
def test_a_denial_is_not_logged_as_an_error(annas, mock_api, caplog, query):
    response = annas.get(CALLBACK, {**query, "state": start(annas)})
    assert response.status_code == 200
    assert "You did not connect a car" in response.text
    assert not mock_api.mock.calls
    assert "WARNING" not in caplog.text


def test_the_state_of_an_error_callback_is_checked(annas):
    assert annas.get(CALLBACK, {"error": "access_denied", "state": "made-up"}).status_code == 400
    state = start(annas)
    assert annas.get(CALLBACK, {"error": "access_denied", "state": state}).status_code == 200
    assert annas.get(CALLBACK, {"error": "access_denied", "state": state}).status_code == 400


def test_an_unauthorized_client_is_logged_with_its_reason(annas, caplog):
    reason = "Application not authorized to requested make(s): SEAT"
    query = {"error": "unauthorized_client", "error_description": reason, "state": start(annas)}
    assert annas.get(CALLBACK, query).status_code == 502
    (record,) = [one for one in caplog.records if one.name == "django_smartcar.views.connect"]
    assert record.levelname == "ERROR"
    assert record.getMessage() == f"Connect returned the error 'unauthorized_client': {reason!r}"


def test_the_description_of_another_error_is_not_logged(annas, caplog):
    query = {"error": "server_error", "error_description": "0SCAUDI012FE3B132", "state": start(annas)}
    annas.get(CALLBACK, query)
    assert "server_error" in caplog.text
    assert "0SCAUDI012FE3B132" not in caplog.text


def test_an_unknown_error_is_shown_as_a_server_error(annas):
    response = annas.get(CALLBACK, {"error": "brand_new\n<script>", "state": start(annas)})
    assert response.status_code == 502
    assert "<script>" not in response.text


def test_the_page_of_an_incompatible_car_names_it(annas):
    query = {
        "error": "vehicle_incompatible",
        "make": "AUDI",
        "model": "<b>",
        "year": "1999",
        "vin": "0SCAUDI012FE3B132",
    }
    response = annas.get(CALLBACK, {**query, "state": start(annas)})
    assert "1999 Audi &lt;b&gt;" in response.text
    assert "0SCAUDI012FE3B132" not in response.text


def test_a_callback_without_code_and_error_is_a_server_error(annas):
    assert annas.get(CALLBACK, {"state": start(annas)}).status_code == 502


def test_a_failed_code_exchange_shows_a_page_and_stores_nothing(annas, mock_api, caplog):
    mock_api.tokens_fail(description="Invalid code: a-code.")
    response = annas.get(CALLBACK, {"code": "a-code", "state": start(annas)})
    assert response.status_code == 502
    assert "Nothing is stored" in response.text
    assert not SmartcarAccount.objects.exists()
    assert "a-code" not in caplog.text


def test_an_account_of_another_user_is_rejected_with_a_page(account, vehicle, bert, client, mock_api):
    client.force_login(bert)
    connects(mock_api)
    response = client.get(CALLBACK, {"code": "a-code", "state": start(client)})
    assert response.status_code == 409
    assert "belongs to another user" in response.text
    assert "anna" not in response.text
    assert ConnectedVehicle.objects.get().user == account.user
    assert SmartcarAccount.objects.get().access_token == "access-0"


def test_a_consent_without_a_vehicle_shows_a_page(annas, mock_api):
    mock_api.tokens()
    mock_api.driver("driver-a", [])
    response = annas.get(CALLBACK, {"code": "a-code", "state": start(annas)})
    assert "There is no car in that account" in response.text


def test_a_callback_without_the_strict_session_cookie_is_repeated(annas, client, mock_api):
    """Browsers send a SameSite=Strict session cookie only with requests from this site."""
    connects(mock_api)
    state = start(annas)
    cookies, annas.cookies = annas.cookies, type(annas.cookies)()
    page = annas.get(CALLBACK, {"code": "a-code", "state": state})
    assert page.status_code == 200
    url = f"{CALLBACK}?code=a-code&amp;state={state}&amp;again=1"
    assert f'<meta http-equiv="refresh" content="0; url={url}">' in page.text
    annas.cookies = cookies
    assert annas.get(url.replace("&amp;", "&")).status_code == 302


def test_a_user_who_was_logged_out_meanwhile_is_asked_to_log_in(annas, mock_api):
    state = start(annas)
    annas.logout()
    response = annas.get(CALLBACK, {"code": "a-code", "state": state, "again": "1"})
    assert response.status_code == 400
    assert "Log in to this site first" in response.text
    assert not mock_api.mock.calls


def test_the_callback_is_not_cached_and_does_not_leak_its_url(annas):
    response = annas.get(CALLBACK, {"error": "access_denied", "state": start(annas)})
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "same-origin"


class TestApiV3:
    @pytest.fixture(autouse=True)
    def api_v3(self, smartcar, monkeypatch):
        monkeypatch.setattr(_ownership, "POLL_TIMEOUT", 0.1)

    def visit(self, client, smartcar, **options):
        return smartcar.visit(client.post(CONNECT).url, **options)

    @pytest.mark.parametrize("codes", [True, False])
    def test_a_user_who_returns_sees_the_vehicle(self, annas, smartcar, settings, codes):
        settings.SMARTCAR_SIMULATOR_CODES = codes
        page = annas.get(CALLBACK, self.visit(annas, smartcar), follow=True)
        assert page.redirect_chain == [(reverse("smartcar:vehicles"), 302)]
        assert "Connected: 20" in page.text

    def test_unverified_ownership_shows_a_page_and_stores_nothing(self, annas, smartcar, settings, caplog):
        settings.SMARTCAR_SIMULATOR_CODES = False
        parameters = self.visit(annas, smartcar) | {"user_id": "725146a3-69f4-46c8-965d-54b3b6f81eb7"}
        page = annas.get(CALLBACK, parameters)
        assert page.status_code == 409
        assert "We could not confirm whose car this is" in page.text
        assert f'action="{CONNECT}"' in page.text
        assert "725146a3" not in page.text
        assert not SmartcarAccount.objects.exists()
        assert "no proof of ownership" in caplog.text

    def test_a_changed_api_version_between_button_and_callback_stores_nothing(
        self, annas, smartcar, settings
    ):
        parameters = self.visit(annas, smartcar)
        settings.SMARTCAR_API_VERSION = "2.0"  # changed between the button and the callback
        page = annas.get(CALLBACK, parameters)
        assert page.status_code == 409
        assert not SmartcarAccount.objects.exists()


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
class TestNewLogin:
    """The brand requires a new login: the vehicle's card has a button that leads there and back."""

    @pytest.fixture
    def vehicle(self, smartcar, connect_driver, annas):
        vehicle = connect_driver().vehicles[0]
        smartcar.car().fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
        annas.post(f"/cars/{vehicle.pk}/refresh/")
        return vehicle

    def url(self, vehicle):
        return f"/cars/{vehicle.pk}/reauthenticate/"

    def test_the_button_leads_through_the_login_to_a_working_vehicle(self, annas, smartcar, vehicle):
        page = annas.get("/cars/").text
        assert "The car's brand asks for a new login there." in html.unescape(page)
        assert f'action="{self.url(vehicle)}"' in page
        parameters = smartcar.visit(annas.post(self.url(vehicle)).url)
        page = annas.get(CALLBACK, parameters, follow=True).text
        assert f"{vehicle.name} can be reached again." in page
        assert self.url(vehicle) not in page

    def test_a_callback_for_another_vehicle_is_rejected(self, annas, smartcar, vehicle, connect_driver):
        parameters = smartcar.visit(annas.post(self.url(vehicle)).url)
        page = annas.get(CALLBACK, parameters | {"vehicle_id": "another"})
        assert page.status_code == 400
        assert ConnectedVehicle.objects.get().needs_reauthentication

    def test_a_login_that_does_not_help_shows_the_error(self, annas, smartcar, vehicle):
        parameters = smartcar.visit(annas.post(self.url(vehicle)).url)
        smartcar.car().fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
        page = annas.get(CALLBACK, parameters, follow=True).text
        assert "can be reached again" not in page
        assert ConnectedVehicle.objects.get().needs_reauthentication

    def test_a_cancelled_login_shows_that_nothing_changed(self, annas, smartcar, vehicle):
        state = parse_qs(urlsplit(annas.post(self.url(vehicle)).url).query)["state"][0]
        page = annas.get(CALLBACK, {"error": "access_denied", "state": state}, follow=True).text
        assert f"{vehicle.name}: Nothing has changed." in page
        assert self.url(vehicle) in page

    def test_a_login_attempt_connects_no_vehicle(self, annas, smartcar, vehicle, bert):
        state = parse_qs(urlsplit(annas.post(self.url(vehicle)).url).query)["state"][0]
        annas.get(CALLBACK, {"code": "a-code", "user_id": "x", "state": state})
        assert SmartcarAccount.objects.count() == 1

    def test_a_vehicle_of_another_user_is_a_404(self, smartcar, vehicle, bert):
        berts = Client()
        berts.force_login(bert)
        assert berts.post(self.url(vehicle)).status_code == 404

    def test_a_get_does_not_start_a_login(self, annas, smartcar, vehicle):
        before = ConnectAttempt.objects.count()
        assert annas.get(self.url(vehicle)).url == reverse("smartcar:vehicles")
        assert ConnectAttempt.objects.count() == before

    def test_a_login_url_of_another_site_is_not_used(self, annas, smartcar, vehicle):
        ConnectedVehicle.objects.update(reauthentication_url="https://evil.example/oauth/reauthenticate?a=1")
        assert annas.post(self.url(vehicle)).url.startswith(f"{smartcar.url}/connect/oauth/reauthenticate?")

    def test_smartcars_login_url_is_used(self, annas, smartcar, vehicle):
        annas.post(f"/cars/{vehicle.pk}/lock/")
        annas.post(f"/cars/{vehicle.pk}/refresh/")
        given = ConnectedVehicle.objects.get().reauthentication_url
        assert given.startswith(f"{smartcar.url}/connect/oauth/reauthenticate?response_type=vehicle_id&")
        url = annas.post(self.url(vehicle)).url
        assert url.startswith(f"{given}&redirect_uri=")

    def test_a_login_counts_even_if_api_v3_has_no_signals_yet(self, annas, smartcar, vehicle, settings):
        settings.SMARTCAR_SIMULATOR_SIGNALS = False
        annas.get(CALLBACK, smartcar.visit(annas.post(self.url(vehicle)).url))
        assert not ConnectedVehicle.objects.get().needs_reauthentication


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_the_error_report_of_a_failed_connection_contains_no_code(annas, smartcar, settings, caplog):
    """Django mails the URL and the data of a request that ends with a 5xx to the admins."""
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 60
    parameters = smartcar.visit(annas.post(CONNECT).url)
    settings.SMARTCAR_AUTH_URL = settings.SMARTCAR_VEHICLE_API_URL = "http://127.0.0.1:9"
    annas.get(CALLBACK, parameters)
    annas.get(CALLBACK, {"error": "server_error", "code": parameters["code"], "state": start(annas)})
    failed = [record for record in caplog.records if getattr(record, "status_code", 0) >= 500]
    assert failed
    for record in failed:
        report = ExceptionReporter(record.request, None, None, None).get_traceback_text()
        assert "callback/" in report
        for secret in (parameters["code"], parameters["state"], parameters["external_id"]):
            assert secret not in report + record.getMessage()


def test_the_password_may_be_changed_while_the_driver_is_at_smartcar(annas, anna, mock_api):
    connects(mock_api)
    state = start(annas)
    session = annas.session
    session.cycle_key()
    annas.cookies["sessionid"] = session.session_key
    annas.get(CALLBACK, {"code": "a-code", "state": state})
    assert ConnectedVehicle.objects.count() == 1


@pytest.mark.parametrize("has_begun", [True, False])
def test_another_session_of_the_same_user_is_refused(annas, anna, has_begun):
    state = start(annas)
    other = Client()
    other.force_login(anna)
    if has_begun:
        start(other)
    response = other.get(CALLBACK, {"code": "a-code", "state": state})
    assert response.status_code == 400
    assert ConnectAttempt.objects.filter(consumed_at=None).count() == 1 + has_begun
