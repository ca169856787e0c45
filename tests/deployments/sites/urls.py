from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.urls import include, path

urlpatterns = [
    path("login/", login_not_required(LoginView.as_view(template_name="admin/login.html", next_page="/cars/"))),
    path("password/", PasswordChangeView.as_view(success_url="/cars/")),
    path("admin/", admin.site.urls),
    path("cars/", include("django_smartcar.urls")),
]
