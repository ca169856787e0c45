"""Fixtures for the tests of a site, over `django_smartcar.testing` and pytest-django.

A site asks for them in its outermost ``conftest.py``; until then, nothing here does anything::

    pytest_plugins = ["django_smartcar.pytest_plugin"]

From then on no test reaches the real Smartcar, unless it is marked with ``smartcar_network``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

# Imported inside the fixtures: a plugin is loaded before Django's apps are.
if TYPE_CHECKING:
    from . import testing
    from .models import SmartcarAccount


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "smartcar_network: this test may ask the real Smartcar.")


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
    """What the site speaks to the simulator: override or parametrize it with ``"2.0"`` or ``"3"``."""
    from .conf import conf

    return conf.SMARTCAR_API_VERSION


@pytest.fixture
def smartcar_simulator(settings: Any, smartcar_api_version: str) -> Iterator[testing.Simulator]:
    """The pretend Smartcar, new and without cars, in this process: `django_smartcar.testing.Simulator`."""
    from .testing import simulator

    with simulator(smartcar_api_version, override=partial(_override, settings)) as smartcar:
        yield smartcar


@contextlib.contextmanager
def _override(settings: Any, **values: object) -> Iterator[None]:
    """As ``override_settings``, by the fixture that a test may change settings with meanwhile.

    Each of the two undoes its changes in turn, but not among those of the other.
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
    """The same, at a port as well, for ``live_server`` and a browser: ``.url`` is where."""
    with smartcar_simulator.on_a_port():
        yield smartcar_simulator


@pytest.fixture
def smartcar_user(db: None, django_user_model: Any) -> Any:
    """The user whose car ``smartcar_account`` is: override it where users need more than a name."""
    return django_user_model.objects.create_user("driver")


@pytest.fixture
def smartcar_account(smartcar_simulator: testing.Simulator, smartcar_user: Any) -> SmartcarAccount:
    """The account of ``smartcar_user``, with one connected car."""
    return smartcar_simulator.connect(smartcar_user).account


@pytest.fixture
def smartcar_webhook(smartcar_simulator: testing.Simulator) -> Callable[..., Any]:
    """Has the site receive an event as a signed request: `django_smartcar.testing.send_webhook`."""
    from .testing import send_webhook

    return send_webhook
