"""The URLs that Smartcar calls: a site with a language prefix in its URLs includes them outside of it."""

from .urls import endpoints

app_name = "smartcar_endpoints"

urlpatterns = endpoints
