"""Every host of Smartcar under one prefix. No path is ever redirected to one with a slash: the SDKs' clients
would lose their POST on the way.
"""

from __future__ import annotations

from django.urls import path, re_path

from .views import about, api, auth, connect, management

app_name = "smartcar_simulator"

urlpatterns = [
    path("", about.about, name="about"),
    # connect.smartcar.com
    re_path(r"^connect/oauth/authorize/?$", connect.authorize, name="connect-authorize"),
    path("connect/<str:run_id>/", connect.preamble, name="connect-preamble"),
    path("connect/<str:run_id>/brands/", connect.brands, name="connect-brands"),
    path("connect/<str:run_id>/sign-in/", connect.sign_in_page, name="connect-sign-in"),
    path("connect/<str:run_id>/approval/", connect.approval, name="connect-approval"),
    path("connect/<str:run_id>/exit/", connect.leave, name="connect-exit"),
    # auth.smartcar.com
    re_path(r"^auth/oauth/token/?$", auth.token, name="token"),
    # api.smartcar.com
    re_path(r"^api/v(?P<version>[^/]+)/(?P<path>.*)$", api.dispatch, name="api"),
    re_path(r"^api/(?P<path>.*)$", api.missing),
    # management.smartcar.com
    re_path(
        r"^management/v(?P<version>[^/]+)/management/connections/?$",
        management.connections,
        name="management-connections",
    ),
    re_path(r"^management/(?P<path>.*)$", management.missing),
]
