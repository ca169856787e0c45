"""A site with known secrets, and what Smartcar responds to it."""

import json
from datetime import timedelta
from types import SimpleNamespace

from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from django_smartcar.models import (
    ApplicationToken,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
    VehicleReading,
    VehicleSignal,
)
from django_smartcar.services import connect, webhooks
from django_smartcar.services.connect import Callback
from django_smartcar.views.connect import SESSION_VALUE

from .. import webhooks as signed

# Every secret is made of parts, so that no report finds it in the source code of a test.
SECRETS = {
    "access token": "aCCe" * 6,
    "refresh token": "rEFr" * 6,
    "application token": "aPPl" * 6,
    "new access token": "nACc" * 6,
    "new refresh token": "nREf" * 6,
    "client secret": "cLSe" * 6,
    "client secret of v2": "sECt" * 6,
    "management token": "mANa" * 6,
    "webhook token": "hOOk" * 6,
    "code": "cODe" * 6,
    "external id": "eXId" * 6,
    "VIN": "WVWZZZ1J" + "ZXW000001",
    "latitude": str(48 + 0.137154),
    "longitude": str(11 + 0.576124),
}
LATITUDE, LONGITUDE = float(SECRETS["latitude"]), float(SECRETS["longitude"])
PERMISSIONS = ["read_vehicle_info", "read_vin", "read_odometer", "read_location", "control_security"]
PERMISSIONS += ["control_charge", "control_navigation"]
REDIRECT_URI = "https://testserver/cars/callback/"


def geocode(address):
    return LATITUDE, LONGITUDE, address


def configure(settings, version):
    settings.SMARTCAR_API_VERSION = version
    settings.SMARTCAR_CLIENT_ID = "client-1"
    settings.SMARTCAR_CLIENT_SECRET = SECRETS["client secret"]
    settings.SMARTCAR_APPLICATION_ID = "application-1"
    if version == "3":
        settings.SMARTCAR_V2_CLIENT_ID = "client-2"
        settings.SMARTCAR_V2_CLIENT_SECRET = SECRETS["client secret of v2"]
    settings.SMARTCAR_MANAGEMENT_TOKENS = [SECRETS["management token"]]
    settings.SMARTCAR_WEBHOOK_TOKENS = {"endpoint": [SECRETS["webhook token"]]}
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    settings.SMARTCAR_GEOCODER = f"{__name__}.geocode"
    settings.SMARTCAR_WEBHOOKS = ["webhook-1"]


def make_site(version):
    """Return a site with one account of this API version, and its vehicle."""
    user = get_user_model().objects.create_superuser("anna", password="anna")
    owner = SmartcarUser.objects.create(id="driver-a", user=user)
    ends = timezone.now() + timedelta(hours=2)
    account = SmartcarAccount.objects.create(
        smartcar_user=owner,
        api_version=version,
        access_token=SECRETS["access token"],
        access_expires_at=ends,
        refresh_token=SECRETS["refresh token"],
        refresh_expires_at=ends + timedelta(days=60),
    )
    if version == "3":
        ApplicationToken.objects.create(
            client_id="client-1", access_token=SECRETS["application token"], access_expires_at=ends
        )
    vehicle = ConnectedVehicle.objects.create(
        account=account, smartcar_vehicle_id="car-1", permissions=PERMISSIONS, vin=SECRETS["VIN"], make="VW"
    )
    ExternalId.objects.create(user=user, value=SECRETS["external id"])
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return SimpleNamespace(
        version=version,
        user=user,
        owner=owner,
        account=account,
        vehicle=vehicle,
        client=client,
        secrets=dict(SECRETS),
    )


def expire(site):
    """Let the access token of the account, or of the application, be due."""
    row = ApplicationToken.objects.get() if site.version == "3" else site.account
    type(row).objects.filter(pk=row.pk).update(access_expires_at=timezone.now())
    site.account.refresh_from_db()
    return row


def store_location(site):
    now, place = timezone.now(), {"latitude": LATITUDE, "longitude": LONGITUDE}
    VehicleSignal.objects.update_or_create(
        vehicle=site.vehicle,
        signal="location",
        defaults={"value": place, "recorded_at": now, "received_at": now, "status_at": now},
    )
    return VehicleReading.objects.create(
        vehicle=site.vehicle,
        signal="location",
        value={"latitude": LATITUDE, "longitude": LONGITUDE},
        recorded_at=timezone.now(),
        received_at=timezone.now(),
    )


