"""What the doctor says: of each step how it stands, in a sentence, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    #: Nothing is broken, and somebody should know.
    WARNING = "warning"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class CheckResult:
    """``text`` is a sentence, ``advice`` what to do: neither holds a secret, a token, a VIN or a position."""

    outcome: Outcome
    text: str
    advice: str = ""


@dataclass
class Context:
    """What the steps of one run hand on to each other."""

    #: The site's public address, without a path; empty where nobody has said it.
    site: str = ""
    #: The settings whose host has not answered.
    silent: set[str] = field(default_factory=set)
    #: By how much each host's clock was ahead of this machine's.
    ahead: list[timedelta] = field(default_factory=list)


def ok(text: str) -> CheckResult:
    return CheckResult(Outcome.OK, text)


def warning(text: str, advice: str) -> CheckResult:
    return CheckResult(Outcome.WARNING, text, advice)


def wrong(text: str, advice: str) -> CheckResult:
    return CheckResult(Outcome.WRONG, text, advice)


def not_checked(text: str, advice: str = "") -> CheckResult:
    return CheckResult(Outcome.NOT_CHECKED, text, advice)
