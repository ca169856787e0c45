"""The only place where rows and Smartcar meet: one file per flow, imported as modules.

``from django_smartcar.services import commands`` and then ``commands.send(vehicle, "lock", actor=user)``.
"""
