"""Whatever fails, no local variable of a traceback, exception, request, log or repr shows a secret."""

import copy
import json
import logging
import pickle
import socket
import threading
from urllib.parse import quote_plus, unquote_plus

import pytest
import requests
import urllib3
from django.utils.functional import lazystr

from django_smartcar import sdk
from django_smartcar.secret_types import Coordinate, Secret, SecretBytes, Vin, load_json

from .conftest import SILENCE, Response

# Made of parts: a traceback quotes the source code.
TOKEN, REFRESH, CODE = "aCCe" * 6, "rEFr" * 6, "cODe" * 6
CLIENT_SECRET, MANAGEMENT, WEBHOOK = "cLSe" * 6, "mANa" * 6, "wEBh" * 6
STATE, EXTERNAL, VIN = "sTAt" * 6, "eXTe" * 6, "5YJS" * 4 + "1"
LATITUDE, LONGITUDE = 52.0 + 0.51234, 13.0 + 0.38765
SECRETS = [TOKEN, REFRESH, CODE, CLIENT_SECRET, MANAGEMENT, WEBHOOK, STATE, EXTERNAL, VIN]
SECRETS += [str(LATITUDE), str(LONGITUDE)]

WINDOW = {"start": "22:00", "stop": "06:00"}
PLACE = {"latitude": LATITUDE, "longitude": LONGITUDE}


class Site:
    """The objects of the SDK at one server, made by the hosts and the requester that they share."""

    def __init__(self, url, requester):
        self.at = {"requester": requester, "api_url": url}
        self.client = sdk.AuthClient(
            "id", CLIENT_SECRET, "https://site.example/cb", auth_url=url, requester=requester, api_url=url
        )
        self.application = sdk.ApplicationAuth("id", CLIENT_SECRET, token_url=url, requester=requester)
        self.v2 = sdk.Vehicle("car-1", TOKEN, **self.at)
        self.v3 = sdk.v3.Vehicle("car-1", TOKEN, "user-1", management_url=url, **self.at)
        self.credentials = {"client_id": "id", "client_secret": CLIENT_SECRET, **self.at}


CALLS = {
    "exchange_code": lambda site: site.client.exchange_code(CODE),
    "exchange_refresh_token": lambda site: site.client.exchange_refresh_token(REFRESH),
    "is_compatible": lambda site: site.client.is_compatible(VIN, ["read_vin"]),
    "request_token": lambda site: site.application.request_token(),
    "get_vehicle_ids": lambda site: sdk.get_vehicle_ids(TOKEN, **site.at),
    "iter_vehicle_ids": lambda site: list(sdk.iter_vehicle_ids(TOKEN, **site.at)),
    "get_user_id": lambda site: sdk.get_user_id(TOKEN, **site.at),
    "get_compatibility": lambda site: sdk.get_compatibility(VIN, ["read_vin"], **site.credentials),
    "get_compatibility_matrix": lambda site: sdk.get_compatibility_matrix("US", **site.credentials),
    "get_connections": lambda site: sdk.get_connections(MANAGEMENT, **site.at),
    "iter_connections": lambda site: list(sdk.iter_connections(MANAGEMENT, **site.at)),
    "delete_connections": lambda site: sdk.delete_connections(MANAGEMENT, user_id="u", **site.at),
    "v2 odometer": lambda site: site.v2.odometer(),
    "v2 location": lambda site: site.v2.location(),
    "v2 vin": lambda site: site.v2.vin(),
    "v2 batch": lambda site: site.v2.batch(["location", "vin"]),
    "v2 iter_permissions": lambda site: list(site.v2.iter_permissions()),
    "v2 lock": lambda site: site.v2.lock(),
    "v2 send_destination": lambda site: site.v2.send_destination(LATITUDE, LONGITUDE),
    "v2 subscribe": lambda site: site.v2.subscribe("hook"),
    "v2 unsubscribe": lambda site: site.v2.unsubscribe(MANAGEMENT, "hook"),
    "v2 request": lambda site: site.v2.request("POST", "x", [PLACE], {"Authorization": "Bearer " + TOKEN}),
    "v3 location": lambda site: site.v3.location(),
    "v3 vin": lambda site: site.v3.vin(),
    "v3 signals": lambda site: site.v3.signals(),
    "v3 batch": lambda site: [raise_first(site.v3.batch(["location", "vin", "attributes"]))],
    "v3 permissions": lambda site: site.v3.permissions(),
    "v3 lock": lambda site: site.v3.lock(),
    "v3 send_destination": lambda site: site.v3.send_destination(LATITUDE, LONGITUDE),
    "v3 daily": lambda site: site.v3.set_daily_charge_schedule(LATITUDE, LONGITUDE, WINDOW),
    "v3 weekly": lambda site: site.v3.set_weekly_charge_schedule(LATITUDE, LONGITUDE, {"monday": WINDOW}),
    "v3 workweek": lambda site: site.v3.set_workweek_charge_schedule(LATITUDE, LONGITUDE, WINDOW, WINDOW),
    "v3 subscribe": lambda site: site.v3.subscribe("hook"),
    "v3 unsubscribe": lambda site: site.v3.unsubscribe(MANAGEMENT, "hook"),
    "v3 request": lambda site: site.v3.request("POST", "x", PLACE, {"authorization": "Bearer " + TOKEN}),
    "v3 iter_connections": lambda site: list(sdk.v3.iter_connections(TOKEN, external_id=EXTERNAL, **site.at)),
    "v3 get_vehicle": lambda site: sdk.v3.get_vehicle(TOKEN, "car-1", **site.at),
    "v3 delete_user": lambda site: sdk.v3.delete_user(TOKEN, "user-1", **site.at),
    "v3 delete_connection": lambda site: sdk.v3.delete_connection(TOKEN, "c", **site.at),
    "v3 iter_webhooks": lambda site: list(sdk.v3.iter_webhooks(TOKEN, **site.at)),
    "v3 iter_subscriptions": lambda site: list(sdk.v3.iter_subscriptions(TOKEN, **site.at)),
    "call": lambda site: site.at["requester"].call(
        "POST", site.at["api_url"], params={"vin": VIN}, data={"code": CODE}, auth=("id", CLIENT_SECRET)
    ),
}


