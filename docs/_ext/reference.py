"""The tables of the reference, as lines of reStructuredText, made from the code that they describe.

Each function of `TABLES` returns one. It needs Django's settings and no Sphinx, so the tests call it, too.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import load_command_class
from django.test import override_settings
from messages import check_smartcar, hints
from sentences import ADVICE, PERMISSIONS, SIGNALS

from django_smartcar import _error_messages, checks, conf, exceptions, models, signals, urls
from django_smartcar.sdk import readings, v2, v3
from django_smartcar.sdk.signals import TYPES
from django_smartcar.services.command_specs import COMMANDS
from django_smartcar.simulator import conf as simulator_conf
from django_smartcar.simulator import profiles
from django_smartcar.templatetags.smartcar import register

PACKAGE = Path(inspect.getfile(conf)).parent
#: Arguments with which to make an exception, to see its sentence for the driver.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "CommandInProgress": (1,),
    "CommandInvalid": ("(what is invalid: the text of the exception)",),
    "DuplicateCommand": (1,),
    "InvalidConnectState": ("expired",),
    "MissingCredentials": ("SMARTCAR_CLIENT_ID",),
    "OwnershipNotVerified": ({},),
    "RefreshInProgress": ("",),
    "TooManyInFlight": (8,),
    "TooManyRequests": ("command", 30),
    "TransactionNotAllowed": ("",),
    "VehicleDisconnected": (SimpleNamespace(pk=1),),
}
_CHECK = re.compile(r"^\| ``(smartcar\.\w+)`` \| (.+) \|$", re.MULTILINE)
_BLOCK = re.compile(r"{% block (\w+) %}")
_PROPERTY = re.compile(r"^ +(--smartcar-[\w-]+): (.+);$", re.MULTILINE)
_SIGNAL = re.compile(r"((?:^#: .*\n)+)^(\w+) = Signal\(\)", re.MULTILINE)


def table(headers: Iterable[str], rows: Iterable[Iterable[object]], widths: str) -> list[str]:
    """Return a list-table. An empty cell is a dash."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [headers, *rows]:
        for number, cell in enumerate(row):
            text = textwrap.indent(str(cell) or "–", " " * 7).strip()
            lines += f"   {'*' if number == 0 else ' '} - {text}".splitlines()
    return [*lines, ""]


def literal(value: object) -> str:
    return f"``{value}``" if str(value) else ""


