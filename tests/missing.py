"""What a test does when something is not installed: skip, or fail in CI."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(message: str) -> NoReturn:
    """Skip the test, or fail it where the environment variable CI is "true"."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