def raise_first(batch):
    for result in batch.values():
        if isinstance(result, Exception):
            raise result


def refuse(status):
    def respond(request):
        # Errors of Smartcar repeat the request.
        sent = f"{(request.header('Authorization') or '')} {unquote_plus(request.body.decode())}"
        repeated = " ".join(secret for secret in SECRETS[:6] if secret in sent)
        return Response(status, {"errors": [{"status": str(status), "detail": f"Not {repeated}."}]})

    return respond


FAILURES = {
    "500": refuse(500),
    "429": refuse(429),
    "timeout": lambda request: SILENCE,
    "not JSON": lambda request: Response(200, b'{"access_token": "' + TOKEN.encode()),
    "another shape": lambda request: Response(200, {"access_token": TOKEN, **PLACE, "vin": [VIN]}),
    "no response": None,
    "bug in a hook": None,
}


class Bug(Exception):
    pass


@pytest.fixture
def site(server):
    requester = sdk.Requester(timeout=0.05, command_timeout=0.05, retries=0)
    return Site(server.url, requester)


def shown_by(error):
    """Return what a reporter prints of an error: texts, and the variables of frames outside the tests."""
    shown, errors = [], [error]
    while errors:
        each = errors.pop()
        shown += [repr(each), str(each), *map(repr, getattr(each, "__notes__", ()))]
        for attribute in vars(each).values():
            shown += [repr(attribute), str(attribute)]
        errors += [other for other in (each.__cause__, each.__context__) if other is not None]
        part = each.__traceback__
        while part is not None:
            if part.tb_frame.f_code.co_filename != __file__:
                for value in part.tb_frame.f_locals.values():
                    shown += [repr(value), str(value)]
            part = part.tb_next
    return "\n".join(shown)


def pickled(value, protocol=None):
    return pickle.loads(pickle.dumps(value, protocol))  # noqa: S301 - our own


def assert_hidden(text, *but):
    for secret in SECRETS:
        if secret not in but:
            assert secret not in text
            assert quote_plus(secret) not in text


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_frame_of_a_failed_call_shows_a_secret(server, site, failure, call):
    def fail(response, **kwargs):
        raise Bug

    if FAILURES[failure]:
        server.respond = FAILURES[failure]
    elif failure == "no response":
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            site = Site(f"http://127.0.0.1:{closed.getsockname()[1]}", sdk.Requester(retries=0))
    else:
        with requests.Session() as session:
            session.hooks["response"] = fail
            site = Site(server.url, sdk.Requester(session=session))
    try:
        CALLS[call](site)
    except (sdk.SmartcarException, Bug) as error:
        caught = error
    else:
        # These need no body at all.
        assert failure in ("another shape", "not JSON")
        return
    assert_hidden(shown_by(caught))
    assert caught.__cause__ is None
    if failure in ("bug in a hook", "no response", "timeout"):
        assert caught.__context__ is None
    if isinstance(caught, Bug):
        assert f"{__file__}:" in caught.__notes__[0]
    else:
        assert_hidden(shown_by(pickled(caught)))


