"""Django's test runner, with no way to the real Smartcar."""

from __future__ import annotations

import contextlib
from typing import Any

from django.test import override_settings
from django.test.runner import DiscoverRunner

from . import network, simulator


class Runner(DiscoverRunner):
    """``TEST_RUNNER = "django_smartcar.testing.Runner"``: the whole run is inside `blocked`.

    Credentials and keys that a site leaves to its environment are made up where they are missing, so that the
    system checks, which run before the tests, miss none. Processes of ``--parallel`` are blocked where they
    are forked; where they are spawned (macOS, Windows), each module has to enter `blocked` itself.
    """

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        self._entered = contextlib.ExitStack()
        self._entered.enter_context(network.blocked())
        self._entered.enter_context(override_settings(**simulator.missing()))

    def teardown_test_environment(self, **kwargs: Any) -> None:
        self._entered.close()
        super().teardown_test_environment(**kwargs)
