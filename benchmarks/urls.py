from django.conf import settings
from django.urls import include, path

from benchmarks.bare.views import store

urlpatterns = [path("cars/", include("django_smartcar.urls")), path("bare/", store)]
if "djstripe" in settings.INSTALLED_APPS:
    urlpatterns.append(path("stripe/", include("djstripe.urls", namespace="djstripe")))
