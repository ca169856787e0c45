"""When a battery or a tank was filled in the past, so that its level leads up to the present one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: The smallest gain that is worth a stop, and the level that is never fallen below.
_MIN_GAIN, _RESERVE = 0.03, 0.05
#: Sums of levels are this exact.
_TOLERANCE = 1e-9


class Stretch(NamedTuple):
    """A use of the level (0 to 1), and the largest gain of the chance to refill that follows it.

    `low` is the level at which the owner would refill.
    """

    use: float
    max_gain: float
    low: float


class Refill(NamedTuple):
    """The level before and after a refill."""

    before: float
    after: float


class Impossible(Exception):
    """The present level cannot have been reached: the stretch with this number used too much."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def refills(stretches: Sequence[Stretch], level: float, full: float) -> tuple[float, dict[int, Refill]]:
    """Return the level at the beginning, and the refills by the number of the stretch before them.

    The calculation goes back in time from the present `level`. A refill fills up to `full`, except for the
    latest one. Raise `Impossible` for a stretch that does not fit.
    """
    found: dict[int, Refill] = {}
    top = max(full, level)
    for number in reversed(range(len(stretches))):
        stretch = stretches[number]
        if level + stretch.use > top + _TOLERANCE and stretch.max_gain >= _MIN_GAIN:
            found[number] = Refill(_level_before(stretches, number, level, full), level)
            level = found[number].before
        level += stretch.use
        if level > top + _TOLERANCE:
            raise Impossible(number)
        top = full
    return level, found


def _level_before(stretches: Sequence[Stretch], number: int, level: float, full: float) -> float:
    """Return the level before a refill: so low that an earlier one can have filled up."""
    used = 0.0
    for stretch in reversed(stretches[: number + 1]):
        if used and full - used - stretch.use < stretches[number].low:
            break
        used += stretch.use
    lowest = max(_RESERVE, level - stretches[number].max_gain)
    return max(min(full - used, level - _MIN_GAIN), lowest)
