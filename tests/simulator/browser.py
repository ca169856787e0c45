"""A browser without JavaScript for tests: fill in forms, press buttons by id, follow redirects."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests


@dataclass
class Form:
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class _PageParser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []
        self.links = {}
        self.ids = set()
        self._form = None
        self._select = None

    def handle_starttag(self, tag, attribute_pairs):
        attrs = dict(attribute_pairs)
        self.ids.add(attrs.get("id"))
        if tag == "a" and attrs.get("id"):
            self.links[attrs["id"]] = attrs["href"]
        if tag == "form":
            self._form = Form(attrs.get("action", ""), attrs.get("method", "get").upper())
            self.forms.append(self._form)
        if self._form is None or "disabled" in attrs:
            return
        is_box = attrs.get("type") in ("checkbox", "radio")
        name, value = attrs.get("name"), attrs.get("value", "on" if is_box else "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self._choose(value, "selected" in attrs)
        elif tag == "button":
            self._form.buttons[attrs.get("id", "")] = (name or "", value)
        elif (tag == "input" and name) and (not is_box or "checked" in attrs):
            self._form.fields.append((name, value))

    def _choose(self, value, is_selected):
        """Select the first option, until a later one is marked as selected."""
        chosen = [name for name, _ in self._form.fields]
        if self._select not in chosen:
            self._form.fields.append((self._select, value))
        elif is_selected:
            self._form.fields[chosen.index(self._select)] = (self._select, value)

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None


class RequestsBrowser:
    """Fetches pages over HTTP."""

    def __init__(self):
        self.session = requests.Session()

    def fetch(self, method, url, data=None):
        response = self.session.request(method, url, data=data, allow_redirects=False, timeout=10)
        return response.status_code, response.headers.get("Location"), response.text


class ClientBrowser:
    """Fetches pages with Django's test client."""

    origin = "http://testserver"

    def __init__(self, client):
        self.client = client

    def fetch(self, method, url, data=None):
        path = url.removeprefix(self.origin)
        if method == "POST":
            fields = {}
            for name, value in data:
                fields.setdefault(name, []).append(value)
            response = self.client.post(path, fields)
        else:
            response = self.client.get(path)
        return response.status_code, response.get("Location"), response.content.decode()


class Visit:
    """A visit to the simulator's pages. `landed` is the URL outside of it that a redirect led to, or None."""

    def __init__(self, browser, home, url):
        self.browser = browser
        self.home = home
        self.landed = None
        self.open(url)

    def open(self, url, method="GET", data=None):
        while True:
            self.status, location, self.text = self.browser.fetch(method, url, data)
            if location is None:
                self.url = url
                self.page = _PageParser()
                self.page.feed(self.text)
                return self
            url, method, data = urljoin(url, location), "GET", None
            if not url.startswith(self.home):
                self.landed = url
                return self

    def press(self, button_id, untick=(), **fields):
        """Press a button of a form. Fill in `fields`; clear the boxes whose value is in `untick`."""
        form = next(form for form in self.page.forms if button_id in form.buttons)
        data = [(name, value) for name, value in form.fields if name not in fields and value not in untick]
        for name, value in fields.items():
            data += [(name, one) for one in (value if isinstance(value, list) else [value])]
        if form.buttons[button_id][0]:
            data.append(form.buttons[button_id])
        url = urljoin(self.url, form.action)
        if form.method == "GET":
            return self.open(f"{url.partition('?')[0]}?{urlencode(data)}")
        return self.open(url, form.method, data)

    def follow(self, link_id):
        return self.open(urljoin(self.url, self.page.links[link_id]))

    def sign_in(self, email="driver@example.com", make="CHEVROLET", password="any"):
        """Go from the start page of Connect through the sign-in."""
        self.press("continue-button")
        if make in self.page.ids:
            self.press(make)
        return self.press("sign-in-button", username=email, password=password)

    def connect(self, email="driver@example.com", make="CHEVROLET", **fields):
        """Go through all of Connect and approve."""
        self.sign_in(email, make)
        if self.landed is None:
            self.press("approval-button", **fields)
        return self

    @property
    def callback(self):
        """Return the parameters of the redirect to the application."""
        return dict(parse_qsl(urlsplit(self.landed).query, keep_blank_values=True))