def test_an_interrupt_shows_no_secret(server):
    def interrupt(response, **kwargs):
        raise KeyboardInterrupt from ValueError(TOKEN)

    with requests.Session() as session:
        session.hooks["response"] = interrupt
        with pytest.raises(KeyboardInterrupt) as caught:
            sdk.v3.Vehicle(
                "car-1", TOKEN, "user-1", requester=sdk.Requester(session=session), api_url=server.url
            ).send_destination(LATITUDE, LONGITUDE)
    assert_hidden(shown_by(caught.value))


def test_a_call_in_a_thread_shows_no_secret(server, site, monkeypatch):
    server.respond = FAILURES["500"]
    caught = []
    monkeypatch.setattr(threading, "excepthook", lambda args: caught.append(shown_by(args.exc_value)))
    thread = threading.Thread(target=CALLS["v3 location"], args=[site])
    thread.start()
    thread.join()
    assert_hidden(*caught)


@pytest.mark.parametrize("wrong", [(91.0 + 0.51234, LONGITUDE), (str(LATITUDE), LONGITUDE), (LATITUDE, None)])
def test_a_refused_place_is_not_shown(site, wrong):
    for car in (site.v2, site.v3):
        with pytest.raises(ValueError, match="latitude") as caught:
            car.send_destination(*wrong)
        assert_hidden(shown_by(caught.value))
        assert str(91.0 + 0.51234) not in shown_by(caught.value)


class TestRequests:
    """The secret types do not change requests."""

    def test_a_code_is_sent_and_not_kept_by_the_response(self, server, site):
        server.respond = refuse(500)
        with pytest.raises(sdk.ServerException) as caught:
            site.client.exchange_code(CODE)
        (request,) = server.requests
        assert f"code={CODE}&" in request.body.decode()
        assert request.header("Content-Length") == str(len(request.body))
        assert request.header("Authorization") == requests.auth._basic_auth_str("id", CLIENT_SECRET)
        kept = caught.value.response.request
        assert_hidden(f"{vars(kept)} {kept.headers} {kept.body} {kept.body!r}")
        assert kept.body == request.body

    def test_a_place_is_sent_and_not_kept_by_the_response(self, server, site):
        server.respond = refuse(500)
        with pytest.raises(sdk.ServerException) as caught:
            site.v2.send_destination(LATITUDE, LONGITUDE)
        assert json.loads(server.requests[0].body) == PLACE
        assert server.requests[0].header("Authorization") == f"Bearer {TOKEN}"
        kept = caught.value.response.request
        assert type(kept.body) is SecretBytes
        assert_hidden(f"{kept.headers} {kept.body}")

    def test_queries_are_sent(self, server, site):
        server.respond = lambda request: Response(body={"compatible": True, "data": []})
        site.client.is_compatible(VIN, ["read_vin"])
        list(sdk.v3.iter_connections(TOKEN, external_id=EXTERNAL, **site.at))
        assert f"vin={VIN}&" in server.requests[0].path
        assert f"filter%5Buser.externalId%5D={EXTERNAL}" in server.requests[1].path

    @pytest.mark.parametrize("params", [f"state={STATE}&name=é", f"state={STATE}&name=%C3%A9".encode()])
    @pytest.mark.parametrize("path", ["/a?", "/a?page=1&"])
    def test_a_query_in_one_string_is_sent(self, server, site, params, path):
        site.at["requester"].call("GET", server.url + path[:-1], params=params)
        assert server.requests[0].path == f"{path}state={STATE}&name=%C3%A9"

    def test_the_urls_of_connect_carry_the_real_values(self, site):
        consent = site.client.get_auth_url(state=STATE, external_id=EXTERNAL, single_select=VIN)
        login = sdk.connect.get_reauth_url("id", "car-1", "https://site.example", STATE, external_id=EXTERNAL)
        assert type(consent) is type(login) is str
        assert f"&state={STATE}&" in consent
        assert f"single_select_vin={VIN}&external_id={EXTERNAL}" in consent
        assert f"external_id={EXTERNAL}&" in login
        assert login.endswith(f"&state={STATE}")

    def test_a_query_of_text_is_sent_behind_that_of_the_url(self, server, site):
        for url in (server.url, f"{server.url}/?limit=5"):
            site.at["requester"].call("GET", url, params=f"vin={VIN}&name=Zoë")
        paths = [request.path for request in server.requests]
        assert paths == [f"/?vin={VIN}&name=Zo%C3%AB", f"/?limit=5&vin={VIN}&name=Zo%C3%AB"]

    def test_ids_that_are_secrets_are_sent(self, server, site):
        server.respond = lambda request: Response(body={"id": "car-1", "data": {"id": "car-1"}})
        sdk.Vehicle(Secret("car-1"), TOKEN, **site.at).info()
        sdk.v3.Vehicle(Secret("car-1"), TOKEN, Secret("user-1"), **site.at).info()
        assert [request.path for request in server.requests] == ["/vehicles/car-1/", "/vehicles/car-1"]

    def test_a_lazy_text_is_not_taken_apart(self):
        redirect_uri = lazystr("https://site.example/cb")
        url = sdk.connect.get_auth_url("id", redirect_uri, state=STATE)
        assert "&redirect_uri=https%3A%2F%2Fsite.example%2Fcb&" in url

    def test_an_auth_of_the_callers_own_is_used(self, server, site):
        def sign(request):
            request.headers["Authorization"] = "Signed " + TOKEN
            return request

        response = site.at["requester"].call("POST", server.url, auth=sign, data=b"raw")
        assert server.requests[0].header("Authorization") == f"Signed {TOKEN}"
        assert server.requests[0].body == b"raw"
        assert_hidden(str(response.request.headers))


