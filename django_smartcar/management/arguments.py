"""Types of command line arguments; argparse reports an invalid value."""

import argparse
from collections.abc import Callable


def number_of(what: str, least: int, most: int) -> Callable[[str], int]:
    """Return an argparse ``type`` for an integer from ``least`` to ``most``."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {what} from {least} to {most}")
        return int(text)

    return parse
