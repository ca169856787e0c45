"""The whole story of a car on a site: connected, read, locked, told by webhook, exported, disconnected."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from django_smartcar.simulator.store import owner
from django_smartcar.simulator.webhooks import notify, registry

from ..simulator.browser import RequestsBrowser, Visit

#: Seconds within which a result must be there.
WITHIN = 30


def assert_recent(moment, minutes):
    assert timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=minutes), moment


class Person:
    """A user of the site, in a browser with a session."""

    def __init__(self, site, name):
        self.site = site
        self.session = requests.Session()
        self.verify = site.verify
        self.get("/login/")
        self.post("/login/", username=name, password=name)

    def get(self, path, **options):
        response = self.session.get(urljoin(self.site.url, path), timeout=60, verify=self.verify, **options)
        assert response.status_code == 200, (path, response.status_code, self.site.last_log)
        return response

    def post(self, path, *, follow=True, **fields):
        """Post a form of the site, with the token that its pages have."""
        url = urljoin(self.site.url, path)
        fields["csrfmiddlewaretoken"] = self.session.cookies["csrftoken"]
        response = self.session.post(
            url, fields, headers={"Referer": url}, timeout=60, allow_redirects=follow, verify=self.verify
        )
        assert response.status_code in (200, 302), (path, response.status_code, self.site.last_log)
        return response


class Story:
    """What a driver, an operator and cron do with a car through one version of Smartcar's API."""

    def __init__(self, site, version):
        self.site = site
        self.email = f"driver-{version[0]}@example.com"
        self.driver = Person(site, "anna")
        self.key = 0

    def run(self):
        self.connect()
        self.refresh()
        self.command("unlock", is_locked=False)
        self.command("lock", is_locked=True)
        self.receive_webhook()
        self.export()
        if self.site.has_admin:
            self.operate()
        results = self.cron()
        self.disconnect()
        return results

    def page(self, of_car=""):
        """Return the page of all cars, or that of one by its key."""
        with self.site.caught_up():
            return self.driver.get(self.site.pages + (f"{of_car}/" if of_car else "")).text

    def cars(self):
        """Return the keys of the cars that have a page. One that was just disconnected is only named."""
        return [int(key) for key in re.findall(r'<h2 id="vehicle-(\d+)"><a ', self.page())]

    @property
    def car(self):
        return self.site.smartcar.car(self.email)

    def connect(self):
        assert not self.cars()
        response = self.driver.post(f"{self.site.pages}connect/", follow=False)
        assert response.status_code == 302
        visit = Visit(RequestsBrowser(), self.site.smartcar.url, response.headers["Location"])
        visit.connect(self.email, "CHEVROLET")
        assert visit.landed.startswith(f"{self.site.url}{self.site.endpoints}callback/?")
        self.site.before_callback(self.driver)
        assert urlsplit(self.driver.get(visit.landed).url).path == self.site.pages
        page = self.page()
        assert "Chevrolet" in page, page
        (self.key,) = self.cars()

    def refresh(self):
        self.driver.post(f"{self.site.pages}{self.key}/refresh/")
        self.wait_for(lambda: self.odometer() == round(self.car.odometer_km))

    def odometer(self):
        """Return the odometer on the car's page, in km; None if it is not there."""
        page = self.page(self.key)
        found = re.search(r"(?:Odometer|Kilometerstand)</dt>\s*<dd><bdi>\s*([\d.,]+)", page)
        # One decimal, whatever the language separates it with.
        return found and round(int(re.sub(r"\D", "", found[1])) / 10)

    def command(self, action, *, is_locked):
        self.driver.post(f"{self.site.pages}{self.key}/{action}/")
        self.wait_for(lambda: self.car.is_locked is is_locked)
        self.wait_for(lambda: "data-smartcar-follow=" not in self.page())

    def receive_webhook(self):
        webhook = registry.add("Mine", f"{self.site.webhook_origin}{self.site.endpoints}webhook/")
        registry.verify(webhook)
        self.wait_for(lambda: webhook.is_verified)
        registry.subscribe(webhook.id, owner(self.email).id, self.car.id)
        with notify.changing(self.car):
            self.car.odometer_km += 12
        self.wait_for(lambda: self.odometer() == round(self.car.odometer_km))

    def export(self):
        with self.site.caught_up():
            readings = json.loads(self.driver.get(f"{self.site.pages}readings.json").text)
            rows = self.driver.get(f"{self.site.pages}readings.csv").text.splitlines()
        own = [reading for reading in readings if reading["vehicle"] == self.car.id]
        assert {"odometer", "location"} <= {reading["signal"] for reading in own}
        assert all(reading["recorded_at"].endswith(("Z", "+00:00")) for reading in own), own
        assert_recent(max(datetime.fromisoformat(reading["recorded_at"]) for reading in own), minutes=5)
        assert len(rows) == len(readings) + 1

    def operate(self):
        """Unlock the car in the admin, as an operator."""
        operator = Person(self.site, "operator")
        changelist = "/admin/smartcar/connectedvehicle/"
        with self.site.caught_up():
            for path in ("vehiclecommand/", "webhookevent/", "vehiclesignal/", "smartcaraccount/"):
                operator.get(f"/admin/smartcar/{path}")
            assert f"/{self.key}/change/" in operator.get(changelist).text
        form = {"action": "unlock", "_selected_action": self.key}
        assert 'name="confirmed"' in operator.post(changelist, **form).text
        operator.post(changelist, **form, confirmed="yes")
        self.wait_for(lambda: self.car.is_locked is False)

    def cron(self):
        results = self.site.run_commands()
        errors = {name: result for name, result in results.items() if result["error"]}
        assert not errors, json.dumps(errors, indent=1)
        assert_recent(datetime.fromisoformat(results["history"]["output"]), minutes=65)
        assert "smartcar.E" not in results["check"]["output"]
        export = json.loads(results["export_smartcar_data"]["output"])
        commands = [(command["action"], command["status"]) for command in export["commands"]]
        expected = ["unlock", "lock", "unlock"] if self.site.has_admin else ["unlock", "lock"]
        assert commands[-len(expected) :] == [(action, "succeeded") for action in expected]
        return results

    def disconnect(self):
        self.driver.get(f"{self.site.pages}{self.key}/disconnect/")
        self.driver.post(f"{self.site.pages}{self.key}/disconnect/")
        self.wait_for(lambda: not self.cars())

    def wait_for(self, condition):
        deadline = time.monotonic() + WITHIN
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {WITHIN} seconds; the page: {self.page()}\n{self.site.last_log}")
            time.sleep(0.1)