def first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def summary(thing: object) -> str:
    """Return the first paragraph of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def settings_of(owner: type, instance: Any, prefix: str) -> list[str]:
    """Return a ``confval`` for each setting, to which ``:confval:`` links."""
    lines = []
    for name, value in vars(owner).items():
        if name.startswith(prefix):
            with override_settings():
                if hasattr(settings, name):
                    delattr(settings, name)
                default = getattr(instance, name)
            plain = dict(default) if isinstance(default, dict) else default
            shown = literal(repr(plain).replace("'", '"'))
            lines += [f".. confval:: {name}", f"   :default: {shown}", "", f"   {summary(value)}", ""]
    return lines


def app_settings() -> list[str]:
    return settings_of(conf.Settings, conf.conf, "SMARTCAR_")


def simulator_settings() -> list[str]:
    return settings_of(simulator_conf.Settings, simulator_conf.conf, "SMARTCAR_SIMULATOR_")


def signal_catalogue() -> list[str]:
    rows = []
    for name, kind in TYPES.items():
        span = ", {:g} to {:g}".format(*kind.range) if kind.range else ""
        unit = " ".join(filter(None, [kind.json_type, kind.unit])) + span
        private = " (private)" if kind.is_private else ""
        names = f"{literal(name)}\n\n{kind.code}"
        label = f"{models.label_of(name)}{private}"
        rows.append((names, label, SIGNALS[name], unit, literal(kind.permission)))
    headers = ("Name, and Smartcar's code", "Label", "Meaning", "Type, unit and range", "Permission")
    return table(headers, rows, "28 14 28 14 16")


def driver_permissions() -> list[str]:
    """Return what each permission of Smartcar shows and allows."""
    uses: dict[str, list[str]] = {}
    for name, kind in TYPES.items():
        uses.setdefault(kind.permission, []).append(literal(name))
    for name, permission in readings.PERMISSIONS.items():
        if name not in TYPES:
            uses.setdefault(permission, []).append(f"{literal(name)} (read)")
    for name, spec in COMMANDS.items():
        uses.setdefault(spec.scope, []).append(f"{literal(name)} (command)")
    rows = [(literal(name), PERMISSIONS[name], ", ".join(used)) for name, used in sorted(uses.items())]
    headers = ("Permission", "Shows or allows", "Signals, reads and commands that need it")
    return table(headers, rows, "24 30 46")


def reads() -> list[str]:
    rows = [
        (
            literal(name),
            ", ".join(literal(signal) for signal in readings.signals_of(name)),
            literal(readings.PERMISSIONS[name]),
        )
        for name in readings.SOURCES
    ]
    return table(("Name", "Signals", "Permission"), rows, "22 48 30")


def vehicle_commands() -> list[str]:
    rows = []
    for name, spec in COMMANDS.items():
        parameters = list(inspect.signature(getattr(v3.Vehicle, name)).parameters)[1:]
        versions = "v2, v3" if hasattr(v2.Vehicle, name) else "v3"
        rows.append((literal(name), ", ".join(map(literal, parameters)), literal(spec.scope), versions))
    return table(("Command", "Parameters", "Permission", "API"), rows, "32 32 24 12")


def exception_classes() -> list[str]:
    rows = []
    for name in exceptions.__all__:
        kind = getattr(exceptions, name)
        if isinstance(kind, type):
            is_ours = issubclass(kind, exceptions.SmartcarAppError)
            sentence = exceptions.user_message(kind(*ARGUMENTS.get(name, ()))) if is_ours else "(see below)"
            parents = ", ".join(literal(parent.__name__) for parent in kind.__bases__)
            rows.append((f"{literal(name)}\n\n({parents})", summary(kind), ADVICE[name], sentence))
    headers = ("Exception (subclass of)", "Meaning", "What to do", "``user_message``")
    return table(headers, rows, "26 26 26 22")


def error_sentences() -> list[str]:
    rows = [
        (literal(kind), literal(code) if code else "any other", sentence)
        for (kind, code), sentence in _error_messages.MESSAGES.items()
    ]
    return table(("Smartcar's type", "Code", "``user_message``"), rows, "28 27 45")


def django_signals() -> list[str]:
    source = Path(inspect.getfile(signals)).read_text(encoding="utf-8")
    rows = [
        (literal(name), " ".join(line.removeprefix("#: ") for line in comment.splitlines()))
        for comment, name in _SIGNAL.findall(source)
    ]
    return table(("Signal", "Sent when, and arguments"), rows, "25 75")


def system_checks() -> list[str]:
    advice = hints(PACKAGE)
    rows = [(literal(id_), text, _plain(advice[id_])) for id_, text in _CHECK.findall(checks.__doc__ or "")]
    return table(("Id", "Problem", "What to do"), rows, "16 38 46")


def check_smartcar_messages() -> list[str]:
    rows = [map(_plain, row) for row in check_smartcar(PACKAGE)]
    return table(("Message", "What to do"), rows, "45 55")


def _plain(text: str) -> str:
    """Return a text in which an asterisk is one."""
    return text.replace("*", r"\*")


def management_commands() -> list[str]:
    lines = []
    for path in sorted(PACKAGE.glob("management/commands/*_smartcar*.py")):
        command = load_command_class("django_smartcar", path.stem)
        parser = argparse.ArgumentParser(
            f"manage.py {path.stem}", description=command.help, formatter_class=_formatter, add_help=False
        )
        command.add_arguments(parser)
        lines += [f".. rubric:: {path.stem}", "", *_code(parser.format_help())]
    return lines


def simulator_options() -> list[str]:
    program = [sys.executable, "-m", "django_smartcar.simulator", "--help"]
    environment = {**os.environ, "COLUMNS": "90"}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    return _code(done.stdout)


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, width=90)


def _code(text: str) -> list[str]:
    return [".. code-block:: text", "", *textwrap.indent(text, "   ").splitlines(), ""]


def url_patterns() -> list[str]:
    rows = [
        (literal(pattern.pattern), literal(pattern.name), first_line(pattern.callback))
        for pattern in urls.urlpatterns
        if pattern.name
    ]
    return table(("Path", "Name (``smartcar:…``)", "View"), rows, "35 25 40")


def permissions() -> list[str]:
    rows = [
        (literal(f"smartcar.{codename}"), description)
        for model in apps.get_app_config("smartcar").get_models()
        for codename, description in model._meta.permissions
    ]
    return table(("Permission", "Description"), rows, "50 50")


def template_tags() -> list[str]:
    lines = []
    for name, compiled in register.tags.items():
        lines += [f".. rubric:: {{% {name} %}}", "", *_docstring(compiled)]
    for name, function in register.filters.items():
        lines += [f".. rubric:: \\|{name}", "", *_docstring(function)]
    return lines


def _docstring(thing: Any) -> list[str]:
    return [*(inspect.getdoc(inspect.unwrap(thing)) or "").splitlines(), ""]


def templates() -> list[str]:
    rows = [
        (literal(f"smartcar/{path.name}"), ", ".join(map(literal, _BLOCK.findall(path.read_text("utf-8")))))
        for path in sorted(PACKAGE.glob("templates/smartcar/*.html"))
    ]
    return table(("Template", "Blocks that it has or fills"), rows, "45 55")


def css_properties() -> list[str]:
    """Return the custom properties and their first values, those of a light page."""
    values: dict[str, str] = {}
    text = (PACKAGE / "static" / "smartcar" / "smartcar.css").read_text(encoding="utf-8")
    for name, value in _PROPERTY.findall(text):
        values.setdefault(name, value)
    rows = [(literal(name), literal(value)) for name, value in values.items()]
    return table(("Custom property", "Default"), rows, "40 60")


def model_classes() -> list[str]:
    lines = []
    for model in apps.get_app_config("smartcar").get_models():
        lines += [f".. py:class:: django_smartcar.models.{model.__name__}", ""]
        body = [*_docstring(model), *_fields(model), *_members(model)]
        lines += textwrap.indent("\n".join(body), "   ").splitlines() + [""]
    return lines


def _fields(model: Any) -> list[str]:
    rows = []
    for field in model._meta.get_fields():
        if field.concrete and not field.auto_created:
            related = f" → {field.related_model.__name__}" if field.is_relation else ""
            text = ". ".join(str(part) for part in (field.verbose_name, field.help_text) if part)
            rows.append((literal(field.name), type(field).__name__ + related, text))
    return table(("Field", "Type", "Meaning"), rows, "25 30 45")


def _members(model: Any) -> list[str]:
    """Return a table of the public methods and properties that have a docstring."""
    rows = []
    for kind in model.__mro__:
        for name, value in vars(kind).items() if kind.__module__.startswith("django_smartcar.models") else ():
            is_property = isinstance(value, (property, cached_property))
            is_method = inspect.isfunction(value)
            if (is_property or is_method) and not name.startswith("_") and value.__doc__:
                rows.append((literal(name + _arguments(value) if is_method else name), summary(value)))
    return table(("Method or property", "Description"), rows, "40 60") if rows else []


def _arguments(method: Callable[..., Any]) -> str:
    return f"({', '.join([*inspect.signature(method).parameters][1:])})"


def simulator_profiles() -> list[str]:
    rows = [
        (literal(key), ", ".join(profile.brands), profile.title) for key, profile in profiles.PROFILES.items()
    ]
    return table(("Profile", "Makes", "What is odd"), rows, "20 25 55")


TABLES: dict[str, Callable[[], list[str]]] = {
    "settings": app_settings,
    "simulator-settings": simulator_settings,
    "simulator-options": simulator_options,
    "simulator-profiles": simulator_profiles,
    "signals": signal_catalogue,
    "driver-permissions": driver_permissions,
    "reads": reads,
    "vehicle-commands": vehicle_commands,
    "exceptions": exception_classes,
    "error-sentences": error_sentences,
    "django-signals": django_signals,
    "checks": system_checks,
    "check-smartcar": check_smartcar_messages,
    "management-commands": management_commands,
    "urls": url_patterns,
    "permissions": permissions,
    "template-tags": template_tags,
    "templates": templates,
    "css-properties": css_properties,
    "models": model_classes,
}
