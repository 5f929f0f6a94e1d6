"""A cached queryset that becomes plain, or a plain one that becomes cached, keeps its shape."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from planets.cache import CacheAsideManager
from tests.cache.zoo.models import Comet, Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

SHAPES: dict[str, Any] = {
    "instances": lambda rows: rows,
    "values": lambda rows: rows.values("name"),
    "values_list": lambda rows: rows.values_list("name", "id"),
    "named": lambda rows: rows.values_list("name", "id", named=True),
    "flat": lambda rows: rows.values_list("name", flat=True),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_reads_in_order_to_write_keeps_its_shape(shape: str) -> None:
    """get_or_create() reads past the cache."""
    shaped = SHAPES[shape]
    expected, _ = shaped(Star.objects.all()).get_or_create(name="Vega")
    found, created = shaped(Star.objects.cached()).get_or_create(name="Vega")
    assert (type(found), found, created) == (type(expected), expected, False)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_manager_asks_while_django_prefetches_keeps_its_shape(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is fetched, too; as a queryset that was asked for something else, it must not be."""
    asked: list[Any] = []

    def asking(self: Any) -> models.QuerySet[Any]:
        if self.model is Comet:
            asked.append(list(SHAPES[shape](Star.objects.order_by("id"))))
        return models.Manager.get_queryset(self)

    expected = list(SHAPES[shape](Star.objects.order_by("id")))
    monkeypatch.setattr(CacheAsideManager, "get_queryset", asking)
    stars = list(Star.objects.cached().prefetch_related("comets"))
    assert stars
    assert asked
    for found in asked:
        assert list(map(type, found)) == list(map(type, expected))
        assert found == expected
