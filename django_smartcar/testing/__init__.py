"""For the tests of a site: the pretend Smartcar in place of the real one, which no test reaches by accident.

`django_smartcar.pytest_plugin` has the same as fixtures, and docs/testing.rst a test for each::

    with testing.simulator() as smartcar:
        (vehicle,) = smartcar.connect(user).vehicles
        commands.send(vehicle, "lock")
        assert smartcar.car(vehicle).is_locked
"""

from .network import NetworkBlocked, blocked, unblocked
from .runner import Runner
from .simulator import Simulator, simulator
from .webhooks import send_webhook, signed

__all__ = [
    "NetworkBlocked",
    "Runner",
    "Simulator",
    "blocked",
    "send_webhook",
    "signed",
    "simulator",
    "unblocked",
]
