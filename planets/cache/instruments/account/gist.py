"""A statement's text without its values, the same whatever they are and however many."""

from __future__ import annotations

import re

from ...writing.words import NUMBERS, Unreadable, split

LONGEST = 4_000  # characters that are kept

VALUE = re.compile(rf"'[^']*'|\"[^\"]*\"|%s|(?<= ){NUMBERS}(?= |$)")
LIST = re.compile(r"\( \?(?: , \?)+ \)")
# Spaces that the reader of SQL puts between all words.
TIGHT = re.compile(r"(?<=\() | (?=[),])|(?<=[\w`]) \. (?=[\w`*])")


def gist(vendor: str, sql: str, filled_in: bool) -> str:
    """Raises Unreadable: where values begin and end is not certain, and none may be kept."""
    try:
        words = split(vendor, sql, filled_in)
    except KeyError:
        raise Unreadable(f"no SQL dialect is known for {vendor!r}") from None
    text = VALUE.sub("?", words.text)
    for number, name in enumerate(words.names):
        text = text.replace(f"`?{number}`", f"`{name}`")
    text = LIST.sub("( ? )", text).replace("IN ( NULL )", "IN ( ? )")
    return TIGHT.sub(lambda found: "." if "." in found[0] else "", text)
