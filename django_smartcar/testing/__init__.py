"""Tools for a site's own tests: a simulator in place of Smartcar, and a block on real requests.

`django_smartcar.pytest_plugin` has the same as fixtures; docs/testing.rst has examples::

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
