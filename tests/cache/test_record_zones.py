"""A record's datetimes are in the time zone that the database's own would be in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.test import override_settings

from planets.cache import Records
from planets.cache.events import Fetch
from tests.cache.zoo.models import Everything

pytestmark = pytest.mark.django_db(transaction=True)

# The last two: an hour that is there twice, and one that is not there.
MOMENTS = [
    dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC),
    dt.datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 25, 1, 30, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC),
]


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """DATABASES[...]["TIME_ZONE"], as a database that others write would have it."""
    forget()
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", "Europe/Berlin")
    yield
    monkeypatch.undo()
    forget()


def forget() -> None:
    """A connection keeps both."""
    for name in ("timezone", "timezone_name"):
        vars(connections["default"]).pop(name, None)


def told(row: Any) -> Any:
    moment = row.datetime
    return moment, moment.replace(tzinfo=None), moment.tzinfo, moment.fold, moment.utcoffset()


def rows() -> list[int]:
    return [Everything.objects.create(datetime=moment, uuid=None).pk for moment in MOMENTS]


def test_a_hit_has_the_zone_of_a_miss(redis: Any, events: list[Fetch], in_berlin: None) -> None:
    records = Records(Everything)
    for pk in rows():
        truth = told(Everything.objects.get(pk=pk))
        assert str(truth[2]) == "Europe/Berlin"
        assert told(records.get(pk)) == truth  # a miss
        assert told(records.get(pk)) == truth
    assert [event.outcome for event in events] == ["miss", "hit"] * len(MOMENTS)


def test_a_hit_is_in_utc_where_the_database_is(redis: Any) -> None:
    records = Records(Everything)
    for pk in rows():
        truth = told(Everything.objects.get(pk=pk))
        assert told(records.get(pk)) == told(records.get(pk)) == truth


def test_a_record_of_another_time_zone_is_a_miss(redis: Any, monkeypatch: Any) -> None:
    records = Records(Everything)
    (pk, *_) = rows()
    records.get(pk)
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", "Asia/Tokyo")
    forget()
    try:
        assert told(records.get(pk)) == told(Everything.objects.get(pk=pk))
    finally:
        monkeypatch.undo()
        forget()


def test_records_and_plans_follow_use_tz(redis: Any) -> None:
    records: Any = Records(Everything)
    (pk, *_) = rows()
    kept: Any = Everything.objects.cached().filter(pk=pk)
    for _ in range(2):
        assert records.get(pk).datetime.tzinfo is not None
        assert kept.all()[0].datetime.tzinfo is not None
    with override_settings(USE_TZ=False):
        for _ in range(2):
            truth: Any = Everything.objects.get(pk=pk).datetime
            assert truth.tzinfo is None
            assert records.get(pk).datetime == truth
            assert kept.all()[0].datetime == truth
            assert Everything.objects.cached().get(pk=pk).datetime == truth
    assert records.get(pk).datetime.tzinfo is not None
    assert kept.all()[0].datetime.tzinfo is not None
