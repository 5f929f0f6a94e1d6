"""Planets side by side: which ones the address names, and how long their bars are."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..facts import FACTS, TRAITS, Fact, Trait
from ..models import Planet
from .factsheet import shown

MOST = 12  # more would not fit a page
# Characters that are read, several times as many as 12 ids take: anybody can send megabytes.
LONGEST = 1_000
LARGEST_ID = 2**32 - 1  # INT UNSIGNED


@dataclass
class Choice:
    """The ids that `planets=3,5` names, each once, and what was wrong with the rest."""

    ids: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ",".join(map(str, self.ids))


def parse(values: Iterable[str]) -> Choice:
    """Read `planets=3,5` as well as `planets=3&planets=5`, which a form's boxes send."""
    choice = Choice()
    text = ",".join(values)
    if too_long := len(text) > LONGEST:
        text = text[:LONGEST].rpartition(",")[0]  # what stood last may be half a number
    for part in filter(None, map(str.strip, text.split(","))):
        number = int(part) if part.isdecimal() and len(part) <= 10 else 0
        if not 1 <= number <= LARGEST_ID:
            choice.problems.append(f"“{part[:20]}” is not the number of a planet.")
        elif number not in choice.ids:
            choice.ids.append(number)
    del choice.problems[MOST:]
    if too_long or len(choice.ids) > MOST:
        choice.problems.append(f"At most {MOST} planets fit side by side; the rest are left out.")
        del choice.ids[MOST:]
    return choice


@dataclass(frozen=True)
class Bar:
    """A planet's value; the bar reaches from `start` for `length`, in hundredths of the row.

    There is a bar where a measure is `known`.
    """

    planet: Planet
    text: str
    times_earth: str
    start: float = 0
    length: float = 0
    known: bool = False


@dataclass(frozen=True)
class Row:
    """One fact of all the planets; `zero` is where nought lies, in hundredths of the row.

    A row is logarithmic where that is asked for and all its values are above nought.
    """

    fact: Fact | Trait
    bars: Sequence[Bar]
    zero: float = 0
    logarithmic: bool = False


def ordered(planets: Sequence[Planet], sort: str, descending: bool) -> list[Planet]:
    """By name or a fact, unknown values last; as they are where `sort` is empty."""
    if not sort:
        return list(planets)

    def value(planet: Planet) -> Any:
        found = getattr(planet, sort)
        return found.casefold() if isinstance(found, str) else found

    known = [planet for planet in planets if value(planet) is not None]
    unknown = [planet for planet in planets if value(planet) is None]
    return sorted(known, key=value, reverse=descending) + unknown


def compare(planets: Sequence[Planet], *, logarithmic: bool = False) -> list[Row]:
    """A row for each fact that is known of one of them at least."""
    measured = [
        _measure(fact, planets, logarithmic)
        for fact in FACTS
        if any(getattr(planet, fact.field) is not None for planet in planets)
    ]
    traits = [
        Row(trait, [Bar(p, trait.text(getattr(p, trait.field)), "") for p in planets])
        for trait in TRAITS
        if any(getattr(planet, trait.field) is not None for planet in planets)
    ]
    return [*measured, *traits]


def _measure(fact: Fact, planets: Sequence[Planet], logarithmic: bool) -> Row:
    values: list[float | None] = [getattr(planet, fact.field) for planet in planets]
    known = [value for value in values if value is not None]
    words = [shown(planet, fact.field) for planet in planets]
    if logarithmic and known and min(known) > 0:
        # The smallest has a bar too: of a decade's length before it.
        low, high = math.log10(min(known)) - 1, math.log10(max(known))
        lengths = [(math.log10(v) - low) / (high - low) * 100 if v else 0 for v in values]
        return Row(
            fact,
            [
                Bar(p, word.text, word.times_earth, 0, round(length, 2), known=v is not None)
                for p, word, length, v in zip(planets, words, lengths, values, strict=True)
            ],
            logarithmic=True,
        )
    low, high = min([0, *known]), max([0, *known])
    scale = 100 / (high - low) if high > low else 0
    return Row(
        fact,
        [
            Bar(
                planet,
                word.text,
                word.times_earth,
                start=round((min(value or 0, 0) - low) * scale, 2),
                length=round(abs(value or 0) * scale, 2),
                known=value is not None,
            )
            for planet, word, value in zip(planets, words, values, strict=True)
        ],
        zero=round(-low * scale, 2),
    )
