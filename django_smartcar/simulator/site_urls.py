"""URLs of the stand-alone server: the simulator at the root."""

from django.urls import include, path

urlpatterns = [path("", include("django_smartcar.simulator.urls"))]
