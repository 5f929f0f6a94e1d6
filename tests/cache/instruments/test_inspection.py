from __future__ import annotations

import json
from typing import Any

import pytest

from planets.cache import fetch, invalidate
from planets.cache.instruments.inspection import Content, opened
from planets.cache.storage import gates, keys
from planets.cache.storage.client import Unavailable, client
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.names import entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture
def gate() -> str:
    return keys.gate("default", "star")


def content(name: str) -> Content:
    found = opened(name)
    assert found is not None
    return found.content


def filled(redis: Any) -> str:
    """The key of a query's stored result."""
    list(Star.objects.cached().order_by("position"))
    (key,) = redis.keys("sql:*")
    return str(key)


def test_a_key_that_is_not_there_is_none(redis: Any) -> None:
    assert opened("star:3") is None


def test_an_entry_shows_its_sql_tables_and_rows(redis: Any) -> None:
    filled(redis)
    invalidate(Star)  # what a process loads first is cold, and tells no time
    found = opened(filled(redis))

    assert found is not None
    assert found.key.ttl == pytest.approx(300, rel=0.15)
    assert found.content.state == "current"
    assert "ORDER BY" in found.content.sql
    assert found.content.tables == ("star",)
    assert found.content.row_count == 8
    assert found.content.rows[0][:2] == ["1", "Mira"]
    assert found.content.load_ms


def test_an_entry_is_stale_after_a_write_to_its_table(redis: Any) -> None:
    key = filled(redis)
    Star.objects.filter(pk=3).update(name="Taygeta")

    assert content(key).state == "stale"


def test_an_entry_is_closed_while_a_write_is_in_flight(redis: Any, gate: str) -> None:
    key = filled(redis)
    client.call(gates.close(gate, "writer"))
    try:
        assert content(key).state == "closed"
        assert content(gate).why.startswith("Closed")
    finally:
        client.call(gates.open(gate, "writer"))


def test_a_long_result_is_shortened_and_says_so(redis: Any) -> None:
    fetch("SELECT a.id FROM star a JOIN star b")  # 64 rows and one of names
    (key,) = redis.keys("sql:*")

    shown = content(key)

    assert (shown.row_count, len(shown.rows), shown.shortened) == (65, 50, True)


def test_sql_that_controls_a_terminal_is_escaped_and_keeps_its_lines(redis: Any) -> None:
    fetch("SELECT id\nFROM star /* \x1b[2J */")
    (key,) = redis.keys("sql:*")

    assert content(key).sql == "SELECT id\nFROM star /* \\x1b[2J */"


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x01\x00\x00\x00\x00garbage", b"\xff\x1b[2J"])
def test_bytes_that_no_fill_has_written_are_unreadable_and_shown_escaped(
    redis: Any, damage: bytes
) -> None:
    redis.set(entry(1), damage or b"-")

    shown = content(entry(1))

    assert shown.state == "unreadable"
    assert "\x1b" not in shown.text


@pytest.mark.parametrize("name", [entry(1), "star:3", "a gate", "a lease", "stat:1"])
def test_a_key_of_a_wrong_type_is_told_as_such(redis: Any, gate: str, name: str) -> None:
    name = {"a gate": gate, "a lease": keys.lease("star:3")}.get(name, name)
    redis.rpush(name, "x")
    assert content(name).why == "It cannot be read: only strings and hashes are shown, not a list"

    redis.delete(name)
    redis.hset(name, "field", "\x1bvalue")
    assert content(name).fields == {"field": "\\x1bvalue"}

    redis.delete(name)
    redis.set(name, "text")
    assert content(name).text == "text"


def test_a_record_shows_its_fields(redis: Any) -> None:
    star(3)

    shown = content("star:3")

    assert (shown.state, shown.absent) == ("current", False)
    assert shown.fields["name"] == "Electra"
    assert shown.tables == ("star",)


def test_a_record_is_stale_after_a_bulk_write(redis: Any) -> None:
    star(3)
    Star.objects.filter(name="Maia").update(name="Alcor")

    assert content("star:3").state == "stale"


def test_an_absence_is_stale_after_any_write_to_its_table(redis: Any) -> None:
    star(99)
    assert (content("star:99").state, content("star:99").absent) == ("current", True)

    invalidate("star")
    assert content("star:99").state == "stale"


def test_a_record_of_another_program_is_unreadable(redis: Any) -> None:
    redis.hset("star:3", mapping={"id": "3", "name": "Electra"})

    shown = content("star:3")

    assert shown.state == "unreadable"
    assert "another program" in shown.why
    assert shown.fields == {"id": "3", "name": "Electra"}


def test_a_hash_of_very_many_fields_is_not_read(redis: Any) -> None:
    redis.hset("star:3", mapping={str(n): "x" for n in range(1001)})

    assert "1001 fields" in content("star:3").why


def test_a_gate_tells_its_state(redis: Any, gate: str) -> None:
    filled(redis)
    assert content(gate).why.startswith("Open")

    redis.set(gate, "nonsense")
    assert content(gate).why.startswith("Nothing that the cache has written")


def test_a_lease_tells_that_a_caller_has_it(redis: Any) -> None:
    redis.set(keys.lease("star:3"), "l:token")

    assert content(keys.lease("star:3")).why.startswith("A caller has this lease")


def test_what_is_opened_is_plain_json(redis: Any) -> None:
    found = opened(filled(redis))

    assert found is not None
    assert json.loads(json.dumps(found.as_dict()))["state"] == "current"


def test_without_redis_it_is_unavailable(no_redis: None) -> None:
    with pytest.raises(Unavailable):
        opened("star:3")
