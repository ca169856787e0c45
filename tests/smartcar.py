"""The pretend Smartcar over real HTTP, in this process: what it did can be looked at."""

import threading
import time
from urllib.parse import parse_qsl, urlsplit

from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application

from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.server import Handler
from django_smartcar.simulator.vehicles import test_accounts
from django_smartcar.simulator.vehicles.catalog import MAKES

from .simulator.browser import RequestsBrowser, Visit

SETTINGS = (
    "SMARTCAR_CLIENT_ID",
    "SMARTCAR_CLIENT_SECRET",
    "SMARTCAR_APPLICATION_ID",
    "SMARTCAR_V2_CLIENT_ID",
    "SMARTCAR_V2_CLIENT_SECRET",
    "SMARTCAR_IAM_URL",
    "SMARTCAR_VEHICLE_API_URL",
    "SMARTCAR_CONNECT_URL",
    "SMARTCAR_AUTH_URL",
    "SMARTCAR_API_URL",
    "SMARTCAR_MANAGEMENT_URL",
    "SMARTCAR_MANAGEMENT_API_URL",
)

#: Where Connect sends the driver back to.
BACK = "https://testserver/cars/callback/"


class Smartcar:
    def __init__(self):
        self.server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
        self.asked = []  # every request: method and path
        self.asking = []  # those whose answer is not there yet
        self.server.set_app(self._remembering(get_wsgi_application()))
        self.url = f"http://127.0.0.1:{self.server.server_port}/smartcar-simulator"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def _remembering(self, application):
        def remember(environ, start_response):
            self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            self.asking.append(environ["PATH_INFO"])
            try:
                return application(environ, start_response)
            finally:
                self.asking.remove(environ["PATH_INFO"])

        return remember

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def point(self, settings, version):
        """Make a site's settings those of this Smartcar, for this generation."""
        variables = store.environment(self.url, version)
        settings.SMARTCAR_API_VERSION = version
        for name in SETTINGS:
            setattr(settings, name, variables.get(name, ""))
        settings.SMARTCAR_MANAGEMENT_TOKENS = [store.MANAGEMENT_TOKEN]

    def visit(self, url, email="driver@example.com", make="CHEVROLET", **fields):
        """Walk through Connect from this address as the driver; returns what the callback is told."""
        visit = Visit(RequestsBrowser(), self.url, url)
        visit.connect(email, make, **fields)
        return dict(parse_qsl(urlsplit(visit.landed).query, keep_blank_values=True))

    def consent(self, email="driver@example.com", make="CHEVROLET"):
        """Have the driver consent, without the walk; returns their id and the code."""
        owner, cars = test_accounts.sign_in(email, MAKES[make])
        scopes = ["read_vehicle_info", "read_vin", "read_odometer", "read_location", "control_security"]
        code = grants.approve(owner, [car.id for car in cars], scopes, redirect_uri=BACK)
        return owner.id, code

    def grant(self, email="driver@example.com"):
        """What came of a driver's consent, without the walk: their id and a pair of tokens."""
        user_id, code = self.consent(email)
        return {"user_id": user_id, **grants.exchange_code(code, BACK)}

    def delay(self, path, seconds):
        """Let the newest car's answers on this path take so long."""
        injection.set_latency(seconds, self.car(), path)

    def wait_until(self, happened):
        """Wait for what another thread of the server is still doing."""
        ends = time.monotonic() + 20
        while not happened():
            assert time.monotonic() < ends
            time.sleep(0.02)

    def car(self, email="driver@example.com"):
        """The newest car of this driver, as its maker knows it."""
        owner = store.owner(email)
        return next(car for car in reversed(store.cars()) if car.owner_id == owner.id)
