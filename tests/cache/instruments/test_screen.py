"""The cache on one screen of a terminal."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from planets.cache.instruments import feed
from planets.cache.instruments.history import Minute
from planets.cache.instruments.overview import overview
from planets.cache.instruments.screen import HEIGHT, WIDTH, screen, sparkline
from planets.cache.storage import keys
from planets.cache.writing import last_writes
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import stars

START = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def minutes(*hits: int) -> list[Minute]:
    return [Minute(start=START, hits=number) for number in hits]


@pytest.mark.once
@pytest.mark.parametrize(
    ("hits", "line"),
    [
        ((), ""),
        ((0, 0), "  "),
        ((0, 1, 1_000_000), " ▁█"),
        ((1,), "▅"),
        (tuple(range(9)), " ▁▂▃▄▅▆▇█"),
    ],
)
def test_a_sparkline_is_as_high_as_the_hits(hits: tuple[int, ...], line: str) -> None:
    assert sparkline(minutes(*hits)) == line


@pytest.mark.django_db(transaction=True)
def test_it_fits_eighty_by_twenty_four(redis: Any, sky: None) -> None:
    last_writes.take()
    stars(range(1, 9))
    for number in range(30):
        list(Star.objects.cached().filter(pk__gt=number, kind="giant", mass__gt=number))
        list(Comet.objects.cached().select_related("star").filter(pk__gt=number))
    for number in range(10):
        Star.objects.filter(pk=3).update(name="Terra" * 5, description=f"{number}" * 200)
    feed.tell()
    now = int(time.time()) // 60
    for ago in range(60):
        redis.hset(keys.minute(now - ago), mapping={"hit": 10**ago % 9_999_999, "miss": 3})

    lines = screen(overview(), datetime.now(tz=UTC).isoformat(timespec="seconds"))

    assert len(lines) <= HEIGHT
    assert max(map(len, lines)) <= WIDTH
    text = "\n".join(lines)
    for word in ("Hit ratio", "hits a minute", "█", "recently used", "SELECT …", "UPDATE star SET"):
        assert word in text


@pytest.mark.django_db(transaction=True)
def test_a_smaller_screen_is_kept_to(redis: Any, sky: None) -> None:
    stars(range(1, 9))

    lines = screen(overview(), "now", width=40, height=10)

    assert len(lines) == 10
    assert max(map(len, lines)) == 40
    assert screen(overview(), "now", width=1, height=1) == ["…"]
