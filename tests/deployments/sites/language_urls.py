import os

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from .urls import urlpatterns as plain

urlpatterns = [*plain[:-1], *i18n_patterns(*plain[-1:])]
if "SITE_ENDPOINTS" in os.environ:
    urlpatterns += [path(os.environ["SITE_ENDPOINTS"], include("django_smartcar.endpoint_urls"))]
