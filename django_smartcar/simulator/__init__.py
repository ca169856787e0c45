"""A pretend Smartcar: Connect, tokens, vehicles and management, in memory, without an account.

Mounted in a project, for its tests and its development::

    INSTALLED_APPS = [..., "django_smartcar.simulator"]
    urlpatterns = [..., path("smartcar-simulator/", include("django_smartcar.simulator.urls"))]

or alone, for anything that speaks HTTP: ``python -m django_smartcar.simulator --port 8100``.

Its garage, at ``garage/`` below either, drives the cars, breaks them and sends webhooks. `journeys`,
`faults`, `limits`, `news` and `webhooks` do the same from code; ``world.advance(seconds)`` lets time pass.

It shares no code with the rest of ``django_smartcar``: they meet only on the wire, so whatever works over
that wire is evidence.
"""
