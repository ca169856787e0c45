"""The urls of the program: the pretend Smartcar at the root."""

from django.urls import include, path

urlpatterns = [path("", include("django_smartcar.simulator.urls"))]
