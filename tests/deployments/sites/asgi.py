"""The ASGI application of a site."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
