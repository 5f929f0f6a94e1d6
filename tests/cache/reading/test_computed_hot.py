"""The same at random, where the column that is written and read is a hot one."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.writing import hot
from tests.cache.zoo.dice import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.mark.parametrize("seed", range(3, 6))
@pytest.mark.parametrize("near", [False, True], ids=["redis", "near"])
def test_a_view_is_what_it_would_be_without_the_cache(
    seed: int, near: bool, request: Any, settings: Any
) -> None:
    if near:
        request.getfixturevalue("near_on")
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "HOT": {"star": ["mass"]}}
    settings.ROOT_URLCONF = "tests.cache.zoo.marked"
    hot.forget()
    run(seed)
