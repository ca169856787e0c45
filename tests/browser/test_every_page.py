"""Axe-core finds nothing on any page of the site, and no page scrolls sideways."""

import re

import pytest

from . import axe, pages

#: Language, colors and width: each pair of them occurs.
VARIANTS = [("en", "light", 1280), ("en", "dark", 320), ("de", "light", 320), ("de", "dark", 1280)]

#: Pages that say that a request is wrong.
REFUSED = {
    "cars/callback/",
    "smartcar-simulator/^connect/oauth/authorize/?$",
    "smartcar-simulator/^connect/oauth/reauthenticate/?$",
}

FACTS = """
    const [navigation] = performance.getEntriesByType("navigation")
    return [navigation.responseStatus, document.documentElement.lang, document.scrollingElement.scrollWidth]
"""

SITES = [(layout, route) for layout in pages.LAYOUTS for route in pages.routes_of(layout)]


def test_every_url_has_a_page_or_none():
    routes = set(pages.routes())
    others = {route for route in routes if any(re.fullmatch(one, route) for one in pages.OTHERS.values())}
    assert routes - others == pages.PAGES.keys()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    pages.make(folder)
    return folder


@pytest.fixture(scope="module", params=pages.LAYOUTS)
def layout(request):
    return request.param


@pytest.fixture(scope="module")
def site(folder, layout):
    with pages.served(folder, layout) as site:
        yield site


@pytest.fixture
def inspector(browser, site):
    inspector = pages.Inspector(browser, site)
    yield inspector
    inspector.show_as_usual()


@pytest.mark.browser
@pytest.mark.parametrize(("layout", "route"), SITES, indirect=["layout"])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(inspector, layout, route):
    browser = inspector.browser
    inspector.enter(route)
    pages.PAGES[route](inspector)
    found = []
    for variant in VARIANTS:
        language, scheme, width = variant
        inspector.show(width, scheme=scheme, language=language)
        browser.get(browser.current_url)
        found += [(variant, line) for line in axe.problems(browser, axe.OF_DJANGO)]
        status, lang, width_of_page = browser.execute_script(FACTS)
        assert status < 400 or route in REFUSED
        assert layout == "example" or lang == language
        if width_of_page > width and not (route.startswith("admin/") and width == 320):
            found.append((variant, f"the page is {width_of_page} px wide"))
    assert found == []
