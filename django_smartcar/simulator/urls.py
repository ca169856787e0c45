"""URLs of the simulator: one prefix for each of Smartcar's hosts, and the pages of the garage.

No path is redirected to one with a trailing slash: HTTP clients would repeat their POST as a GET. The API's
paths work with and without it, because Smartcar's SDKs differ.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path

from . import views
from .api import auth, compatibility, iam, management_v2, management_v3, v1_v2, vehicle_api
from .connect import views as connect
from .dashboard import settings_views, webhook_views
from .dashboard import views as dashboard

app_name = "smartcar_simulator"


def _v3(route: str, view: Callable[..., HttpResponseBase]) -> list[URLPattern]:
    """Return the URL patterns of a path of API v3, with and without a trailing slash."""
    return [path(route, view), path(f"{route}/", view)]


urlpatterns = [
    path("", views.about, name="about"),
    path("files/<str:name>", views.static_file, name="file"),
    # the garage: what a driver does by hand, and Smartcar's dashboard
    path("garage/", dashboard.vehicle_list, name="garage"),
    path("garage/cars/<str:vehicle_id>/", dashboard.vehicle_detail, name="garage-car"),
    path("garage/cars/<str:vehicle_id>/history.jsonl", dashboard.vehicle_archive, name="garage-archive"),
    path("garage/cars/<str:vehicle_id>/errors/", dashboard.vehicle_errors, name="garage-errors"),
    path("garage/webhooks/", webhook_views.webhook_list, name="garage-webhooks"),
    path("garage/webhooks/<str:webhook_id>/", webhook_views.webhook_detail, name="garage-webhook"),
    path("garage/application/", settings_views.application, name="garage-application"),
    path("garage/rules/", settings_views.clock_and_limits, name="garage-rules"),
    # connect.smartcar.com
    re_path(r"^connect/oauth/authorize/?$", connect.authorize, name="connect-authorize"),
    re_path(r"^connect/oauth/reauthenticate/?$", connect.reauthenticate, name="connect-reauthenticate"),
    path("connect/finished", connect.finished, name="connect-finished"),
    path("connect/<str:session_id>/", connect.preamble, name="connect-preamble"),
    path("connect/<str:session_id>/brands/", connect.brands, name="connect-brands"),
    path("connect/<str:session_id>/sign-in/", connect.sign_in_page, name="connect-sign-in"),
    path("connect/<str:session_id>/approval/", connect.approval, name="connect-approval"),
    path("connect/<str:session_id>/exit/", connect.leave, name="connect-exit"),
    # auth.smartcar.com
    re_path(r"^auth/oauth/token/?$", auth.token, name="token"),
    # Smartcar's Python SDK takes the URL of the token endpoint from a variable, to which the others append
    # its path; and its Node SDK opens Connect at the origin of the API.
    re_path(r"^auth/oauth/token/oauth/token/?$", auth.token),
    re_path(r"^api/oauth/authorize/?$", connect.authorize),
    # iam.smartcar.com
    re_path(r"^iam/oauth2/token/?$", iam.token, name="application-token"),
    # api.smartcar.com
    # the name in Smartcar's Java SDK of what the others call compatibility/matrix
    re_path(
        r"^api/v(?P<version>[^/]+)/compatibility-matrix/?$", v1_v2.dispatch, {"path": "compatibility/matrix"}
    ),
    re_path(r"^api/v(?P<version>[^/]+)/(?P<path>.*)$", v1_v2.dispatch, name="api"),
    re_path(r"^api/(?P<path>.*)$", v1_v2.path_not_found),
    # management.smartcar.com
    re_path(
        r"^management/v(?P<version>[^/]+)/management/connections/?$",
        management_v2.connections,
        name="management-connections",
    ),
    re_path(r"^management/(?P<path>.*)$", management_v2.path_not_found),
    # vehicle.api.smartcar.com
    *_v3("vehicle-api/v3/connections", vehicle_api.connection_list),
    *_v3("vehicle-api/v3/connections/<str:connection_id>", vehicle_api.connection_detail),
    *_v3("vehicle-api/v3/users/<str:user_id>", vehicle_api.user_detail),
    *_v3("vehicle-api/v3/vehicles/<str:vehicle_id>", vehicle_api.vehicle_detail),
    *_v3("vehicle-api/v3/vehicles/<str:vehicle_id>/signals", vehicle_api.signal_list),
    *_v3("vehicle-api/v3/vehicles/<str:vehicle_id>/signals/<str:code>", vehicle_api.signal_detail),
    *_v3("vehicle-api/v3/vehicles/<str:vehicle_id>/commands/<path:path>", vehicle_api.send_command),
    *_v3("vehicle-api/v3/vehicles/<str:vehicle_id>/charge-schedules/<str:name>", vehicle_api.charge_schedule),
    re_path(r"^vehicle-api/(?P<path>.*)$", vehicle_api.path_not_found),
    # management.api.smartcar.com
    *_v3("management-api/v3/applications", management_v3.application_list),
    *_v3("management-api/v3/applications/<str:application_id>", management_v3.application_detail),
    *_v3("management-api/v3/applications/<str:application_id>/secrets", management_v3.secret_list),
    *_v3("management-api/v3/webhooks", management_v3.webhook_list),
    *_v3("management-api/v3/webhooks/<str:webhook_id>", management_v3.webhook_detail),
    *_v3("management-api/v3/subscriptions", management_v3.subscription_list),
    *_v3("management-api/v3/subscriptions/<str:subscription_id>", management_v3.subscription_detail),
    re_path(r"^management-api/(?P<path>.*)$", management_v3.path_not_found),
    # compatibility.api.smartcar.com
    *_v3("compatibility-api/v3/compatible-vehicles", compatibility.compatible_vehicles),
    re_path(r"^compatibility-api/(?P<path>.*)$", compatibility.path_not_found),
]
