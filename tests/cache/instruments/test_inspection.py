from __future__ import annotations

import json
from typing import Any

import pytest

from planets.cache import fetch, invalidate
from planets.cache.instruments.inspection import Content, opened
from planets.cache.storage import gates, keys
from planets.cache.storage.client import Unavailable, client
from planets.models import Planet
from planets.records import planet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

GATE = "gen:default:planet"


def content(name: str) -> Content:
    found = opened(name)
    assert found is not None
    return found.content


def filled(redis: Any) -> str:
    """The key of a query's stored result."""
    list(Planet.objects.cached().in_order())
    (key,) = redis.keys("sql:*")
    return str(key)


def test_a_key_that_is_not_there_is_none(redis: Any) -> None:
    assert opened("planet:3") is None


def test_an_entry_shows_its_sql_tables_and_rows(redis: Any) -> None:
    found = opened(filled(redis))

    assert found is not None
    assert found.key.ttl == pytest.approx(300, rel=0.15)
    assert found.content.state == "current"
    assert "ORDER BY" in found.content.sql
    assert found.content.tables == ("planet",)
    assert found.content.row_count == 8
    assert found.content.rows[0][:2] == ["1", "Mercury"]
    assert found.content.load_ms


def test_an_entry_is_stale_after_a_write_to_its_table(redis: Any) -> None:
    key = filled(redis)
    Planet.objects.filter(pk=3).update(name="Terra")

    assert content(key).state == "stale"


def test_an_entry_is_closed_while_a_write_is_in_flight(redis: Any) -> None:
    key = filled(redis)
    client.call(gates.close(GATE, "writer"))
    try:
        assert content(key).state == "closed"
        assert content(GATE).why.startswith("Closed")
    finally:
        client.call(gates.open(GATE, "writer"))


def test_a_long_result_is_shortened_and_says_so(redis: Any) -> None:
    fetch("SELECT a.id FROM planet a JOIN planet b")  # 64 rows and one of names
    (key,) = redis.keys("sql:*")

    shown = content(key)

    assert (shown.row_count, len(shown.rows), shown.shortened) == (65, 50, True)


def test_sql_that_controls_a_terminal_is_escaped_and_keeps_its_lines(redis: Any) -> None:
    fetch("SELECT id\nFROM planet /* \x1b[2J */")
    (key,) = redis.keys("sql:*")

    assert content(key).sql == "SELECT id\nFROM planet /* \\x1b[2J */"


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x01\x00\x00\x00\x00garbage", b"\xff\x1b[2J"])
def test_bytes_that_no_fill_has_written_are_unreadable_and_shown_escaped(
    redis: Any, damage: bytes
) -> None:
    redis.set("sql:1", damage or b"-")

    shown = content("sql:1")

    assert shown.state == "unreadable"
    assert "\x1b" not in shown.text


@pytest.mark.parametrize("name", ["sql:1", "planet:3", GATE, "lease:{planet:3}", "stat:1", "any"])
def test_a_key_of_a_wrong_type_is_told_as_such(redis: Any, name: str) -> None:
    redis.rpush(name, "x")
    assert content(name).why == "It cannot be read: only strings and hashes are shown, not a list"

    redis.delete(name)
    redis.hset(name, "field", "\x1bvalue")
    assert content(name).fields == {"field": "\\x1bvalue"}

    redis.delete(name)
    redis.set(name, "text")
    assert content(name).text == "text"


def test_a_record_shows_its_fields(redis: Any) -> None:
    planet(3)

    shown = content("planet:3")

    assert (shown.state, shown.absent) == ("current", False)
    assert shown.fields["name"] == "Earth"
    assert shown.tables == ("planet",)


def test_a_record_is_stale_after_a_bulk_write(redis: Any) -> None:
    planet(3)
    Planet.objects.filter(name="Mars").update(name="Ares")

    assert content("planet:3").state == "stale"


def test_an_absence_is_stale_after_any_write_to_its_table(redis: Any) -> None:
    planet(99)
    assert (content("planet:99").state, content("planet:99").absent) == ("current", True)

    invalidate("planet")
    assert content("planet:99").state == "stale"


def test_a_record_of_another_program_is_unreadable(redis: Any) -> None:
    redis.hset("planet:3", mapping={"id": "3", "name": "Earth"})

    shown = content("planet:3")

    assert shown.state == "unreadable"
    assert "another program" in shown.why
    assert shown.fields == {"id": "3", "name": "Earth"}


def test_a_hash_of_very_many_fields_is_not_read(redis: Any) -> None:
    redis.hset("planet:3", mapping={str(n): "x" for n in range(1001)})

    assert "1001 fields" in content("planet:3").why


def test_a_gate_tells_its_state(redis: Any) -> None:
    filled(redis)
    assert content(GATE).why.startswith("Open")

    redis.set(GATE, "nonsense")
    assert content(GATE).why.startswith("Nothing that the cache has written")


def test_a_lease_tells_that_a_caller_has_it(redis: Any) -> None:
    redis.set(keys.lease("planet:3"), "l:token")

    assert content(keys.lease("planet:3")).why.startswith("A caller has this lease")


def test_what_is_opened_is_plain_json(redis: Any) -> None:
    found = opened(filled(redis))

    assert found is not None
    assert json.loads(json.dumps(found.as_dict()))["state"] == "current"


def test_without_redis_it_is_unavailable(no_redis: None) -> None:
    with pytest.raises(Unavailable):
        opened("planet:3")
