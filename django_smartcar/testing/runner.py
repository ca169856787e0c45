"""A Django test runner that blocks requests to the real Smartcar."""

from __future__ import annotations

import contextlib
from typing import Any

from django.test import override_settings
from django.test.runner import DiscoverRunner

from . import network, simulator


class Runner(DiscoverRunner):
    """Run all tests inside `blocked`: ``TEST_RUNNER = "django_smartcar.testing.Runner"``.

    Missing credentials and keys get test values, so that the system checks, which run before the tests, pass.
    Processes of ``--parallel`` are blocked if they are forked; if they are spawned (macOS, Windows), each
    module has to enter `blocked` itself.
    """

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        self._contexts = contextlib.ExitStack()
        self._contexts.enter_context(network.blocked())
        self._contexts.enter_context(override_settings(**simulator.missing_settings()))

    def teardown_test_environment(self, **kwargs: Any) -> None:
        self._contexts.close()
        super().teardown_test_environment(**kwargs)
