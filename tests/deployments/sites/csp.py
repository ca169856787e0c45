"""A site that sends a Content-Security-Policy: the one in SITE_CSP."""

import os

from .plain import *  # noqa: F403
from .plain import MIDDLEWARE

MIDDLEWARE = ["tests.deployments.sites.csp.add_policy", *MIDDLEWARE]


def add_policy(get_response):
    def middleware(request):
        response = get_response(request)
        response["Content-Security-Policy"] = os.environ["SITE_CSP"]
        return response

    return middleware
