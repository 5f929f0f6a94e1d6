"""A sorted list cut into pages, so that an index gives each of them.

What is unknown comes last, and no index of MySQL's or SQLite's has it there when values rise. So a
list that does not fit a page has two parts, the known and the unknown, and a page is of one part:

    planets     1 2 3 4 5 6 7 8 | 9 10 11 12 ...    8 have a place in the order, 100,000 have not
    pages       1               | 2          3 ...

Each part is read in the order of an index, and the first page of planets is those of the Sun.
"""

from dataclasses import dataclass
from math import ceil
from typing import Generic, NamedTuple, TypeVar

R = TypeVar("R")

PAGE = 24  # rows; a page of planets is then a hundred kilobytes at most
# Pages that many look at. There is nearly no end of the others, so these are kept only briefly.
LOOKED_AT = 5


class Counts(NamedTuple):
    """How many rows match, and how many of these have the value that they are sorted by."""

    total: int
    known: int


class Cut(NamedTuple):
    """A page of a list: it begins at `start` of the part that is `known`, or of the other."""

    number: int
    pages: int
    known: bool
    start: int


@dataclass(frozen=True)
class Leaf(Generic[R]):
    """The rows of a page, its number from 1, how many pages and how many rows there are in all."""

    rows: list[R]
    number: int
    pages: int
    total: int


def cut(counts: Counts, number: int, *, size: int = PAGE) -> Cut:
    """Page `number`, the last one where there are fewer."""
    of_known = ceil(counts.known / size)
    pages = max(1, of_known + ceil((counts.total - counts.known) / size))
    number = min(number, pages)
    known = number <= of_known
    return Cut(number, pages, known, size * (number - 1 - (0 if known else of_known)))