class TestResponses:
    def test_tokens_are_secrets_and_equal_to_their_text(self, server, site):
        body = {"access_token": TOKEN, "refresh_token": REFRESH, "expires_in": 1, "token_type": "Bearer"}
        server.respond = lambda request: Response(body=body)
        for access in (site.client.exchange_code(CODE), site.application.request_token()):
            assert access["access_token"] == TOKEN
            assert_hidden(f"{access}")

    @pytest.mark.parametrize("version", ["v2", "v3"])
    def test_vins_and_places_have_their_types(self, server, site, version):
        def respond(request):
            if version == "v2":
                return Response(body={"vin": VIN} if request.path.endswith("/vin") else PLACE)
            code = request.path.rpartition("/")[2]
            body = {"value": VIN} if code.endswith("vin") else PLACE
            return Response(body={"data": {"id": code, "attributes": {"status": "SUCCESS", "body": body}}})

        server.respond = respond
        car = getattr(site, version)
        vin, place = car.vin(), car.location()["data"]
        assert (type(vin), vin) == (Vin, VIN)
        assert place == PLACE
        assert {type(degrees) for degrees in place.values()} == {Coordinate}
        assert_hidden(f"{vin} {place} {car.location()}")

    def test_a_signal_of_plain_json_is_protected_too(self):
        for code, body in (
            ("vehicleidentification-vin", {"value": VIN}),
            ("location-preciselocation", PLACE),
        ):
            signal = sdk.signals.read({"code": code, "body": body})
            assert signal["body"] == body
            assert_hidden(f"{signal}")


def test_no_object_shows_a_secret(site):
    objects = [site.client, site.application, site.v2, site.v3, site.v2.api, site.v3.api]
    objects += [site.client.auth, site.v2.api.auth, site.v3.api.headers, site.at["requester"]]
    for each in objects:
        assert_hidden(f"{each!r} {each} {getattr(each, '__dict__', '')}")
    assert site.client.client_secret == CLIENT_SECRET
    assert site.v2.access_token == site.v3.access_token == TOKEN
    assert site.v2.api.auth == {"Authorization": f"Bearer {TOKEN}"}


