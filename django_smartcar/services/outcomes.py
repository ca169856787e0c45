"""The outcome for each row of bulk work: refreshed tokens, synced vehicles, sent commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Outcome(StrEnum):
    #: The token has been refreshed.
    REFRESHED = "refreshed"
    #: The vehicle has been read.
    READ = "read"
    #: The command, or the admin's action, has succeeded.
    DONE = "done"
    #: The driver has to connect again.
    NEEDS_DRIVER = "needs driver"
    FAILED = "failed"
    #: Another process has refreshed the token, or is about to.
    SKIPPED = "skipped"
    #: Smartcar's rate limit does not allow a request now. The row stays due.
    RATE_LIMITED = "rate limited"
    #: The driver has granted none of the permissions that the read needs.
    NOT_PERMITTED = "not permitted"


@dataclass(frozen=True)
class Result(Generic[Row]):
    """The outcome for one row."""

    row: Row
    outcome: Outcome
    #: What failed, for programs and logs: an error code without personal data.
    reason: str = ""
    error: Exception | None = field(default=None, repr=False)
    #: What was requested but is missing from the response: name -> error code.
    missing: Mapping[str, str] = field(default_factory=dict)
    #: In seconds, if the outcome is RATE_LIMITED and Smartcar says so.
    retry_after: float | None = None
