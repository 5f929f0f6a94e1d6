"""invalidate(): by hand, of whatever can be named."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache import fetch, invalidate
from planets.cache.events import Fetch
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def outcomes(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events]


def test_invalidate_by_table_by_instance_by_model_and_everything(
    redis: Any, events: list[Fetch]
) -> None:
    electra = Star.objects.get(pk=3)
    for targets, options in (
        (("star",), {}),
        ((electra,), {}),
        ((Star,), {}),
        ((), {"everything": True}),
    ):
        fetch("SELECT name FROM star")
        events.clear()
        assert invalidate(*targets, **options)  # type: ignore[arg-type]
        fetch("SELECT name FROM star")
        assert outcomes(events) == ["miss"]
    with pytest.raises(TypeError, match="takes an instance, a model, a table name"):
        invalidate()
