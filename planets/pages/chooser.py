"""Ways to go on from a page: other pages of a list, and planets to compare."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from ..facts import BY_FIELD
from ..listing import Leaf
from ..models import Planet
from .comparison import Choice

SUGGESTED = 12
SORTS = {"": "As chosen", "name": "Name", **{f.field: f.label for f in BY_FIELD.values()}}
SCALES = {"": "Linear", "log": "Logarithmic"}
LONGEST = 40


@dataclass(frozen=True)
class Pages:
    """Query strings of the other pages of a list; None where there is none such."""

    number: int
    count: int
    first: str | None
    previous: str | None
    following: str | None
    last: str | None


def pages(leaf: Leaf[Any], query: Callable[[int], str]) -> Pages:
    before = leaf.number > 1
    after = leaf.number < leaf.pages
    return Pages(
        number=leaf.number,
        count=leaf.pages,
        first=query(1) if leaf.number > 2 else None,
        previous=query(leaf.number - 1) if before else None,
        following=query(leaf.number + 1) if after else None,
        last=query(leaf.pages) if leaf.number < leaf.pages - 1 else None,
    )


@dataclass
class Options:
    """How a comparison is shown, and which planets are looked for to add to it."""

    data: QueryDict
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.search = self.data.get("q", "")[:LONGEST].strip().replace("\0", "")
        self.sort = self._one_of("sort", SORTS)
        self.descending = self._one_of("order", {"": "", "asc": "", "desc": ""}) == "desc"
        self.logarithmic = self._one_of("scale", SCALES) == "log"
        self.sorts = SORTS.items()

    def _one_of(self, name: str, known: Container[str]) -> str:
        value = self.data.get(name, "")[:LONGEST]
        if value not in known:
            self.problems.append(f"“{value}” is no {name}. It was ignored.")
            return ""
        return value

    def query(self, choice: Choice) -> str:
        """The short query string of the same comparison."""
        chosen = {
            "planets": str(choice),
            "q": self.search,
            "sort": self.sort,
            "order": "desc" if self.descending else "",
            "scale": "log" if self.logarithmic else "",
        }
        return "?" + urlencode({k: v for k, v in chosen.items() if v}, safe=",")


def candidates(search: str, chosen: Container[int]) -> list[Planet]:
    """Planets to add to a comparison: whose name contains `search`, or the first of all."""
    facets: dict[str, Any] = {"search": search, "sort": "name"} if search else {}
    rows = Planet.objects.leaf(1, **facets).rows
    return [planet for planet in rows if planet.pk not in chosen][:SUGGESTED]
