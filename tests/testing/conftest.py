import pytest

from django_smartcar import testing


@pytest.fixture(params=["2.0", "3"])
def simulator(request, settings):
    """Run the simulator as a site's tests do, in each API version, without the settings of these tests."""
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    settings.SMARTCAR_ENCRYPTION_KEYS = []
    with testing.simulator(request.param) as smartcar:
        yield smartcar
