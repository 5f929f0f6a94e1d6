"""The check of the names in CACHE_ASIDE["HOT"]."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.checks.hot import check_hot_columns


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ""),
        ({"STAR": ["Gravity", "mass"]}, ""),
        ({"star": ["gravity", "views"]}, "names views, which no model has"),
        ({"stars": ["gravity"]}, "['stars'] names gravity"),
    ],
)
def test_columns_that_no_model_has_are_named(settings: Any, given: Any, named: str) -> None:
    settings.CACHE_ASIDE = {"HOT": given}
    found = check_hot_columns()
    assert [message.id for message in found] == (["cache_aside.W012"] if named else [])
    assert all(named in message.msg for message in found)
