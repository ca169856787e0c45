"""A site with a language prefix in its URLs."""

from .plain import *  # noqa: F403

ROOT_URLCONF = "tests.deployments.sites.language_urls"
