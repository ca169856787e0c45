from django.conf.urls.i18n import i18n_patterns

from .urls import urlpatterns as plain

urlpatterns = [*plain[:-1], *i18n_patterns(*plain[-1:])]
