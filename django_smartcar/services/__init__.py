"""Business logic: the only layer that both reads the database and calls the Smartcar API.

Import the modules: ``from django_smartcar.services import commands``, then
``commands.send(vehicle, "lock", actor=user)``.
"""

from ._authenticated_calls import as_application, in_background

__all__ = ["as_application", "in_background"]
