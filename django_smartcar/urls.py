from django.urls import path

from .views import connect, destination, readings, vehicle_page, vehicle_states, vehicles, webhook

app_name = "smartcar"

#: What Smartcar calls; ``endpoint_urls`` has them alone.
endpoints = [
    path("callback/", connect.callback, name="callback"),
    # With and without a trailing slash: Smartcar treats a redirect as a failure.
    path("webhook/", webhook.webhook, name="webhook"),
    path("webhook", webhook.webhook),
    path("webhook/<slug:endpoint>/", webhook.webhook, name="webhook"),
    path("webhook/<slug:endpoint>", webhook.webhook),
]

urlpatterns = [
    path("", vehicles.vehicle_list, name="vehicles"),
    path("states/", vehicle_states.vehicle_states, name="vehicle_states"),
    path("connect/", connect.start, name="connect"),
    *endpoints,
    path("<int:pk>/", vehicle_page.vehicle_page, name="vehicle"),
    path("<int:pk>/state/", vehicle_states.vehicle_state, name="vehicle_state"),
    path("<int:pk>/lock/", vehicles.lock, name="lock"),
    path("<int:pk>/unlock/", vehicles.unlock, name="unlock"),
    path("<int:pk>/command/<slug:action>/", vehicles.send_command, name="command"),
    path("<int:pk>/destination/", destination.find, name="find_destination"),
    path("<int:pk>/commands/<int:command_pk>/", vehicle_states.command_state, name="command_state"),
    path("<int:pk>/commands/<int:command_pk>.json", vehicle_states.command_json, name="command_json"),
    path("<int:pk>/refresh/", vehicles.refresh, name="refresh"),
    path("<int:pk>/reauthenticate/", connect.reauthenticate, name="reauthenticate"),
    path("readings.csv", readings.download, {"file_format": "csv"}, name="readings_csv"),
    path("readings.json", readings.download, {"file_format": "json"}, name="readings_json"),
    path("<int:pk>/readings.csv", readings.download, {"file_format": "csv"}, name="vehicle_readings_csv"),
    path("<int:pk>/readings.json", readings.download, {"file_format": "json"}, name="vehicle_readings_json"),
    path("<int:pk>/disconnect/", vehicles.disconnect, name="disconnect"),
]
