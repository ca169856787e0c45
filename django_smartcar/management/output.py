"""The output of commands that handle many rows: lines, a progress bar on a terminal, or JSON Lines."""

from __future__ import annotations

import json
import shutil
import textwrap
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from django_smartcar.databases import to_utc


def of(command: BaseCommand, is_json: bool, count: Callable[[], int], limit: int | None) -> Lines | JsonLines:
    """Return the output for this command; on a terminal a progress bar, for which ``count`` is called."""
    if is_json:
        return JsonLines(command.stdout)
    if not command.stdout.isatty():
        return Lines(command.stdout, command.style)
    total = count()
    return Bar(command.stdout, command.style, total if limit is None else min(total, limit))


class Lines:
    """A line for each row and a summary."""

    def __init__(self, stdout: Any, style: Any) -> None:
        self._stdout = stdout
        self._style = style

    def row(self, name: Any, text: str, *, is_bad: bool, **facts: Any) -> None:
        line = f"{name}: {text}"
        self._stdout.write(self._style.ERROR(line) if is_bad else line)

    def end(self, text: str, *, is_bad: bool, **facts: Any) -> None:
        if not is_bad:  # otherwise the command raises CommandError, which Django prints
            self._stdout.write(self._style.SUCCESS(text))


class Bar(Lines):
    """A progress bar, and lines for failures only."""

    WIDTH = 30
    #: Minimum seconds between two updates: a remote terminal is slow.
    UPDATE_INTERVAL = 0.1

    def __init__(self, stdout: Any, style: Any, total: int) -> None:
        super().__init__(stdout, style)
        self._total = total
        self._done = 0
        self._drawn_at = 0.0

    def row(self, name: Any, text: str, *, is_bad: bool, **facts: Any) -> None:
        self._done += 1
        if is_bad:
            self._wipe()
            super().row(name, text, is_bad=True)
        if is_bad or time.monotonic() - self._drawn_at > self.UPDATE_INTERVAL:
            self._draw()

    def end(self, text: str, *, is_bad: bool, **facts: Any) -> None:
        self._draw()
        self._stdout.write("")
        super().end(text, is_bad=is_bad)

    def _draw(self) -> None:
        total = max(self._total, self._done)  # more rows may have become due
        full = self.WIDTH * self._done // total if total else self.WIDTH
        bar = "█" * full + "░" * (self.WIDTH - full)
        self._stdout.write(f"\r{bar} {self._done} of {total}", ending="")
        self._stdout.flush()
        self._drawn_at = time.monotonic()

    def _wipe(self) -> None:
        self._stdout.write("\r\x1b[K", ending="")


class Steps(Lines):
    """A line for each result of a check, with the advice below it, and a summary."""

    #: The widths of two columns: those of their longest words, and a space.
    OUTCOME, STEP = 13, 12

    def step(self, name: str, outcome: str, text: str, advice: str) -> None:
        style = {"ok": self._style.SUCCESS, "warning": self._style.WARNING, "wrong": self._style.ERROR}
        paint = style.get(outcome, str)
        indent = " " * (self.OUTCOME + self.STEP)
        lines = self._wrapped(text, indent)
        head = f"{paint(outcome)}{' ' * (self.OUTCOME - len(outcome))}{name:<{self.STEP}}"
        self._stdout.write(head + lines.removeprefix(indent))
        if advice:
            self._stdout.write(self._wrapped(advice, f"{indent}→ ", f"{indent}  "))

    def _wrapped(self, text: str, first: str, others: str = "") -> str:
        width = min(120, shutil.get_terminal_size((110, 24)).columns)
        return textwrap.fill(
            text,
            width,
            initial_indent=first,
            subsequent_indent=others or first,
            break_long_words=False,  # addresses and commands are to be copied
            break_on_hyphens=False,
        )


class JsonLines:
    """A JSON object per line: one for each row, and the summary last."""

    def __init__(self, stdout: Any) -> None:
        self._stdout = stdout

    def row(self, name: Any, text: str, *, is_bad: bool, **facts: Any) -> None:
        self._write(facts)

    def step(self, name: str, outcome: str, text: str, advice: str) -> None:
        self._write({"step": name, "outcome": outcome, "text": text, "advice": advice or None})

    def end(self, text: str, *, is_bad: bool, **facts: Any) -> None:
        self._write({"summary": facts})

    def _write(self, facts: dict[str, Any]) -> None:
        known = {name: value for name, value in facts.items() if value is not None}
        self._stdout.write(json.dumps(known, default=lambda moment: to_utc(moment).isoformat()))
