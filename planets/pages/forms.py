"""What the query strings of the lists may say. A value that is not allowed is named beside its
field and otherwise ignored."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst

from ..facts import FACTS
from ..models import Planet

ORDERS = (("asc", "Rising"), ("desc", "Falling"))
# Characters that are read of a value, more than any choice or search has: it comes back on the page
# as what is wrong, and anybody can send megabytes.
LONGEST = 100


class ListFilter(forms.Form):
    q = forms.CharField(
        label="Name contains",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "search"}),
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__({name: data[name][:LONGEST] for name in data}, label_suffix="")

    def is_one_of_few(self, query_string: str) -> bool:
        """Whether the address is one that the form itself could make, without a search.

        There are some hundreds of them. Of others there is no end: with a field more than once, in
        another order, written in another way, or with a value that is none of the choices.
        """
        as_made = {name: self.data[name] for name in self.fields if name in self.data}
        return self.is_valid() and not self.data.get("q") and urlencode(as_made) == query_string

    def criteria(self) -> dict[str, Any]:
        """Keyword arguments for the manager's `listed`: valid choices, nothing for the rest."""
        self.full_clean()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        criteria: dict[str, Any] = {"descending": chosen.pop("order", "asc") == "desc"}
        if "q" in chosen:
            criteria["search"] = chosen.pop("q")
        return criteria | chosen


class PlanetFilter(ListFilter):
    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *Planet.Kind.choices])
    sort = forms.ChoiceField(
        label="Sort by",
        required=False,
        choices=[
            ("position", "Order from the Sun"),
            ("name", "Name"),
            *((fact.field, capfirst(fact.label)) for fact in FACTS),
        ],
    )
    order = forms.ChoiceField(required=False, choices=ORDERS)


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

    def __init__(self, data: QueryDict, planets: list[Planet]) -> None:
        super().__init__(data)
        self.fields["planet"] = forms.ChoiceField(
            required=False,
            choices=[("", "All planets"), *((str(p.pk), p.name) for p in planets)],
        )
        self.order_fields(["q", "planet", "sort", "order"])

    def is_one_of_few(self, query_string: str) -> bool:
        """Whether the address is one that the form itself could make, without a search.

        There are some hundreds of them. Of others there is no end: with a field more than once, in
        another order, written in another way, or with a value that is none of the choices.
        """
        as_made = {name: self.data[name] for name in self.fields if name in self.data}
        return self.is_valid() and not self.data.get("q") and urlencode(as_made) == query_string

    def criteria(self) -> dict[str, Any]:
        criteria = super().criteria()
        if planet := criteria.pop("planet", None):
            criteria["planet_id"] = int(planet)
        return criteria
