"""Hot columns: who does not read them does not notice that they are written, and who does, does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import Count, F, Max, Value
from django.test import Client

from planets.cache import invalidate
from planets.cache.conf import conf
from planets.cache.events import Fetch, Invalidation, invalidated
from planets.cache.storage import keys
from planets.cache.storage.client import client
from planets.cache.writing import hot, reader
from planets.cache.writing.hot import may_read
from tests.cache.zoo.hot import (
    COLD,
    READERS,
    by_record,
    by_text,
    count,
    gravity,
    names,
    ordered,
    plain_gravity,
    plain_names,
    star_sql,
    whole,
)
from tests.cache.zoo.models import Star
from tests.support.sql import past_django, sql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("hot_gravity", "sky", "redis"),
]


def update() -> None:
    Star.objects.filter(pk=3).update(gravity=200)


def by_f() -> None:
    Star.objects.filter(pk=3).update(gravity=F("gravity") + Value(190.2))


def save() -> None:
    found = Star.objects.get(pk=3)
    found.gravity = 200
    found.save(update_fields=["gravity"])


def by_sql() -> None:
    sql("UPDATE star SET gravity = %s WHERE id = %s", 200, 3)


def quoted() -> None:
    sql("UPDATE `star` SET `star`.`GRAVITY` = 200 WHERE `id` = 3"
        if connection.vendor == "mysql"
        else 'UPDATE "star" SET "GRAVITY" = 200 WHERE "id" = 3')  # fmt: skip


def many() -> None:
    found = list(Star.objects.filter(pk=3))
    for each in found:
        each.gravity = 200
    Star.objects.bulk_update(found, ["gravity"])


def committed() -> None:
    with transaction.atomic():
        update()


HOT_WRITES: list[Callable[[], None]] = [update, by_f, save, by_sql, quoted, many, committed]


def also_name() -> None:
    Star.objects.filter(pk=3).update(gravity=200, name="Taygeta")


def whole_save() -> None:
    found = Star.objects.get(pk=3)
    found.gravity = 200
    found.name = "Taygeta"
    found.save()


def named_save() -> None:
    found = Star.objects.get(pk=3)
    found.gravity = 200
    found.name = "Taygeta"
    found.save(update_fields=["gravity", "name"])


def replaced() -> None:
    unique: Any = {} if connection.vendor == "mysql" else {"unique_fields": ["id"]}
    Star.objects.bulk_create(
        [Star(pk=3, name="Taygeta", gravity=200)],
        update_conflicts=True,
        update_fields=["gravity", "name"],
        **unique,
    )


COLD_WRITES: list[Callable[[], None]] = [also_name, whole_save, named_save, replaced]


@pytest.mark.parametrize("write", HOT_WRITES)
def test_a_hot_write_is_seen_by_who_reads_it_alone(
    write: Callable[[], None], events: list[Fetch]
) -> None:
    cold = [read() for read in COLD]
    for read in READERS:
        read()
    write()
    events.clear()
    assert [read() for read in COLD] == cold
    assert {event.outcome for event in events} == {"hit"}
    events.clear()
    for read in READERS:
        seen = read()
        assert seen in (200.0, [3, *[pk for pk in seen if pk != 3]] if read is ordered else 2), read
        assert events[-1].outcome == "miss", read


@pytest.mark.parametrize("write", COLD_WRITES)
def test_any_other_write_is_seen_by_all(write: Callable[[], None]) -> None:
    for read in (*COLD, *READERS):
        read()
    write()
    assert "Taygeta" in names()
    assert ("Taygeta",) in [tuple(row) for row in plain_names()]
    assert "Taygeta" in [row["name"] for row in by_text()] or not count()
    assert gravity() == whole() == star_sql() == plain_gravity() == by_record() == 200


def test_it_moves_a_gate_of_its_own() -> None:
    heard: list[Invalidation] = []

    def hear(event: Invalidation, **kwargs: Any) -> None:
        heard.append(event)

    invalidated.connect(hear)
    try:
        by_sql()
    finally:
        invalidated.disconnect(hear)
    assert [event.keys for event in heard] == [(keys.hot_gate("default", "star"), "star:3")]


def test_why_it_was_no_hit_is_told(events: list[Fetch]) -> None:
    gravity()
    by_sql()
    gravity()
    assert events[-1].cause == "table star, its hot columns, was written"


def test_what_is_invalidated_by_hand_reaches_both(events: list[Fetch]) -> None:
    names()
    gravity()
    invalidate(Star)
    events.clear()
    names()
    gravity()
    assert [event.outcome for event in events] == ["miss", "miss"]


def test_a_transaction_reads_its_own_hot_write(events: list[Fetch]) -> None:
    names()
    gravity()
    events.clear()
    with transaction.atomic():
        update()
        assert gravity() == 200
        names()
    assert events[0].outcome == "bypass"
    if connection.vendor == "mysql":
        assert events[1].outcome == "hit"


def test_a_rollback_leaves_all_as_it_was(events: list[Fetch]) -> None:
    before = gravity()
    with transaction.atomic():
        update()
        transaction.set_rollback(True)
    events.clear()
    assert gravity() == before
    assert events[-1].outcome == "hit"


# --- reads


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        ("SELECT name FROM star", False),
        ("SELECT COUNT(*) FROM star", False),
        ("SELECT COUNT( * ) FROM star", False),
        ("SELECT * FROM star", True),
        ("SELECT s.* FROM star s", True),
        ("SELECT COUNT(*), s.* FROM star s", True),
        ("SELECT COUNT(*), mass * 2 FROM star", False),
        ("SELECT Gravity FROM star", True),
        ("SELECT `gravity` FROM star", True),
        ('SELECT "gravity" FROM star', True),
        ("SELECT name FROM star ORDER BY gravity", True),
        ("SELECT name FROM star WHERE gravity > 2", True),
        ("SELECT name FROM star GROUP BY name HAVING MAX(gravity) > 2", True),
        ("SELECT name FROM star NATURAL JOIN comet", True),
        ("SELECT name FROM star JOIN comet USING (gravity)", True),
        ("SELECT 1 FROM comet WHERE 1 IN (TABLE star)", True),
        ("SELECT name FROM star FOR SYSTEM_TIME ALL", True),
        ("SELECT name FROM star PROCEDURE ANALYSE()", True),
        ("SELECT name FROM star PARTITION (p0)", True),
        ("SELECT _rowid FROM star", True),
        ("SELECT gr\u00e1vity FROM star", True),
        ("SELECT name FROM star -- the gravity of it", True),
    ],
)
def test_what_a_select_may_read(statement: str, reads: bool) -> None:
    assert may_read("mysql", statement, frozenset(["gravity"])) is reads
    assert not may_read("mysql", statement, frozenset())


def test_a_column_with_an_accent_may_be_read_by_any_name() -> None:
    assert may_read("mysql", "SELECT name FROM star", frozenset(["gr\u00e1vity"]))


# --- writes


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("UPDATE star SET gravity = gravity + 1", "gravity"),
        ("UPDATE star SET gravity = %s WHERE id = %s", "gravity"),
        ("UPDATE star s SET s.gravity = 1", "gravity"),
        ("UPDATE star SET gravity = (SELECT MAX(mass) FROM comet)", "gravity"),
        ("UPDATE star SET gravity = 1, name = 'a'", "gravity name"),
        ("UPDATE star SET gravity = name = 2", "gravity"),
        ("UPDATE star, comet SET gravity = 1", ""),
        ("UPDATE star JOIN comet ON 1 SET star.gravity = 1", ""),
        ("WITH s AS (SELECT 1) UPDATE star SET gravity = 1", ""),
        ("INSERT INTO star (gravity) VALUES (1) ON DUPLICATE KEY UPDATE gravity = 2", ""),
        ("REPLACE INTO star (gravity) VALUES (1)", ""),
        ("REPLACE star SET gravity = 1", ""),
        ("INSERT INTO star SET gravity = 1", ""),
        ("DELETE FROM star WHERE gravity = 1", ""),
        ("UPDATE star SET `gr\u00e1vity` = 1", ""),
        ("UPDATE star SET other.gravity = 1", ""),
        ("UPDATE star SET gravity = 1; UPDATE star SET name = 'a'", ""),
        ("TRUNCATE star", ""),
    ],
)
def test_which_columns_a_write_sets(statement: str, columns: str) -> None:
    assert reader.read("mysql", statement).sets == frozenset(columns.split())


def test_updates_of_the_orm_are_understood() -> None:
    for change in (
        {"gravity": F("gravity") + 1}, {"gravity": F("mass") * F("radius")}, {"gravity": None},
    ):  # fmt: skip
        names()
        Star.objects.filter(kind="giant", pk__in=[3, 4]).update(**change)
        assert gate_is_there("star")


def gate_is_there(table: str) -> bool:
    return client.redis().exists(keys.gate("default", table)) == 1


# --- what else a write may change


@pytest.mark.mysql
@pytest.mark.parametrize(
    ("made", "ended", "why"),
    [
        (
            "CREATE TRIGGER t BEFORE UPDATE ON star FOR EACH ROW SET NEW.name = 'Taygeta'",
            "DROP TRIGGER t",
            "it has a trigger",
        ),
        (
            "ALTER TABLE star ADD twice DOUBLE AS (gravity * 2) VIRTUAL",
            "ALTER TABLE star DROP twice",
            "another of its columns is generated",
        ),
        (
            "ALTER TABLE star ADD at TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP",
            "ALTER TABLE star DROP at",
            "or set ON UPDATE",
        ),
    ],
)
def test_a_table_that_changes_by_itself_has_no_hot_columns(
    made: str, ended: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    names()
    sql(made)
    try:
        names()
        by_sql()
        assert not gate_is_there("star"), "all of the table was written"
        assert why in caplog.text
    finally:
        sql(ended)
    names()
    by_sql()
    assert gate_is_there("star")


@pytest.mark.mysql
def test_who_is_not_shown_triggers_has_no_hot_columns(caplog: pytest.LogCaptureFixture) -> None:
    sql("CREATE USER IF NOT EXISTS nobody@localhost")
    sql("GRANT SELECT, UPDATE ON *.* TO nobody@localhost")
    with past_django(user="nobody", password="") as theirs:
        assert "GRANT TRIGGER" in hot._ask_mysql(theirs.cursor(), "star")
        sql("GRANT TRIGGER ON *.* TO nobody@localhost")
        assert hot._ask_mysql(theirs.cursor(), "star") == ""
    sql("DROP USER nobody@localhost")


@pytest.mark.parametrize("nonsense", [{"star": "gravity"}, {"star": [1]}, {1: ["gravity"]}])
def test_nonsense_is_named(settings: Any, nonsense: Any) -> None:
    settings.CACHE_ASIDE = {"HOT": nonsense}
    with pytest.raises(ImproperlyConfigured, match=r"CACHE_ASIDE\['HOT'\]\[.*must be a list"):
        conf()


def test_aggregates_over_others_stay(events: list[Fetch]) -> None:
    query = Star.objects.cached().values("kind").annotate(n=Count("id"), most=Max("mass"))
    list(query.order_by("kind"))
    by_sql()
    list(query.order_by("kind"))
    assert events[-1].outcome == "hit"


def test_pages(settings: Any, events: list[Fetch]) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.marked"
    browser = Client()
    browser.get("/names/")  # which reads whole rows of the ORM, by name alone
    by_sql()
    browser.get("/names/")
    assert [event.outcome for event in events if event.kind == "page"] == ["miss", "hit"]
