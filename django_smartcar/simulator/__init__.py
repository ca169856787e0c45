"""The Smartcar simulator: Connect, tokens, vehicles, webhooks and management, in memory, without an account.

Mounted in a project, for its tests and its development::

    INSTALLED_APPS = [..., "django_smartcar.simulator"]
    urlpatterns = [..., path("smartcar-simulator/", include("django_smartcar.simulator.urls"))]

or as a program of its own, for any HTTP client: ``python -m django_smartcar.simulator --port 8100``.

Its control panel, at ``garage/`` below either, drives the vehicles, injects errors and sends webhooks. The
packages `behaviour`, `faults` and `webhooks` do the same from code, and ``store.advance(seconds)`` moves the
clock.

The simulator shares no code with the rest of ``django_smartcar`` and talks to it over HTTP only. A test that
passes against it therefore tests the real requests and responses.
"""
