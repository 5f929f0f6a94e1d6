"""No result is cached that is another tomorrow, be it that no function of the clock is called."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Count, F, Max, Q, Value
from django.db.models.functions import (
    Cast,
    Coalesce,
    ExtractHour,
    ExtractYear,
    TruncDate,
    TruncHour,
    TruncTime,
)

from planets.cache.writing.reader import read
from tests.cache.zoo.models import Everything
from tests.support.sql import past_django

pytestmark = [pytest.mark.mysql, pytest.mark.django_db(transaction=True)]

TODAY, TOMORROW = 1_700_000_000, 1_800_000_000  # of the server, between the dates of the row


@pytest.fixture
def session(transactional_db: None) -> Iterator[Any]:
    """Past Django, which takes no TIME of more than a day."""
    Everything.objects.create(
        time=dt.time(10, 11, 12),
        datetime=dt.datetime(2024, 6, 2, 3, 4, 5, tzinfo=dt.UTC),
        date=dt.date(2024, 6, 2),
        integer=5,
        char="10:11:12",
    )
    opened = past_django()
    yield opened
    opened.close()


def at(moment: int, sql: str, session: Any) -> Any:
    cursor = session.cursor()
    cursor.execute(f"SET timestamp = {moment}")
    cursor.execute(sql)
    return cursor.fetchall()


# --- raw SQL at random


VALUES = (
    "`time`",
    "`datetime`",
    "`date`",
    "`time`",
    "`datetime`",
    "`integer`",
    "`char`",
    "'10:00'",
    "NULL",
)
CALLS = (
    *("DATE({})", "YEAR({})", "TO_DAYS({})", "LAST_DAY({})", "UNIX_TIMESTAMP({})", "TIME({})"),
    *("CAST({} AS DATETIME)", "CAST({} AS DATE)", "CAST({} AS TIME)", "CAST({} AS CHAR)"),
    *("HOUR({})", "TIME_TO_SEC({})", "EXTRACT(HOUR FROM {})", "EXTRACT(YEAR FROM {})", "MAX({})"),
    *("SEC_TO_TIME({})", "DATE_FORMAT({}, '%Y')", "TIME_FORMAT({}, '%H')", "({})", "COUNT({})"),
    *("{} + INTERVAL 1 DAY", "DATE_ADD({}, INTERVAL 1 HOUR)", "TIMESTAMP({})", "WEEK({})"),
    *("COALESCE({}, {})", "IF(1, {}, {})", "GREATEST({}, {})", "LEAST({}, {})", "{} < {}"),
    *("{} = {}", "{} > {}", "{} <=> {}", "{} BETWEEN {} AND {}", "{} IN ({}, {})", "{} IS NULL"),
    *("TIMEDIFF({}, {})", "ADDTIME({}, {})", "DATEDIFF({}, {})", "TIMESTAMP({}, {})"),
    *("CASE WHEN 1 THEN {} ELSE {} END", "NULLIF({}, {})", "CONCAT({}, {})", "{} - {}", "{} + 0"),
    *("SUBTIME({}, {})", "MAKETIME(1, 2, 3)", "{} < (SELECT MIN({}) FROM zoo_everything)"),
    *("(SELECT MAX({}) FROM zoo_everything)", "IFNULL({}, {})", "STR_TO_DATE({}, '%H:%i')"),
)
STATEMENTS = (
    "SELECT {} FROM zoo_everything",
    "SELECT {} AS a, {} FROM zoo_everything ORDER BY a",
    "SELECT 1 FROM zoo_everything WHERE {}",
    "SELECT 1 FROM zoo_everything GROUP BY {} HAVING {}",
    "SELECT {} AS a FROM zoo_everything HAVING a > {}",
    "SELECT {} FROM zoo_everything UNION ALL SELECT {} FROM zoo_everything",
    "(SELECT {} FROM zoo_everything) UNION (SELECT {} FROM zoo_everything)",
    "SELECT DATE(a) FROM (SELECT {} AS a FROM zoo_everything UNION (SELECT {})) `q`",
    "(SELECT {} AS a, `datetime` FROM zoo_everything) EXCEPT (SELECT `datetime`, {})",
    "SELECT {} FROM (SELECT {} AS `integer`, `datetime`, `time` FROM zoo_everything) `q`",
    "SELECT * FROM (SELECT {} AS `datetime` FROM zoo_everything UNION SELECT {}) `q`",
    "WITH q AS (SELECT {} AS `char` FROM zoo_everything) SELECT DATE(`char`) FROM q",
    "WITH q AS (SELECT {} AS a FROM zoo_everything), r AS (SELECT a AS b FROM q)"
    " SELECT DATE(b), {} FROM r, zoo_everything",
    "WITH q (`char`) AS (SELECT {} FROM zoo_everything) SELECT DATE(`char`) FROM q",
    "SELECT a.id FROM zoo_everything a JOIN (SELECT {} AS `datetime`) b USING (`datetime`)",
    "SELECT a.id FROM zoo_everything a NATURAL JOIN (SELECT {} AS `datetime`) b",
    "SELECT id FROM zoo_everything WHERE {} IN (SELECT {} FROM zoo_everything)",
    "SELECT SUM(id) OVER (ORDER BY {}) FROM zoo_everything",
)


def filled(choose: random.Random, text: str, depth: int) -> str:
    while "{}" in text:
        inner = choose.choice(CALLS) if depth and choose.random() < 0.4 else choose.choice(VALUES)
        text = text.replace("{}", filled(choose, inner, depth - 1), 1)
    return text


def test_no_statement_that_may_be_cached_gives_another_result_tomorrow(session: Any) -> None:
    choose = random.Random(1)
    cached = other = 0
    for _ in range(1500):
        called = choose.choice(STATEMENTS).replace("{}", choose.choice(CALLS), 1)
        sql = filled(choose, called, depth=1)
        try:
            today, tomorrow = at(TODAY, sql, session), at(TOMORROW, sql, session)
        except connection.Database.Error:
            continue
        doubt = read("mysql", sql, filled_in=False).doubt
        assert doubt or today == tomorrow, sql
        cached += not doubt
        other += today != tomorrow
    assert cached > 100, "it is too easily in doubt to prove anything"
    assert other > 50, "it is too seldom another result to prove anything"


# --- Django's own


ROWS = Everything.objects.all
KEPT: dict[str, Callable[[], Any]] = {
    "a TIME among others": ROWS,
    "compared with a value": lambda: ROWS().filter(time__gt=dt.time(9), time__lte=dt.time(20)),
    "compared with its like": lambda: ROWS().filter(time=F("time")),
    "in a list": lambda: ROWS().filter(Q(time__in=[dt.time(1), dt.time(10)]) | Q(time=None)),
    "in a range": lambda: ROWS().filter(time__range=(dt.time(1), dt.time(20))),
    "sorted": lambda: ROWS().order_by("-time", "datetime"),
    "its hour": lambda: ROWS().annotate(a=ExtractHour("time")).filter(time__minute=11),
    "counted": lambda: ROWS().values("time").annotate(n=Count("id"), most=Max("time")),
    "distinct, counted": lambda: ROWS().values("time", "datetime").distinct()[:5],
    "in a union of its like": lambda: ROWS().union(ROWS().filter(id=1), all=True).order_by("id"),
    "in a subselect": lambda: ROWS().filter(id__in=ROWS().filter(time__hour=10).values("id")),
    "beside a date's year": lambda: ROWS().filter(datetime__year=2024, datetime__month=6),
    "the day and time of a datetime": lambda: ROWS().annotate(
        a=TruncDate("datetime"), b=TruncTime("datetime")
    ),
    "by the day and time of a datetime": lambda: ROWS().filter(
        datetime__date=dt.date(2024, 6, 2), datetime__time__gt=dt.time(1)
    ),
    "days later": lambda: ROWS().filter(datetime__lt=F("datetime") + dt.timedelta(days=1)),
}
REFUSED: dict[str, Callable[[], Any]] = {
    "cast to a datetime": lambda: ROWS().annotate(a=Cast("time", models.DateTimeField())),
    "its year": lambda: ROWS().annotate(a=ExtractYear(Cast("time", models.DateField()))),
    "or a datetime": lambda: ROWS().annotate(
        a=Coalesce("time", "datetime", output_field=models.DateTimeField())
    ),
    "compared with a datetime": lambda: ROWS().filter(
        Q(datetime__gt=Cast(F("time"), models.TimeField()))
    ),
    "the start of its hour": lambda: ROWS().annotate(a=TruncHour("time")),
    "a time of a datetime cast back": lambda: ROWS().annotate(
        a=Cast(TruncTime("datetime"), models.DateTimeField())
    ),
    "in a union": lambda: ROWS().values("time").union(ROWS().values("datetime")),
    "or a value": lambda: ROWS().annotate(
        a=Coalesce("time", Value("10:00"), output_field=models.TimeField())
    ),
}


def doubt_of(queryset: Any) -> str:
    sql, params = queryset.query.get_compiler(connection=connection).as_sql()
    return read("mysql", sql, bool(params)).doubt


@pytest.mark.parametrize("queryset", KEPT.values(), ids=KEPT)
def test_a_time_may_be_cached_where_it_stays_one(queryset: Callable[[], Any]) -> None:
    assert doubt_of(queryset()) == ""


@pytest.mark.parametrize("queryset", REFUSED.values(), ids=REFUSED)
def test_a_time_is_not_cached_where_it_may_become_a_date(queryset: Callable[[], Any]) -> None:
    assert "MySQL reads the clock" in doubt_of(queryset())


@pytest.mark.parametrize(
    ("sql", "doubt"),
    [
        ("SELECT YEAR(a) FROM unknown_table", "YEAR reads the clock for a TIME, which"),
        ("SELECT CAST(a AS DATETIME) FROM unknown_table", "DATETIME reads the clock"),
        ("SELECT a + INTERVAL 1 DAY FROM star JOIN unknown_table", "INTERVAL reads the clock"),
        ("SELECT a, HOUR(a) FROM unknown_table WHERE a > %s", ""),
        ("SELECT YEAR(name) FROM star", ""),  # whose model has no TIME
        ("WITH q AS (SELECT name FROM star) SELECT YEAR(name) FROM q", ""),
    ],
)
def test_of_a_table_without_a_model_any_column_may_be_a_time(sql: str, doubt: str) -> None:
    found = read("mysql", sql).doubt
    assert doubt in found if doubt else not found
