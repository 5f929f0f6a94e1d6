"""The statements of a page that the advisor has something to say of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

# Sentences by the digest of a statement: the lab gives them, where ADVICE is on.
advised: list[Callable[[], Mapping[str, str]]] = []


class Mark(NamedTuple):
    statement: str
    calls: int  # in this page
    sentence: str


def marks(asked: Mapping[str, tuple[str, int]]) -> list[Mark]:
    """Of what a page has asked: by digest, the statement and how often."""
    sentences = {name: said for give in advised for name, said in give().items()}
    return [
        Mark(statement, calls, sentences[digest])
        for digest, (statement, calls) in asked.items()
        if digest in sentences
    ]
