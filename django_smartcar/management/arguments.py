"""What a command takes: told as an error of argparse where it is none."""

import argparse
from collections.abc import Callable


def number_of(what: str, least: int, most: int) -> Callable[[str], int]:
    """A ``type`` for a whole number of something, within bounds."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {what} from {least} to {most}")
        return int(text)

    return parse
