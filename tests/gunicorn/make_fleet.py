"""Create drivers with a car each, in a process of the site; write the key of each one's session."""

import sys
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from django_smartcar.models import ConnectedVehicle  # noqa: E402
from django_smartcar.services import connect  # noqa: E402
from django_smartcar.services.connect import Callback  # noqa: E402
from tests.simulator.browser import RequestsBrowser, Visit  # noqa: E402

simulator, number = sys.argv[1], int(sys.argv[2])
for name in (f"driver-{position}" for position in range(number)):
    user = get_user_model().objects.create_user(name)
    url = connect.begin(user, session_key="s", redirect_uri="https://testserver/cars/callback/")
    visit = Visit(RequestsBrowser(), simulator, url)
    visit.connect(f"{name}@example.com", "CHEVROLET")
    query = dict(parse_qsl(urlsplit(visit.landed).query, keep_blank_values=True))
    attempt = connect.consume(query["state"], user=user, session_key="s")
    callback = Callback(query.get("code", ""), query.get("user_id", ""), query.get("external_id", ""))
    (vehicle,) = connect.complete(attempt, callback).vehicles
    # Not so new that its page reads it.
    hour_ago = timezone.now() - timedelta(hours=1)
    ConnectedVehicle.objects.filter(pk=vehicle.pk).update(connected_at=hour_ago)
    client = Client()
    client.force_login(user)
    sys.stdout.write(f"{client.cookies['sessionid'].value} {vehicle.pk} {vehicle.smartcar_vehicle_id}\n")
