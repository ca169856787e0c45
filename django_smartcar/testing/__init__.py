"""For the tests of a site: the pretend Smartcar in place of the real one, which no test reaches by accident.

Nothing else in the package imports it::

    with testing.simulator() as smartcar:
        (vehicle,) = smartcar.connect(user).vehicles
        commands.send(vehicle, "lock")
        assert smartcar.car(vehicle).is_locked
"""

from .gate import NetworkBlocked, blocked, unblocked
from .simulated import Simulator, simulator
from .webhooks import send_webhook, signed

__all__ = ["NetworkBlocked", "Simulator", "blocked", "send_webhook", "signed", "simulator", "unblocked"]
