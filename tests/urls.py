from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.urls import include, path


@login_not_required
def home(request):
    return HttpResponse("home")


urlpatterns = [
    path("", home, name="home"),
    path("login/", LoginView.as_view(template_name="admin/login.html"), name="login"),
    path("admin/", admin.site.urls),
    path("cars/", include("django_smartcar.urls")),
    path("smartcar-simulator/", include("django_smartcar.simulator.urls")),
]
