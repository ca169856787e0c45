"""Results of `check_smartcar`: an outcome, a message and a hint."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    #: Nothing is broken, but the operator should know.
    WARNING = "warning"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class CheckResult:
    """What a check found, and in ``hint`` what to do. Neither text contains a secret, a VIN or a position."""

    outcome: Outcome
    text: str
    hint: str = ""


@dataclass
class Context:
    """State shared by the checks of one run."""

    #: The site's public URL without a path; empty if unknown.
    site: str = ""
    #: The redirect URI that the running site builds; empty if unknown.
    redirect_uri: str = ""
    #: Names of the settings whose host did not respond.
    unreachable: set[str] = field(default_factory=set)
    #: How far each host's clock is ahead of this machine's.
    clock_offsets: list[timedelta] = field(default_factory=list)


def ok(text: str) -> CheckResult:
    return CheckResult(Outcome.OK, text)


def warning(text: str, hint: str) -> CheckResult:
    return CheckResult(Outcome.WARNING, text, hint)


def wrong(text: str, hint: str) -> CheckResult:
    return CheckResult(Outcome.WRONG, text, hint)


def not_checked(text: str, hint: str = "") -> CheckResult:
    return CheckResult(Outcome.NOT_CHECKED, text, hint)
