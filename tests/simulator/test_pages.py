"""The pages of a simulator that is mounted in a site."""

import re

import pytest


@pytest.mark.parametrize("path", ["", "garage/", "garage/webhooks/", "connect/finished"])
def test_pages_have_styles_on_a_site_without_templates_and_static_files(client, settings, path):
    settings.TEMPLATES = []
    settings.STATIC_URL = None
    page = client.get(f"/smartcar-simulator/{path}")
    assert page.status_code == 200
    assets = re.findall(r'(?:href|src)="(/smartcar-simulator/files/[^"]+)"', page.content.decode())
    assert len(assets) == 4
    for url in assets:
        file = client.get(url)
        assert file.status_code == 200
        assert b"".join(file.streaming_content)


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fserver.py", "%2Fetc%2Fpasswd", "a" * 300, "%00"])
def test_other_files_are_not_served(client, name):
    assert client.get(f"/smartcar-simulator/files/{name}").status_code == 404


@pytest.mark.parametrize(
    "path", ["", "garage/", "garage/rules/", "garage/cars/{}/", "garage/cars/{}/errors/"]
)
def test_pages_are_in_english_whatever_the_language_of_the_site(client, smartcar, clock, path):
    smartcar.grant()
    url = f"/smartcar-simulator/{path.format(smartcar.car().id)}"
    page, german_page = (client.get(url, headers={"accept-language": name}) for name in ("en", "de"))
    assert without_tokens(german_page) == without_tokens(page)


def without_tokens(response):
    return re.sub(r'(?<=csrfmiddlewaretoken" value=")\w+', "", response.content.decode())
