from django.urls import path

from .views import connect, vehicles

app_name = "smartcar"

urlpatterns = [
    path("", vehicles.vehicle_list, name="vehicles"),
    path("connect/", connect.start, name="connect"),
    path("callback/", connect.callback, name="callback"),
    path("<int:pk>/lock/", vehicles.lock, name="lock"),
    path("<int:pk>/unlock/", vehicles.unlock, name="unlock"),
    path("<int:pk>/tell/<slug:action>/", vehicles.tell, name="tell"),
    path("<int:pk>/refresh/", vehicles.refresh, name="refresh"),
    path("<int:pk>/reauthenticate/", connect.reauthenticate, name="reauthenticate"),
    path("<int:pk>/disconnect/", vehicles.disconnect, name="disconnect"),
]
