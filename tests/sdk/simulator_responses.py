"""The simulator over real HTTP, and one of its vehicles in both API versions."""

from dataclasses import dataclass

from django_smartcar import sdk
from django_smartcar.simulator import store
from django_smartcar.simulator.access.scopes import SCOPES
from tests.simulator.browser import RequestsBrowser, Visit

REDIRECT_URI = "https://app.example.com/callback"


@dataclass
class Cars:
    """One vehicle in API v2 (``old``) and in API v3 (``new``)."""

    old: sdk.Vehicle
    new: sdk.v3.Vehicle

    def set_unit_system(self, unit_system):
        self.old.set_unit_system(unit_system)
        self.new.set_unit_system(unit_system)


class Smartcar:
    """A running simulator, with the arguments that point the SDK at it."""

    def __init__(self, program):
        self.program = program
        self.urls = program.environment
        self.api_url = f"{self.urls['SMARTCAR_API_URL']}/v2.0"
        self.vehicle_url = f"{self.urls['SMARTCAR_VEHICLE_API_URL']}/v3"
        self.management_url = f"{self.urls['SMARTCAR_MANAGEMENT_API_URL']}/v3"
        self.connections_url = f"{self.urls['SMARTCAR_MANAGEMENT_URL']}/v2.0/management"
        self.management_token = store.MANAGEMENT_TOKEN
        self.credentials = {
            "client_id": self.urls["SMARTCAR_CLIENT_ID"],
            "client_secret": self.urls["SMARTCAR_CLIENT_SECRET"],
        }

    def application_token(self):
        auth = sdk.ApplicationAuth(
            store.M2M_CLIENT_ID, store.M2M_CLIENT_SECRET, token_url=self.urls["SMARTCAR_IAM_URL"]
        )
        return auth.request_token()["access_token"]

    def connect(self, email="driver@example.com", make="CHEVROLET", scope=tuple(SCOPES)):
        """Connect a driver; return the first vehicle in both API versions."""
        client = sdk.AuthClient(
            **self.credentials,
            redirect_uri=REDIRECT_URI,
            scope=[f"required:{name}" for name in scope],
            connect_url=self.urls["SMARTCAR_CONNECT_URL"],
            auth_url=self.urls["SMARTCAR_AUTH_URL"],
        )
        visit = Visit(RequestsBrowser(), self.program.origin, client.get_auth_url(force=True))
        callback = visit.connect(email, make).callback
        token = client.exchange_code(callback["code"])["access_token"]
        car_id = sdk.get_vehicle_ids(token, api_url=self.api_url)["vehicles"][0]
        return Cars(
            sdk.Vehicle(car_id, token, api_url=self.api_url),
            sdk.v3.Vehicle(
                car_id,
                self.application_token(),
                callback["user_id"],
                api_url=self.vehicle_url,
                management_url=self.management_url,
            ),
        )
