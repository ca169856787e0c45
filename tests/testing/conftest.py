import pytest

from django_smartcar import testing


@pytest.fixture(params=["2.0", "3"])
def pretend(request, settings):
    """The simulator as a site's tests use it, in both API versions; this site's settings differ."""
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    settings.SMARTCAR_ENCRYPTION_KEYS = []
    with testing.simulator(request.param) as smartcar:
        yield smartcar
