"""What the query strings of the lists may say. A value that is not allowed is named beside its
field and otherwise ignored."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst

from ..facts import FACTS
from ..listing import LOOKED_AT
from ..models import Planet, this_year

ORDERS = (("asc", "Rising"), ("desc", "Falling"))
# Characters that are read of a value, more than any choice or search has: it comes back on the page
# as what is wrong, and anybody can send megabytes.
LONGEST = 100
MOST_CHOICES = 24  # a longer select is a search


def search(label: str, length: int = 40) -> forms.CharField:
    widget = forms.TextInput(attrs={"type": "search"})
    return forms.CharField(label=label, required=False, max_length=length, widget=widget)


class ListFilter(forms.Form):
    q = search("Name contains")
    page = forms.IntegerField(
        required=False, min_value=1, max_value=10**9, widget=forms.HiddenInput
    )

    # What `listed` calls a field that has another name here.
    NAMES: ClassVar[dict[str, str]] = {"q": "search"}
    FACETS: ClassVar[tuple[str, ...]] = ()  # each of few values, of which a page may name one
    ENDLESS: ClassVar[tuple[str, ...]] = ("q",)  # of any value
    more: ClassVar[tuple[str, ...]] = ()  # fields that are folded away

    def __init__(self, data: QueryDict) -> None:
        super().__init__({name: data[name][:LONGEST] for name in data}, label_suffix="")

    def is_one_of_few(self, query_string: str) -> bool:
        """Whether the address is one that the form or a link makes, and few are like it.

        There are some thousands of them. Of others there is no end: with a search, with two facets,
        with a field more than once, in another order, written in another way, or with a value that
        is none of the choices.
        """
        if not self.is_valid() or any(self.data.get(name) for name in self.ENDLESS):
            return False
        facets = sum(bool(self.data.get(name)) for name in self.FACETS)
        if facets > 1 or self.number > (1 if facets else LOOKED_AT):
            return False
        given = {name: self.data[name] for name in self.fields if name in self.data}
        linked = {name: value for name, value in given.items() if value}
        sent = [field.name for field in self.visible_fields()]
        return query_string == urlencode(linked) or (
            query_string == urlencode(given) and [*given] == sent
        )

    @property
    def chosen(self) -> dict[str, Any]:
        """The valid choices by field, nothing for the rest."""
        self.is_valid()  # so that it has been read
        return {name: value for name in self.fields if (value := self.cleaned_data.get(name))}

    @property
    def uses_more(self) -> bool:
        return any(self.data.get(name) for name in self.more)

    @property
    def number(self) -> int:
        """Of the page that is asked for."""
        return self.chosen.get("page", 1)

    def criteria(self) -> dict[str, Any]:
        """Keyword arguments for the manager's `listed`."""
        chosen = {self.NAMES.get(name, name): value for name, value in self.chosen.items()}
        chosen.pop("page", None)
        return {"descending": chosen.pop("order", "asc") == "desc", **chosen}

    def query(self, page: int) -> str:
        """The query string of another page of the same list, "" of the first page of all."""
        chosen = self.chosen | {"page": page}
        for name in ("sort", "order"):
            if name in chosen and chosen[name] == self.fields[name].choices[0][0]:  # type: ignore[attr-defined]
                del chosen[name]
        if page == 1:
            del chosen["page"]
        return f"?{urlencode(chosen)}" if chosen else ""


class PlanetFilter(ListFilter):
    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *Planet.Kind.choices])
    method = forms.ChoiceField(
        label="Found by", required=False, choices=[("", "Any method"), *Planet.Method.choices]
    )
    star = search("Host star")
    year = forms.IntegerField(
        label="Year found", required=False, min_value=1600, max_value=this_year
    )
    sort = forms.ChoiceField(
        label="Sort by",
        required=False,
        choices=[
            ("position", "Order from the Sun"),
            ("name", "Name"),
            *((fact.field, capfirst(fact.label)) for fact in FACTS),
            ("discovery_year", "Year of discovery"),
        ],
    )
    order = forms.ChoiceField(required=False, choices=ORDERS)

    field_order = ("q", "kind", "sort", "order", "method", "star", "year", "page")
    FACETS = ("kind", "method")
    ENDLESS = ("q", "star", "year")
    more = ("method", "star", "year")


class MoonFilter(ListFilter):
    sort = forms.ChoiceField(
        label="Sort by",
        required=False,
        choices=[
            ("planet", "Planet"),
            ("name", "Name"),
            ("radius", "Radius"),
            ("orbital_period", "Orbital period"),
            ("discovery_year", "Year of discovery"),
        ],
    )
    order = forms.ChoiceField(required=False, choices=ORDERS)

    field_order = ("q", "planet", "sort", "order", "page")
    FACETS = ("planet",)

    def __init__(self, data: QueryDict, planets: list[tuple[int, str]]) -> None:
        """`planets` are those with moons, one more than a select holds where there are so many."""
        super().__init__(data)
        if len(planets) <= MOST_CHOICES:
            choices = [("", "All planets"), *((str(pk), name) for pk, name in planets)]
            self.fields["planet"] = forms.ChoiceField(required=False, choices=choices)
        else:
            self.fields["planet"] = search("Planet's name contains")
        self.order_fields(self.field_order)

    def criteria(self) -> dict[str, Any]:
        criteria = super().criteria()
        if isinstance(self.fields["planet"], forms.ChoiceField) and "planet" in criteria:
            criteria["planet_id"] = int(criteria.pop("planet"))
        return criteria

    def is_one_of_few(self, query_string: str) -> bool:
        by_name = not isinstance(self.fields["planet"], forms.ChoiceField)
        return not (by_name and self.data.get("planet")) and super().is_one_of_few(query_string)
