"""A process that is forked while another thread holds a lock of ours gets one of its own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from planets.cache import stats
from planets.cache.instruments import feed, timeline, trips, watch
from planets.cache.instruments.timeline import Timeline
from planets.cache.orm.plans import plans
from planets.cache.storage.client import client
from planets.cache.storage.debt import debt
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.another_process import another_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

LOCKED: list[Any] = [stats, feed, timeline, trips, watch, plans, client, debt, near]


def watched() -> tuple[set[str], set[str], int]:
    with Timeline() as heard:
        before = both()
        rename()
        after = both()
        feed.tell()
    return before, after, len(heard.fetches)


@pytest.mark.parametrize(
    "held", LOCKED, ids=lambda held: getattr(held, "__name__", type(held).__name__)
)
def test_it_is_not_held_there(held: Any) -> None:
    both()
    with ExitStack() as stack:
        with held._lock:
            other = stack.enter_context(another_process())
        assert other.do(watched) == ({OLD}, {NEW}, 4)
