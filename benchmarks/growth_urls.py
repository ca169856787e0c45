from django.contrib import admin
from django.urls import include, path

from benchmarks.bare.views import page

urlpatterns = [
    path("admin/", admin.site.urls),
    path("cars/", include("django_smartcar.urls")),
    path("bare/page/", page),
]
