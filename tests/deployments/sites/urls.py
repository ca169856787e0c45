from django.apps import apps
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.urls import include, path

login = LoginView.as_view(template_name="login.html", next_page="/password/")
password = PasswordChangeView.as_view(template_name="login.html", success_url="/password/")
urlpatterns = [
    path("login/", login_not_required(login)),
    path("password/", password),
    *([path("admin/", admin.site.urls)] if apps.is_installed("django.contrib.admin") else []),
    path("cars/", include("django_smartcar.urls")),
]
