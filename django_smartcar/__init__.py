"""Connected cars for Django, over the Smartcar API.

Add ``"django_smartcar"`` to ``INSTALLED_APPS``, include ``django_smartcar.urls``, run ``migrate``, and put
a button into a template::

    {% load smartcar %}
    {% smartcar_connect_button %}

A car that a driver has connected is a row, and the services read and control it::

    from django_smartcar.models import ConnectedVehicle
    from django_smartcar.services import commands, vehicles

    car = ConnectedVehicle.objects.for_user(request.user).connected().get(pk=pk)
    vehicles.odometer(car)["data"]["distance"]
    commands.send(car, "lock", actor=request.user)
"""

__version__ = "0.1.0"
