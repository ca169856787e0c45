"""Fixtures for a site's own tests, based on `django_smartcar.testing` and pytest-django.

Enable them in the top-level ``conftest.py``::

    pytest_plugins = ["django_smartcar.pytest_plugin"]

No test then reaches the real Smartcar, unless it is marked with ``smartcar_network``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

# The fixtures import these themselves: a plugin is loaded before Django's apps.
if TYPE_CHECKING:
    from . import testing
    from .models import SmartcarAccount


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "smartcar_network: this test may send requests to the real Smartcar.")


@pytest.fixture(scope="session", autouse=True)
def _smartcar_blocked() -> Iterator[None]:
    from .testing import blocked

    with blocked():
        yield


@pytest.fixture(autouse=True)
def _smartcar_unblocked_where_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    from .testing import unblocked

    is_marked = request.node.get_closest_marker("smartcar_network") is not None
    with unblocked() if is_marked else contextlib.nullcontext():
        yield


@pytest.fixture
def smartcar_api_version() -> str:
    """The API version that the site uses: override or parametrize it with ``"2.0"`` or ``"3"``."""
    from .conf import conf

    return conf.SMARTCAR_API_VERSION


@pytest.fixture
def smartcar_simulator(settings: Any, smartcar_api_version: str) -> Iterator[testing.Simulator]:
    """A new simulator without vehicles, in this process: a `django_smartcar.testing.Simulator`."""
    from .testing import simulator

    with simulator(smartcar_api_version, override=partial(_override, settings)) as smartcar:
        yield smartcar


@contextlib.contextmanager
def _override(settings: Any, **values: object) -> Iterator[None]:
    """Override settings like ``override_settings``, but through the ``settings`` fixture.

    A test may change settings with that fixture meanwhile, and the two would restore them in the wrong order.
    """
    before = {name: getattr(settings, name) for name in values if hasattr(settings, name)}
    for name, value in values.items():
        setattr(settings, name, value)
    try:
        yield
    finally:
        for name in values:
            if name in before:
                setattr(settings, name, before[name])
            else:
                delattr(settings, name)


@pytest.fixture
def smartcar_live_simulator(smartcar_simulator: testing.Simulator) -> Iterator[testing.Simulator]:
    """The simulator, served on a port as well, for ``live_server`` and browsers; see its ``.url``."""
    with smartcar_simulator.on_a_port():
        yield smartcar_simulator


@pytest.fixture
def smartcar_user(db: None, django_user_model: Any) -> Any:
    """The user of ``smartcar_account``: override it if your user model needs more than a name."""
    return django_user_model.objects.create_user("driver")


@pytest.fixture
def smartcar_account(smartcar_simulator: testing.Simulator, smartcar_user: Any) -> SmartcarAccount:
    """The account of ``smartcar_user``, with one connected vehicle."""
    return smartcar_simulator.connect(smartcar_user).account


@pytest.fixture
def smartcar_webhook(smartcar_simulator: testing.Simulator) -> Callable[..., Any]:
    """Post an event to the site as a signed request: `django_smartcar.testing.send_webhook`."""
    from .testing import send_webhook

    return send_webhook