class TestWebhooks:
    BODY = json.dumps({"eventType": "VERIFY", "data": {"challenge": CODE, "signals": [PLACE]}})

    def test_an_event_shows_no_secret(self):
        for body in (self.BODY, self.BODY.encode()):
            payload = sdk.webhooks.load(body)
            event = sdk.webhooks.read(payload)
            assert event.challenge == CODE
            assert_hidden(f"{payload} {event} {event.challenge} {sdk.webhooks.split(payload)}")

    def test_a_bug_shows_no_secret(self, monkeypatch):
        def fail(*args, **kwargs):
            raise Bug

        signature = sdk.webhooks.hash_challenge(WEBHOOK, self.BODY)
        assert sdk.webhooks.verify_payload(WEBHOOK, signature, self.BODY)
        SECRETS.append(signature)
        monkeypatch.setattr(sdk.webhooks.hmac, "new", fail)
        monkeypatch.setattr(sdk.webhooks, "load_json", fail)
        monkeypatch.setattr(sdk.webhooks.hashlib, "sha256", fail)
        for call in (
            lambda: sdk.webhooks.hash_challenge(WEBHOOK, CODE),
            lambda: sdk.webhooks.verify_payload(WEBHOOK, signature, self.BODY),
            lambda: sdk.webhooks.verify_payload(WEBHOOK, signature, self.BODY.encode()),
            lambda: sdk.webhooks.load(self.BODY),
            lambda: sdk.webhooks.identity(load_json(self.BODY), event_id=""),
        ):
            with pytest.raises(Bug) as caught:
                call()
            assert_hidden(shown_by(caught.value))
        SECRETS.remove(signature)


def test_urllib3_logs_no_secret_at_debug(server, site, caplog):
    server.respond = lambda request: Response(body={"compatible": True, "data": []})
    query = {"state": STATE, "code": CODE, "access_token": TOKEN, "external_id": EXTERNAL, "limit": 5}
    with caplog.at_level(logging.DEBUG):
        site.client.is_compatible(VIN, ["read_vin"])
        list(sdk.v3.iter_connections(TOKEN, external_id=EXTERNAL, **site.at))
        site.at["requester"].call("GET", server.url, params=query)
    assert_hidden(caplog.text)
    assert caplog.text.count("[redacted]") == 6
    assert "vin=[redacted]&scope=read_vin" in caplog.text
    assert "limit=5" in caplog.text


def test_urllib3_logs_no_secret_of_a_response_with_damaged_headers(server, site, caplog):
    url = f"/connections?filter%5Buser.externalId%5D={EXTERNAL}&limit=5"
    logger = logging.getLogger(urllib3.connection.__name__)
    logger.warning("Failed to parse headers (url=%s): %s", url, "a defect")
    assert_hidden(caplog.text)
    assert "limit=5" in caplog.text


def test_an_error_text_that_repeats_what_was_sent_shows_neither_vin_nor_place(server, site):
    def play(request):
        sent = unquote_plus(request.path) + request.body.decode()
        return Response(400, {"errors": [{"status": "400", "detail": f"Not valid: {sent}"}]})

    server.respond = play
    for call in (
        lambda: site.client.is_compatible(VIN, ["read_vin"]),
        lambda: list(sdk.v3.iter_connections(TOKEN, external_id=EXTERNAL, **site.at)),
        lambda: site.v2.send_destination(LATITUDE, LONGITUDE),
        lambda: site.v3.set_daily_charge_schedule(LATITUDE, LONGITUDE, WINDOW),
    ):
        with pytest.raises(sdk.ValidationException) as caught:
            call()
        assert "[removed]" in str(caught.value)
        assert_hidden(f"{caught.value} {vars(caught.value)}")


@pytest.mark.parametrize("place", ["execution", "document"])
def test_a_failed_execution_that_repeats_the_place_does_not_show_it(server, site, place):
    def play(request):
        error = {"type": "VALIDATION", "code": "PARAMETER", "detail": f"Not valid: {request.body.decode()}"}
        body = {"data": {"attributes": {"status": {"value": "ERROR", "error": error}}}}
        return Response(202, body if place == "execution" else {"errors": [error]})

    server.respond = play
    with pytest.raises(sdk.ValidationException, match="removed") as caught:
        site.v3.send_destination(LATITUDE, LONGITUDE)
    assert_hidden(shown_by(caught.value))


class TestTypes:
    def test_a_secret_of_a_secret_keeps_its_content(self):
        assert Secret(Secret(TOKEN)).reveal() == Vin(Secret(TOKEN)).reveal() == TOKEN
        assert SecretBytes(SecretBytes(b"x")) == b"x"
        assert Coordinate(Coordinate(1.5)) == 1.5

    def test_pickles_and_copies_keep_their_content(self):
        assert pickled(Secret(TOKEN)).reveal() == copy.deepcopy(Secret(TOKEN)).reveal() == TOKEN
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for value in (Secret(TOKEN), Vin(VIN), Coordinate(LATITUDE), SecretBytes(b"body")):
                loaded = pickled(value, protocol)
                assert (type(loaded), loaded) == (type(value), value)
