"""The Smartcar simulator as an HTTP server in a thread, where tests can inspect its requests and state."""

import threading
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
from .site_processes import wait_until

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

#: Redirect URI of Connect.
BACK = "https://testserver/cars/callback/"


class SimulatorServer:
    """A running simulator."""

    def __init__(self):
        self.server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
        self.requests = []  # (method, path) of every request
        self.pending = []  # paths of the requests in progress
        self.server.set_app(self._record_requests(get_wsgi_application()))
        self.url = f"http://127.0.0.1:{self.server.server_port}/smartcar-simulator"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def _record_requests(self, application):
        def record(environ, start_response):
            self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            self.pending.append(environ["PATH_INFO"])
            try:
                return application(environ, start_response)
            finally:
                self.pending.remove(environ["PATH_INFO"])

        return record

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def point(self, settings, version):
        """Point a site's settings at this simulator, for API version "2.0" or "3"."""
        variables = store.environment(self.url, version)
        settings.SMARTCAR_API_VERSION = version
        for name in SETTINGS:
            setattr(settings, name, variables.get(name, ""))
        settings.SMARTCAR_MANAGEMENT_TOKENS = [store.MANAGEMENT_TOKEN]

    def visit(self, url, email="driver@example.com", make="CHEVROLET", **fields):
        """Go through Connect's pages as the driver; return the query parameters of the redirect."""
        visit = Visit(RequestsBrowser(), self.url, url)
        visit.connect(email, make, **fields)
        return dict(parse_qsl(urlsplit(visit.landed).query, keep_blank_values=True))

    def consent(self, email="driver@example.com", make="CHEVROLET"):
        """Give the driver's consent without Connect's pages; return (user id, code)."""
        owner, cars = test_accounts.sign_in(email, MAKES[make])
        scopes = ["read_vehicle_info", "read_vin", "read_odometer", "read_location", "control_security"]
        code = grants.approve(owner, [car.id for car in cars], scopes, redirect_uri=BACK)
        return owner.id, code

    def grant(self, email="driver@example.com"):
        """Give the driver's consent without Connect's pages; return the user id and the tokens."""
        user_id, code = self.consent(email)
        return {"user_id": user_id, **grants.exchange_code(code, BACK)}

    def delay(self, path, seconds):
        """Delay the newest vehicle's responses on this path by this many seconds."""
        injection.set_latency(seconds, self.car(), path)

    def wait_until(self, condition):
        """Wait for another thread of the server, until a condition is true."""
        wait_until(condition, seconds=60)

    def car(self, email="driver@example.com"):
        """Return the simulator's newest vehicle of this driver."""
        owner = store.owner(email)
        return next(car for car in reversed(store.cars()) if car.owner_id == owner.id)
