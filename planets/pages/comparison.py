"""Planets side by side: which ones the address names, and how long their bars are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..facts import FACTS, TRAITS, Fact, Trait
from ..models import Planet

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
    """One fact of all the planets; `zero` is where nought lies, in hundredths of the row."""

    fact: Fact | Trait
    bars: Sequence[Bar]
    zero: float = 0


def compare(planets: Sequence[Planet]) -> list[Row]:
    return [
        *(_measure(fact, planets) for fact in FACTS),
        *(
            Row(trait, [Bar(p, trait.text(getattr(p, trait.field)), "") for p in planets])
            for trait in TRAITS
        ),
    ]


def _measure(fact: Fact, planets: Sequence[Planet]) -> Row:
    values: list[float | None] = [getattr(planet, fact.field) for planet in planets]
    known = [value for value in values if value is not None]
    low, high = min([0, *known]), max([0, *known])
    scale = 100 / (high - low) if high > low else 0
    return Row(
        fact,
        [
            Bar(
                planet,
                fact.text(value),
                fact.times_earth(value),
                start=round((min(value or 0, 0) - low) * scale, 2),
                length=round(abs(value or 0) * scale, 2),
                known=value is not None,
            )
            for planet, value in zip(planets, values, strict=True)
        ],
        zero=round(-low * scale, 2),
    )
