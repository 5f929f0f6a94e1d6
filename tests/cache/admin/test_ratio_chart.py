from datetime import UTC, datetime

import pytest

from planets.cache.admin.ratio_chart import bars, width
from planets.cache.instruments.history import Minute

pytestmark = pytest.mark.once

START = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def test_a_bar_is_as_high_as_the_ratio_and_a_minute_without_fetches_has_none() -> None:
    minutes = [Minute(start=START, hits=3, misses=1), Minute(start=START), Minute(start=START)]

    (bar,) = bars(minutes)

    assert (bar.x, bar.top, bar.hits) == (0, 25, 75)
    assert bar.label.endswith(": 75.0 % of 4")


def test_bars_stand_where_their_minutes_do() -> None:
    minutes = [Minute(start=START), Minute(start=START, misses=1)]

    assert [bar.x for bar in bars(minutes)] == [width(minutes[:1])]
