"""What the judge calls a difference, and that it calls one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.cache.zoo.models import Star
from tests.judge import known
from tests.judge.comparison import differences, shared

DOCS = Path(__file__).resolve().parents[2] / "docs" / "freshness.md"


def star(**facts: Any) -> Star:
    return Star(id=1, name="Mira", **facts)


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (1, True, ""),
        (1, 1.0, ""),
        ([1, "a"], [1], "[1]"),
        ((1,), [1], ""),
        ({"a": 1}, {"a": 2}, "['a']"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ""),
        (Decimal("1.0"), Decimal("1.00"), ""),
        (0.0, -0.0, ""),
        (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=ZoneInfo("UTC")), ""),
        (b"a", memoryview(b"a"), ""),
        (ValueError("a"), ValueError("b"), ""),
        (star(mass=1.0), star(mass=2.0), ".mass"),
    ],
)
def test_what_differs(one: Any, other: Any, place: str) -> None:
    assert [found.partition(":")[0] for found in differences(one, other)] == [place]


def test_deferred_fields_and_states_are_told() -> None:
    deferred, fresh = star(), star()
    del deferred.__dict__["mass"]
    fresh._state.db = "other"
    assert "['mass']" in differences(star(), deferred)[0]
    assert differences(star(), fresh)[0].startswith("._state.db")


def test_what_is_the_same() -> None:
    circle: list[Any] = [float("nan"), star(mass=1.0)]
    again: list[Any] = [float("nan"), star(mass=1.0)]
    circle.append(circle)
    again.append(again)
    assert differences(circle, again) == []


def test_what_two_results_share_is_found() -> None:
    one: dict[str, Any] = {"a": [1]}
    assert list(shared([one["a"], 2], [one["a"], 2]).values()) == ["[0]"]
    assert shared([[1]], [[1]]) == {}


def test_every_known_difference_stands_in_the_docs() -> None:
    text = " ".join(DOCS.read_text().split())
    for reason in known.KNOWN:
        assert reason in text
