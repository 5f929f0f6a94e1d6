"""What is read off a statement: its tables, its rows, and every doubt."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import EmptyResultSet, FieldError
from django.db import DatabaseError, NotSupportedError, connection, models
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery
from hypothesis import given, settings
from hypothesis import strategies as st

from planets.cache.writing.reader import read
from planets.cache.writing.statement import PrimaryKeys
from tests.cache.zoo.models import Animal, Bird, Comet, Everything, Pet, Star, Tag

READS = {
    "SELECT * FROM star": {"star"},
    "select `star`.`id` from `star` where `star`.`id` in (%s, %s) limit 21": {"star"},
    "SELECT * FROM star p JOIN comet m ON m.star_id = p.id": {"star", "comet"},
    "SELECT * FROM Star, Comet": {"star", "comet"},
    "SELECT (SELECT COUNT(*) FROM comet) FROM star": {"star", "comet"},
    "SELECT * FROM star WHERE EXISTS (SELECT 1 FROM comet)": {"star", "comet"},
    "SELECT COUNT(*) FROM (SELECT 1 FROM star UNION SELECT 2 FROM comet) x": {"star", "comet"},
    "(SELECT id FROM star) UNION ALL (SELECT id FROM comet)": {"star", "comet"},
    "WITH a AS (SELECT * FROM star) SELECT * FROM a JOIN comet": {"a", "star", "comet"},
    "WITH star AS (SELECT * FROM star) SELECT * FROM star": {"star"},
    "/* a comment */ SELECT * FROM star": {"star"},
    "SELECT * FROM star WHERE name LIKE '%%x%%' AND id = %(id)s": {"star"},
    "SELECT 'DELETE FROM comet' FROM star": {"star"},
}


@pytest.mark.parametrize(("sql", "tables"), READS.items())
@pytest.mark.parametrize("vendor", ["mysql", "sqlite"])
def test_a_read_and_its_tables(vendor: str, sql: str, tables: set[str]) -> None:
    statement = read(vendor, sql)
    assert (statement.kind, statement.doubt) == ("read", "")
    assert statement.tables == tables


@pytest.mark.parametrize(
    ("sql", "doubt"),
    [
        ("SELECT NOW() FROM star", "NOW() changes by itself"),
        ("SELECT RAND(), id FROM star", "changes by itself"),
        ("SELECT UUID() FROM star", "changes by itself"),
        ("SELECT UTC_DATE FROM star", "changes by itself"),
        ("SELECT CURRENT_TIMESTAMP FROM star", "changes by itself"),
        ("SELECT * FROM star WHERE seen < NOW()", "NOW()"),
        ("SELECT stored_function(id) FROM star", "STORED_FUNCTION() is not known"),
        ("SELECT GET_LOCK('a', 1) FROM star", "GET_LOCK() is not known"),
        ("SELECT @x FROM star", "session variable"),
        ("SELECT @@sql_mode FROM star", "session variable"),
        ("SELECT * FROM star FOR UPDATE", "locks rows"),
        ("SELECT * FROM star LOCK IN SHARE MODE", "locks rows"),
        ("SELECT * FROM other.star", "another database"),
        ("SELECT 1", "names no table"),
        ("SELECT /*! STRAIGHT_JOIN */ * FROM star", "comment holds SQL"),
        ("SELECT * FROM star INTO OUTFILE '/tmp/x'", "could not be parsed"),
        ("SELECT FROM WHERE", "could not be parsed"),
        ("SELECT * FROM star /*! JOIN comet */", "comment holds SQL"),
    ],
)
def test_a_read_that_must_not_be_cached(sql: str, doubt: str) -> None:
    statement = read("mysql", sql)
    assert statement.kind == "read"
    assert doubt in statement.doubt


@pytest.mark.parametrize("function", ["date", "time", "datetime", "julianday", "strftime"])
def test_sqlites_functions_may_ask_for_the_time(function: str) -> None:
    assert read("sqlite", f"SELECT {function}(%s) FROM star").doubt


KEY = (PrimaryKeys("id", (), (1,)),)


@pytest.mark.parametrize(
    ("sql", "tables", "changes_rows", "keys"),
    [
        ("INSERT INTO `star` (`name`) VALUES (%s)", {"star"}, False, ()),
        ("INSERT INTO star VALUES (1, 'x;y')", {"star"}, False, ()),
        ("INSERT IGNORE INTO star (id) VALUES (%s)", {"star"}, False, ()),
        ("INSERT INTO star (id) VALUES (1) ON DUPLICATE KEY UPDATE id=2", {"star"}, True, ()),
        ("REPLACE INTO star (id) VALUES (1)", {"star"}, True, ()),
        ("INSERT INTO comet SELECT * FROM star", {"comet"}, False, ()),
        ("UPDATE star SET name = %s WHERE star.id = %s", {"star"}, True, KEY),
        ("UPDATE star SET name = %s WHERE (id = %s AND x = %s)", {"star"}, True, "narrower"),
        ("UPDATE star SET name = %s WHERE id = %s OR id = %s", {"star"}, True, ()),
        ("UPDATE star SET name = %s WHERE NOT id = %s", {"star"}, True, ()),
        ("UPDATE star SET id = %s WHERE id = %s", {"star"}, True, ()),
        ("UPDATE star p JOIN star m ON 1 SET p.x = 1 WHERE m.id = 3", {"star"}, True, ()),
        ("DELETE p FROM star p JOIN star m ON 1 WHERE m.id = 3", {"star"}, True, ()),
        ("UPDATE star SET x = 1 WHERE id = -3", {"star"}, True, ()),
        ("UPDATE star SET x = 'BEGIN; COMMIT' WHERE id > 3", {"star"}, True, ()),
        ("UPDATE star SET x = (SELECT 1 FROM comet) WHERE id > 3", {"star"}, True, ()),
        ("UPDATE star p JOIN comet m ON 1 SET p.x = 1", {"star", "comet"}, True, ()),
        ("DELETE FROM star WHERE id = 3", {"star"}, True, (PrimaryKeys("id", (3,), ()),)),
        ("TRUNCATE star", {"star"}, True, ()),
        ("SET STATEMENT max_statement_time = 1 FOR DELETE FROM star", {"star"}, True, ()),
        ("EXPLAIN ANALYZE DELETE FROM star", {"star"}, True, ()),
        ("ANALYZE DELETE FROM star", {"star"}, True, ()),
        ("ALTER TABLE star ADD COLUMN x int", {"star"}, True, ()),
        ("DROP TABLE star", {"star"}, True, ()),
        ("CREATE INDEX i ON star (name)", {"star"}, True, ()),
    ],
)
def test_a_write_its_tables_and_its_rows(
    sql: str, tables: set[str], changes_rows: bool, keys: Any
) -> None:
    statement = read("mysql", sql)
    assert (statement.kind, statement.doubt) == ("write", "")
    assert tables <= statement.tables
    assert statement.tables - tables <= {"p", "m"}  # aliases close a gate that nobody stands behind
    assert statement.changes_rows == changes_rows
    if keys == "narrower":
        assert PrimaryKeys("id", (), (1,)) in statement.keys
    else:
        assert statement.keys == keys


@pytest.mark.parametrize(
    "sql",
    [
        "CALL something()",
        "LOAD DATA INFILE 'x' INTO TABLE star",
        "RENAME TABLE star TO world",
        "DO something()",
        "SELECT 1; DELETE FROM star",
        "UPDATE other.star SET x = 1",
        "CREATE VIEW v AS SELECT * FROM star",
        "CREATE TRIGGER t AFTER INSERT ON star FOR EACH ROW DELETE FROM comet",
        "EXECUTE prepared",
        "no SQL at all",
        "BEGIN; UPDATE star SET x = 1; COMMIT",
        "SET @x = 1; UPDATE star SET x = 1",
        "SHOW TABLES; DELETE FROM star",
        "BEGIN NOT ATOMIC DELETE FROM star; END",
        "UPDATE star SET name = '%s' WHERE id = %s",
        "UPDATE star /*!, comet */ SET comet.x = 1",
        "/*!50000 DELETE FROM star */",
        "WITH a AS (SELECT 1) DELETE FROM star WHERE nonsense (",
    ],
)
def test_a_write_that_cannot_be_named_is_in_doubt(sql: str) -> None:
    statement = read("mysql", sql)
    assert statement.kind == "write"
    assert statement.doubt


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("BEGIN", "begin"),
        ("START TRANSACTION", "begin"),
        ("COMMIT", "end"),
        ("ROLLBACK", "end"),
        ("ROLLBACK TO SAVEPOINT `s1`", "other"),
        ("SAVEPOINT `s1`", "other"),
        ("SHOW TABLES", "other"),
        ("SET sql_mode = ''", "other"),
        ("COMMIT AND CHAIN", "begin"),
        ("COMMIT AND NO CHAIN", "end"),
        ("EXPLAIN SELECT * FROM star", "other"),
    ],
)
def test_statements_that_are_neither(sql: str, kind: str) -> None:
    assert read("mysql", sql).kind == kind


def test_a_database_without_a_dialect_is_in_doubt() -> None:
    assert read("oracle", "SELECT * FROM star").doubt
    assert read("oracle", "UPDATE star SET x = 1").doubt


# --- Django's own statements over random querysets


CONDITIONS: list[tuple[type[models.Model], Any]] = [
    (Star, Q(name="x")),
    (Star, Q(comets__name="x") | ~Q(kind="y")),
    (Star, ~Q(comets__radius__gt=1)),
    (Star, Q(pk__in=Comet.objects.values("star_id"))),
    (Comet, Q(star__name__startswith="x")),
    (Comet, Q(Exists(Star.objects.filter(pk=OuterRef("star_id"))))),
    (Animal, Q(tags__word="x", mother__tags__word="y")),
    (Animal, ~Q(tags__word="x")),
    (Animal, Q(children__mother__name="x")),
    (Bird, Q(mother__bird__wingspan=1)),
    (Bird, Q(tags__in=Tag.objects.filter(word="x"))),
    (Pet, Q(weight__gt=F("mother__weight"))),
    (Tag, Q(animals__bird__wingspan__lt=3)),
    (Everything, Q(json__a__b=1, date__year=2026)),
]
RELATED = {Comet: "star", Animal: "mother", Bird: "mother__bird"}
SHAPES: list[Any] = [
    lambda q: q,
    lambda q: q.distinct(),
    lambda q: q[:5],
    lambda q: q.order_by("-pk"),
    lambda q: q.values("pk").annotate(n=Count("pk")),
    lambda q: q.annotate(m=Max("pk")).filter(m__gt=1),
    lambda q: q.union(q.all()),
    lambda q: q.annotate(s=Subquery(Tag.objects.values("word")[:1])),
    lambda q: q.select_related(RELATED[q.model]) if q.model in RELATED else q,
    lambda q: q.model._default_manager.filter(pk__in=q.values("pk")),
]


def named(query: Any) -> set[str]:
    """The tables that a query's own structure names."""
    tables = set()
    for alias, join in query.alias_map.items():
        if query.alias_refcount[alias]:
            tables.add(join.table_name.lower())
    for other in query.combined_queries:
        tables |= named(other)
    parts = [*query.where.children, *query.annotation_select.values()]
    while parts:
        part = parts.pop()
        if isinstance(part, models.sql.Query):
            tables |= named(part)
        elif hasattr(part, "query"):
            tables |= named(part.query)
        else:
            parts += getattr(part, "children", [])
            parts += filter(None, getattr(part, "get_source_expressions", list)())
    return tables


@pytest.mark.django_db  # compiling asks MySQL for its version
@given(st.data())
@settings(max_examples=150)
def test_every_table_that_a_query_names_is_found(data: st.DataObject) -> None:
    model, condition = data.draw(st.sampled_from(CONDITIONS))
    queryset = model._default_manager.filter(condition)
    for shape in data.draw(st.lists(st.sampled_from(SHAPES), max_size=3)):
        try:
            queryset = shape(queryset)
        except (TypeError, FieldError, NotSupportedError):
            continue  # Django refuses the combination
    try:
        sql, _ = queryset.query.get_compiler(connection=connection).as_sql()
    except (DatabaseError, EmptyResultSet):
        return  # SQLite has no such union; or Django knows that there is nothing to ask for
    statement = read(connection.vendor, sql)
    assert statement.kind == "read"
    if not statement.doubt:
        # Of a union within another query Django asks for less than its structure has.
        quote = connection.ops.quote_name
        asked = {table for table in named(queryset.query) if quote(table).lower() in sql.lower()}
        assert asked <= statement.tables
    else:
        assert "could not be parsed" not in statement.doubt, sql
