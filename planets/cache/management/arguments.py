"""What is wrong with the arguments of a command, in one line: which, the value, the rule."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable

# What argparse says, and how we say it.
WORDS = (
    (r"argument (\S+): (is .*, must .*)", r"\1 \2"),
    (r"argument (\S+): invalid choice: (.+) \(choose from (.+)\)", r"\1 is \2, must be one of \3"),
    (r"argument (\S+): invalid int value: (.+)", r"\1 is \2, must be a whole number"),
    (r"argument (\S+): invalid float value: (.+)", r"\1 is \2, must be a number"),
    (r"argument (\S+): expected .*", r"\1 has no value, must have one"),
    (r"argument (\S+): not allowed with argument (\S+)", r"\1 stands beside \2, must be alone"),
    (r"argument (\S+): ignored explicit argument (.+)", r"\1 is \2, must have no value"),
    (r"unrecognized arguments: (.+)", r"\1 is no argument of this command"),
    (r"ambiguous option: (\S+) could match (.+)", r"\1 is ambiguous, must be one of \2"),
    (r"the following arguments are required: (.+)", r"\1 must be given, and is not"),
)


def one_line(message: str, prog: str) -> str:
    """An error of argparse's in our words, and where to read on."""
    for pattern, words in WORDS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            message = found.expand(words)
            break
    text = " ".join(message.split())
    return f"{text}. See {' '.join(prog.split())} --help."


def whole(least: int, most: int) -> Callable[[str], int]:
    """The type of an argument: a whole number between these."""

    def read(text: str) -> int:
        # An int() of more digits than any bound has would take as long as it likes.
        value = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else least - 1
        if not least <= value <= most:
            raise ArgumentTypeError(f"is {text!r}, must be a whole number from {least} to {most}")
        return value

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    """The type of an argument: seconds between these."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise ArgumentTypeError(f"is {text!r}, must be seconds from {least:g} to {most:g}")
        return value

    return read
