"""No local variable of the package shows a secret when an error tracker prints it."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from django_smartcar.conf import conf
from django_smartcar.exceptions import CommandInvalid, OwnershipNotVerified
from django_smartcar.models import ConnectedVehicle, ExternalId, VehicleReading
from django_smartcar.secret_types import Coordinate, Secret, Vin
from django_smartcar.services import client, commands, connect, readings, vehicles, webhooks
from django_smartcar.services.connect import Callback, _state
from django_smartcar.services.privacy import export

from .. import webhooks as payloads

pytestmark = pytest.mark.django_db

PACKAGES = ("/django_smartcar/", "/requests/", "/urllib3/")
LATITUDE, LONGITUDE = 48 + 0.137154, 11 + 0.576124
LOCATION = {"latitude": LATITUDE, "longitude": LONGITUDE}
VIN = "WVWZZZ1J" + "ZXW000001"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MANAGEMENT_TOKEN = "mANa" * 6
CALLBACK_URL = "https://testserver/cars/callback/"


class Bug(Exception):
    """An error that nothing in the package expects."""


def fail(*args, **kwargs):
    raise Bug


def fail_on(table):
    def execute(execute, sql, params, many, context):
        if table in sql and not sql.startswith("SELECT"):
            raise Bug
        return execute(sql, params, many, context)

    return connection.execute_wrapper(execute)


def print_value(value):
    try:
        return f"{value!r} {value!s}"
    except DatabaseError:  # a queryset in a broken transaction
        return type(value).__name__


def print_locals(frame):
    return "".join(f"{name} = {print_value(value)}\n" for name, value in frame.f_locals.items())


def printed_frames(error):
    """Print the locals of every frame of the error, its causes and contexts, by ``repr`` and by ``str``."""
    printed, errors, seen = "", [error], set()
    while errors:
        current = errors.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        printed += f"{current!r} {current}\n"
        errors += [current.__cause__, current.__context__]
        traceback = current.__traceback__
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if any(package in code.co_filename for package in PACKAGES):
                printed += f"-- {code.co_qualname}\n{print_locals(traceback.tb_frame)}"
            traceback = traceback.tb_next
    return printed


def assert_hidden(error, *secrets, at):
    printed = printed_frames(error)
    assert f"-- {at}\n" in printed, printed
    for secret in secrets:
        text = secret.reveal() if isinstance(secret, Secret) else str(secret)
        assert len(text) > 5
        assert text not in printed


@pytest.fixture
def tracked_vehicle(account, make_vehicle):
    return make_vehicle(account, vin=VIN, permissions=["read_location", "control_navigation"])


@pytest.mark.parametrize("place", ["record", "client", "check"])
def test_a_command_shows_no_position(tracked_vehicle, monkeypatch, place):
    if place != "record":
        target = (client, "car") if place == "client" else (commands.Access, "check_limits")
        monkeypatch.setattr(*target, fail)
    with fail_on("vehiclecommand") if place == "record" else nullcontext(), pytest.raises(Bug) as raised:
        commands.send(tracked_vehicle, "send_destination", **LOCATION)
    assert_hidden(raised.value, LATITUDE, LONGITUDE, VIN, "access-0", "refresh-0", at="send")


def test_a_command_to_many_vehicles_shows_no_position(tracked_vehicle, monkeypatch):
    monkeypatch.setattr(client, "car", fail)
    (result,) = commands.send_many([tracked_vehicle], "send_destination", **LOCATION)
    assert_hidden(result.error, LATITUDE, LONGITUDE, "access-0", at="send")


@pytest.mark.parametrize("number", [Decimal, Fraction, lambda degrees: int(degrees * 10**6) * 10**400])
def test_a_refused_position_of_another_type_is_not_shown(tracked_vehicle, number):
    shown = str(number(LATITUDE))[:8]
    place = {"latitude": number(LATITUDE), "longitude": number(LONGITUDE)}
    with pytest.raises(CommandInvalid, match="no such place") as raised:
        commands.send(tracked_vehicle, "send_destination", **place)
    assert_hidden(raised.value, shown, at="send")


@pytest.mark.parametrize("setting", ["bytes", "no list"])
def test_an_invalid_encryption_key_is_not_shown(tracked_vehicle, settings, setting):
    key = "kEYk" * 6
    settings.SMARTCAR_ENCRYPTION_KEYS = [key.encode()] if setting == "bytes" else key
    with pytest.raises(ImproperlyConfigured) as raised:
        type(tracked_vehicle.account).objects.get()
    assert_hidden(raised.value, key, "'k', 'E', 'Y'", at="decrypt")


def test_a_plain_token_of_an_earlier_version_is_not_shown(tracked_vehicle, settings):
    accounts = type(tracked_vehicle.account).objects
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smartcar_smartcaraccount SET refresh_token = 'pLAIn-token'")
    with fail_on("smartcaraccount"), pytest.raises(Bug) as raised, transaction.atomic():
        call_command("rotate_smartcar_keys", stdout=StringIO())
    assert_hidden(raised.value, "pLAIn-token", at="_rotate")
    keys, settings.SMARTCAR_ENCRYPTION_KEYS = settings.SMARTCAR_ENCRYPTION_KEYS, ["wrong"]
    with pytest.raises(ImproperlyConfigured) as raised:
        accounts.get()
    assert_hidden(raised.value, "pLAIn-token", at="decrypt")
    settings.SMARTCAR_ENCRYPTION_KEYS = keys
    call_command("rotate_smartcar_keys", stdout=StringIO())
    assert accounts.get().refresh_token == "pLAIn-token"


def test_beginning_a_connection_shows_no_state_session_or_external_id(smartcar, anna, monkeypatch):
    external_id = _state.external_id_of(anna.pk)
    states = []

    def fail_with(*args, state, **kwargs):
        states.append(state)
        raise Bug

    monkeypatch.setattr(client, "auth_url", fail_with)
    with pytest.raises(Bug) as raised:
        connect.begin(anna, session_key="sESSion", redirect_uri=CALLBACK_URL)
    assert_hidden(raised.value, *states, external_id, "sESSion", at="begin")


def visit(smartcar, user):
    url = connect.begin(user, session_key="sESSion", redirect_uri=CALLBACK_URL)
    query = smartcar.visit(url)
    return query, parse_qs(urlsplit(url).query)["external_id"][0]


def test_a_callback_shows_no_state_or_session(smartcar, anna, monkeypatch):
    query, _external_id = visit(smartcar, anna)
    monkeypatch.setattr(_state, "_session_digest", fail)
    with pytest.raises(Bug) as raised:
        connect.consume(query["state"], user=anna, session_key="sESSion")
    assert_hidden(raised.value, query["state"], "sESSion", at="consume")


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
@pytest.mark.parametrize("place", ["exchange", "driver", "database"])
def test_completing_a_connection_shows_no_code_token_or_external_id(smartcar, anna, monkeypatch, place):
    query, external_id = visit(smartcar, anna)
    attempt = connect.consume(query["state"], user=anna, session_key="sESSion")
    callback = Callback(query["code"], query.get("user_id", ""), external_id)
    access_tokens = []
    if place == "exchange":
        monkeypatch.setattr(client, "user_id", lambda token: access_tokens.append(token) or fail())
    elif place == "driver":
        monkeypatch.setattr(vehicles, "read_all", fail)
    with fail_on("connectedvehicle") if place == "database" else nullcontext(), pytest.raises(Bug) as raised:
        connect.complete(attempt, callback)
    secrets = [conf.SMARTCAR_CLIENT_SECRET, conf.SMARTCAR_V2_CLIENT_SECRET]
    secrets = [secret for secret in secrets if secret]
    at = "complete"
    assert_hidden(raised.value, query["code"], external_id, *access_tokens, *secrets, at=at)


@pytest.mark.parametrize("place", ["database", "validation"])
def test_saving_a_reading_shows_no_position(tracked_vehicle, place):
    value = {**LOCATION, "longitude": "east"} if place == "validation" else LOCATION
    with fail_on("vehiclereading"), pytest.raises((Bug, ValueError)) as raised:
        readings.save(tracked_vehicle, "location", value, "", NOON)
    assert_hidden(raised.value, LATITUDE, LONGITUDE, at="save")


def test_comparing_two_positions_shows_neither(tracked_vehicle, monkeypatch):
    readings.save(tracked_vehicle, "location", LOCATION, "", NOON)
    monkeypatch.setattr("math.asin", fail)
    with pytest.raises(Bug) as raised:
        readings.save(tracked_vehicle, "location", LOCATION, "", NOON.replace(hour=13))
    assert_hidden(raised.value, LATITUDE, LONGITUDE, at="save_many")


def test_reading_a_location_shows_no_position(tracked_vehicle, mock_api):
    mock_api.get("car-1", "location", LOCATION)
    with fail_on("vehiclereading"), pytest.raises(Bug) as raised:
        vehicles.location(tracked_vehicle)
    assert_hidden(raised.value, LATITUDE, LONGITUDE, "access-0", at="location")


def test_reading_the_details_shows_no_vin(vehicle, mock_api):
    vehicle.permissions = []
    mock_api.car("car-1", vin=VIN)
    with fail_on("connectedvehicle"), pytest.raises(Bug) as raised:
        vehicles.reload(vehicle)
    assert_hidden(raised.value, VIN, "access-0", at="reload")


@pytest.mark.parametrize("place", ["queue", "database", "signature"])
def test_receiving_a_webhook_shows_no_body_signature_or_token(settings, monkeypatch, place):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [MANAGEMENT_TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    event = payloads.event(payloads.location(LATITUDE, LONGITUDE, 1_790_000_000), vin=VIN)
    body = json.dumps(event).encode()
    signature = payloads.sign(body, MANAGEMENT_TOKEN)
    if place == "queue":
        monkeypatch.setattr(webhooks._workers, "begin_work", fail)
    elif place == "signature":
        monkeypatch.setattr("hmac.compare_digest", fail)
    with fail_on("webhookevent") if place == "database" else nullcontext(), pytest.raises(Bug) as raised:
        webhooks.receive("", body, signature)
    assert_hidden(raised.value, LATITUDE, LONGITUDE, VIN, MANAGEMENT_TOKEN, signature, at="receive")


def test_an_export_that_is_interrupted_shows_nothing(tracked_vehicle, anna):
    external_id = _state.external_id_of(anna.pk)
    readings.save(tracked_vehicle, "location", LOCATION, "", NOON)
    for export_rows in (
        lambda: export.person(anna),
        lambda: export.readings_csv(ConnectedVehicle.objects.all()),
        lambda: export.readings_json(ConnectedVehicle.objects.all()),
    ):
        for steps in range(1, 1 + len(list(export_rows()))):
            chunks = export_rows()
            for _ in range(steps):
                next(chunks)
            printed = print_locals(chunks.gi_frame)
            with pytest.raises(Bug) as raised:
                chunks.throw(Bug)
            printed += printed_frames(raised.value)
            for secret in (str(LATITUDE), str(LONGITUDE), VIN, external_id.reveal()):
                assert secret not in printed
    content = "".join(export.person(anna))
    for secret in (str(LATITUDE), str(LONGITUDE), VIN, external_id.reveal()):
        assert secret in content


def test_the_command_that_exports_shows_nothing(tracked_vehicle, anna):
    class Closed(StringIO):
        def write(self, text):
            if VIN in text:
                raise Bug
            return super().write(text)

    with pytest.raises(Bug) as raised:
        call_command("export_smartcar_data", anna.get_username(), stdout=Closed())
    assert_hidden(raised.value, VIN, at="Command.handle")
    out = StringIO()
    call_command("export_smartcar_data", anna.get_username(), stdout=out)
    assert json.loads(out.getvalue())["vehicles"][0]["vin"] == VIN


def test_columns_of_secrets_are_typed_however_they_are_read(tracked_vehicle, anna):
    _state.external_id_of(anna.pk)
    assert type(ConnectedVehicle.objects.get().vin) is Vin
    assert type(ConnectedVehicle(vin=VIN).vin) is Vin
    assert [type(vin) for vin in ConnectedVehicle.objects.values_list("vin", flat=True)] == [Vin]
    assert type(ExternalId.objects.get().value) is Secret
    assert ConnectedVehicle.objects.filter(vin=VIN).exists()
    assert ConnectedVehicle.objects.filter(vin=Vin(VIN), vin__startswith=VIN[:4]).exists()


@pytest.mark.parametrize(
    "lookup",
    ["exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "in"],
)
def test_a_secret_can_be_looked_up_with_a_secret(tracked_vehicle, lookup):
    for vin, found in ((Vin(VIN), True), (Vin(VIN[::-1]), False), (VIN, True)):
        value = [vin] if lookup == "in" else vin
        assert ConnectedVehicle.objects.filter(**{f"vin__{lookup}": value}).exists() == found


@pytest.mark.parametrize("form", ["json", "jsonl", "xml", "yaml"])
def test_a_fixture_has_the_real_vin_and_position(tracked_vehicle, anna, form):
    external_id = _state.external_id_of(anna.pk)
    readings.save(tracked_vehicle, "location", LOCATION, "", NOON)
    rows = [tracked_vehicle, tracked_vehicle.readings.get(), anna.smartcar_external_id]
    vehicle, reading, own_id = (
        row.object for row in serializers.deserialize(form, serializers.serialize(form, rows))
    )
    assert (vehicle.vin, reading.value, own_id.value) == (VIN, LOCATION, external_id)
    reading.save()
    assert VehicleReading.objects.get().value == LOCATION


def test_positions_of_readings_are_typed_however_they_are_written(tracked_vehicle):
    saved = readings.save(tracked_vehicle, "location", LOCATION, "", NOON)
    assert saved.state.value == LOCATION
    row = tracked_vehicle.readings.get()
    assert row.value == LOCATION
    assert {type(degrees) for degrees in row.value.values()} == {Coordinate}
    row.value = {"latitude": Coordinate(LATITUDE - 1), "longitude": LONGITUDE}
    VehicleReading.objects.bulk_update([row], ["value"])
    row = VehicleReading.objects.get(value__latitude=LATITUDE - 1)
    assert row.degrees == {"latitude": LATITUDE - 1, "longitude": LONGITUDE}
    assert {type(degrees) for degrees in row.degrees.values()} == {float}


def test_a_stored_vin_is_typed(tracked_vehicle):
    readings.save(tracked_vehicle, "vin", VIN)
    for row in (tracked_vehicle.signals["vin"], tracked_vehicle.readings.get()):
        assert (type(row.value), row.value, repr(row.value)) == (Vin, VIN, "<VIN>")


def test_settings_are_secrets_and_what_is_of_the_wrong_type_reaches_the_checks(settings):
    settings.SMARTCAR_CLIENT_SECRET = settings.SMARTCAR_V2_CLIENT_SECRET = "cLIEnt"
    settings.SMARTCAR_MANAGEMENT_TOKENS = (MANAGEMENT_TOKEN, None)
    settings.SMARTCAR_WEBHOOK_TOKENS = {"name": [MANAGEMENT_TOKEN], "odd": 5}
    settings.SMARTCAR_ENCRYPTION_KEYS = [MANAGEMENT_TOKEN, b"bytes"]
    values = (
        conf.SMARTCAR_CLIENT_SECRET,
        conf.SMARTCAR_V2_CLIENT_SECRET,
        conf.SMARTCAR_MANAGEMENT_TOKENS,
        conf.SMARTCAR_WEBHOOK_TOKENS,
        conf.encryption_keys,
    )
    assert "cLIEnt" not in repr(values)
    assert MANAGEMENT_TOKEN not in repr(values)
    assert values[2:] == (
        (MANAGEMENT_TOKEN, None),
        {"name": [MANAGEMENT_TOKEN], "odd": 5},
        (MANAGEMENT_TOKEN, b"bytes"),
    )
    settings.SMARTCAR_MANAGEMENT_TOKENS = MANAGEMENT_TOKEN
    assert conf.SMARTCAR_MANAGEMENT_TOKENS == MANAGEMENT_TOKEN


def test_a_setting_that_a_site_has_made_a_secret_keeps_its_content(settings):
    settings.SMARTCAR_CLIENT_ID = Secret("client-1")
    settings.SMARTCAR_CLIENT_SECRET = Secret("cLIEnt")
    settings.SMARTCAR_API_URL = Secret("https://api.example/")
    assert conf.SMARTCAR_CLIENT_ID == "client-1"
    assert conf.SMARTCAR_CLIENT_SECRET == "cLIEnt"
    assert conf.SMARTCAR_API_URL == "https://api.example"


def test_two_secrets_are_compared_by_their_content(smartcar, anna):
    """Django's helpers turn their arguments into ``str``, which is the same placeholder for each secret."""
    assert _state._session_digest(Secret("one")) != _state._session_digest(Secret("two"))
    assert _state._session_digest(Secret("one")) == _state._session_digest("one")
    query, _external_id = visit(smartcar, anna)
    attempt = connect.consume(query["state"], user=anna, session_key="sESSion")
    with pytest.raises(OwnershipNotVerified, match="external id belongs to another user"):
        connect.complete(attempt, Callback(query.get("code", ""), query.get("user_id", ""), "another"))
