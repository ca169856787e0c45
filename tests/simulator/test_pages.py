"""The pages of a pretend Smartcar that is mounted in a site."""

import re

import pytest


@pytest.mark.parametrize("path", ["", "garage/", "garage/webhooks/", "connect/finished"])
def test_a_page_is_dressed_when_the_site_has_neither_templates_nor_static_files(client, settings, path):
    settings.TEMPLATES = []
    settings.STATIC_URL = None
    page = client.get(f"/smartcar-simulator/{path}")
    assert page.status_code == 200
    dresses = re.findall(r'(?:href|src)="(/smartcar-simulator/files/[^"]+)"', page.content.decode())
    assert len(dresses) == 4
    for url in dresses:
        file = client.get(url)
        assert file.status_code == 200
        assert b"".join(file.streaming_content)


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fserver.py", "%2Fetc%2Fpasswd"])
def test_no_other_file_is_given_away(client, name):
    assert client.get(f"/smartcar-simulator/files/{name}").status_code == 404
