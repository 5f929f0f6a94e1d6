import csv
from collections.abc import Iterable
from typing import Protocol

from ..facts import BY_FIELD, TRAITS
from ..models import Planet

COLUMNS = ("id", "name", "kind", "position", *BY_FIELD, *(trait.field for trait in TRAITS))


class Sink(Protocol):
    def write(self, text: str, /) -> object: ...


def write_csv(planets: Iterable[Planet], sink: Sink) -> None:
    """Write a header and one line a planet; units are those of facts.py, unknown is empty."""
    rows = csv.writer(sink)
    rows.writerow(COLUMNS)
    rows.writerows([_cell(getattr(planet, column)) for column in COLUMNS] for planet in planets)


def _cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