def begin_attempt(site):
    """Begin a visit to Connect, and return its state, which is one of the site's secrets."""
    url = connect.begin(site.user, session_key=session_key(site), redirect_uri=REDIRECT_URI)
    site.secrets["state"] = url.partition("state=")[2].partition("&")[0]
    return site.secrets["state"]


def session_key(site):
    session = site.client.session
    session.setdefault(SESSION_VALUE, "a-value-of-this-session")
    session.save()
    return session[SESSION_VALUE]


def consume_attempt(site):
    """Return the attempt of a visit to Connect that has come back."""
    return connect.consume(begin_attempt(site), user=site.user, session_key=session_key(site))


def callback():
    return Callback(SECRETS["code"], "driver-a", SECRETS["external id"])


def webhook_body():
    """Return a webhook event with a VIN and a location."""
    location = signed.location(LATITUDE, LONGITUDE, 1_790_000_000)
    vin = signed.signal("vehicleidentification-vin", SECRETS["VIN"], 1_790_000_000)
    return json.dumps(signed.event(location, vin, vin=SECRETS["VIN"])).encode()


def signature_of(site, body):
    """Return the signature of a webhook; it is one of the site's secrets."""
    site.secrets["webhook signature"] = signed.sign(body, SECRETS["webhook token"])
    return site.secrets["webhook signature"]


def responses(method, path):
    """Return what Smartcar responds to a request, in either API version."""
    end = path.rpartition("/")[2]
    if end == "token":
        tokens = {"access_token": SECRETS["new access token"], "token_type": "Bearer", "expires_in": 7200}
        return {**tokens, "refresh_token": SECRETS["new refresh token"]} if "oauth2" not in path else tokens
    if path.startswith("/v3/"):
        return _v3(method, end)
    return _v2(end)


def _v2(end):
    paging = {"count": 1, "offset": 0}
    location = {"latitude": LATITUDE, "longitude": LONGITUDE}
    bodies = {
        "user": {"id": "driver-a"},
        "vehicles": {"vehicles": ["car-1"], "paging": paging},
        "permissions": {"permissions": PERMISSIONS, "paging": {**paging, "count": len(PERMISSIONS)}},
        "car-1": {"id": "car-1", "make": "VW", "model": "Golf", "year": 2021},
        "vin": {"vin": SECRETS["VIN"]},
        "odometer": {"distance": 100.5},
        "location": location,
        "batch": {
            "responses": [
                {"path": "/odometer", "code": 200, "body": {"distance": 100.5}, "headers": {}},
                {"path": "/location", "code": 200, "body": location, "headers": {}},
            ]
        },
    }
    return bodies.get(end, {"status": "success", "message": "Done."})


def _v3(method, end):
    signals = {
        "odometer-traveleddistance": {"value": 100.5, "unit": "km"},
        "location-preciselocation": {"latitude": LATITUDE, "longitude": LONGITUDE},
        "vehicleidentification-vin": {"value": SECRETS["VIN"]},
    }
    resources = {code: _signal(code, body) for code, body in signals.items()}
    if end in resources:
        return {"data": resources[end]}
    if end == "signals":
        return _page(list(resources.values()))
    if end == "connections":
        return _page([_connection()])
    if end == "car-1" and method == "GET":
        return {"data": {"id": "car-1", "type": "vehicle", "attributes": {"make": "VW", "model": "Golf"}}}
    return {"data": {"id": "e", "type": "command", "attributes": {"status": {"value": "SUCCESS"}}}}


def _signal(code, body):
    meta = {"oemUpdatedAt": "2026-06-20T01:33:37.078Z", "retrievedAt": "2026-11-23T00:00:00Z"}
    attributes = {"code": code, "status": {"value": "SUCCESS"}, "body": body}
    return {"id": code, "type": "signal", "attributes": attributes, "meta": meta}


def _connection():
    now = timezone.now().isoformat()
    return {
        "id": "connection-1",
        "type": "connection",
        "attributes": {"permissions": PERMISSIONS, "vehicle": {"make": "VW", "model": "Golf", "year": 2021}},
        "relationships": {"vehicle": {"data": {"id": "car-1"}}, "user": {"data": {"id": "driver-a"}}},
        "meta": {"createdAt": now, "updatedAt": now},
    }


def _page(items):
    return {"data": items, "meta": {"totalCount": len(items)}, "links": {"next": None}}


def receive(site):
    body = webhook_body()
    return webhooks.receive("endpoint", body, signature_of(site, body))
