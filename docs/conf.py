"""Settings of Sphinx: ``python3 run.py docs`` builds the documentation into ``docs/_build``."""

import sys
from pathlib import Path

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

# The reference is made from the code, which needs a project. Nothing is read from a database.
settings.configure(
    DEBUG=True,
    SECRET_KEY="docs",  # noqa: S106 (signs nothing)
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django_smartcar",
    ],
)
django.setup()

project = "django-smartcar"
author = "The django-smartcar developers"
release = version = django.apps.apps.get_app_config("smartcar").module.__version__
extensions = ["sphinx.ext.autodoc", "generated"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "django-smartcar"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_copyright = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# What a page refers to must exist. Types of other packages, in signatures, are elsewhere, on the network.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(collections|contextlib|datetime|django|requests|typing)(\..*)?"),
    ("py:class", r"django_smartcar\.sdk\._http\..*|.*\.Row|State"),  # private, or a type variable
]
