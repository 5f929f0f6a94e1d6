"""count(), exists() and aggregate(), answered without compiling, by a replica that may lag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Max

from planets.cache.orm import answers
from planets.cache.orm.answers import Answer
from tests.cache.zoo.electra import NEW, OLD, rename
from tests.cache.zoo.models import Star
from tests.support.lagging import aliases_read, known
from tests.support.replicated import Pair

pytestmark = pytest.mark.mysql


def named_old() -> Any:
    return Star.objects.cached().filter(pk=3, name=OLD)


READS: dict[str, tuple[Callable[[], Any], Any, Any]] = {
    "count": (lambda: named_old().count(), 1, 0),
    "exists": (lambda: named_old().exists(), True, False),
    "aggregate": (lambda: named_old().aggregate(last=Max("id"))["last"], 3, None),
}


@pytest.mark.parametrize(("read", "before", "after"), READS.values(), ids=READS.keys())
def test_an_answer_that_is_known_waits_as_any_other_read(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, read: Any, before: Any, after: Any
) -> None:
    known()
    answers.clear()
    for _ in range(3):
        assert read() == before
    given: list[Any] = []
    rows = Answer._rows
    monkeypatch.setattr(Answer, "_rows", lambda self: given.append(self) or rows(self))
    pair.lag()
    rename(NEW)
    assert aliases_read(read) == (after, ["default"])
    pair.catch_up()
    assert aliases_read(read) == (after, [])
    rename(OLD)
    pair.wait_until_applied()
    assert aliases_read(read) == (before, ["replica"])
    assert len(given) == 3
