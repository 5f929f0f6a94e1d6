"""Answers that must not be shared, and those of a Query of somebody's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Max
from django.db.models.sql import Query

from planets.cache.orm.queryset import CacheAsideQuerySet
from tests.cache.zoo.models import Everything, Star

pytestmark = pytest.mark.django_db(transaction=True)


class Estimating(Query):
    """Counts, and tells whether there is anything, in a way of its own."""

    def get_count(self, using: str) -> int:
        return 1234

    def has_results(self, using: str) -> bool:
        return False

    def get_aggregation(self, using: str, aggregate_exprs: dict[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(aggregate_exprs, "estimated")


def test_a_query_of_somebodys_own_answers_in_its_own_way(redis: Any, sky: None) -> None:
    stars: Any = CacheAsideQuerySet(Star, query=Estimating(Star))
    for asked in (stars, stars.cached()):
        assert asked.count() == 1234
        assert not asked.exists()
        assert asked.aggregate(last=Max("id")) == {"last": "estimated"}


def test_what_one_reader_changes_in_an_answer_no_other_sees(near_on: None, rows: None) -> None:
    Everything.objects.update(json={"a": [1]})

    def read() -> Any:
        return Everything.objects.cached().aggregate(json=Max("json"))["json"]

    for _ in range(5):
        found = read()
        assert found == {"a": [1]}
        found["a"].append(2)
