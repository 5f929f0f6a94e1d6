from __future__ import annotations

from typing import Any

import pytest

from planets.cache.instruments.browsing import FIRST, Wanted, browse
from planets.cache.instruments.keyspace import kind, printable, sample
from planets.cache.storage import keys
from planets.cache.storage.errors import Unavailable
from tests.support.names import entry


@pytest.fixture(autouse=True)
def no_other_key(redis: Any) -> None:
    """Not even which server this is, which the client notes by itself."""
    redis.flushdb()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("star:3", "record"),
        ("star:electra", "other"),
        ("comet:3", "other"),
        ("sql:0f", "other"),
        ("an entry", "sql"),
        ("a gate", "gate"),
        ("a lease", "lease"),
        ("stat:29000000", "statistics"),
        ("SELECT * FROM star", "other"),
        ("", "other"),
    ],
)
def test_a_key_is_of_the_kind_that_its_name_says(name: str, expected: str) -> None:
    name = {
        "an entry": entry(15),
        "a gate": keys.gate("default", "star"),
        "a lease": keys.lease("star:3"),
    }.get(name, name)
    assert kind(name) == expected


def test_what_controls_a_terminal_and_what_is_no_text_is_escaped() -> None:
    assert printable("Ünï:1".encode()) == "Ünï:1"
    assert printable(b"\x1b[2J\xff\n") == "\\x1b[2J\\xff\\n"


def test_pages_together_give_every_key_and_end(redis: Any) -> None:
    names = {entry(n) for n in range(1000)}
    redis.mset(dict.fromkeys(names, "x"))
    found, pages, cursor = set(), 0, FIRST
    while cursor:
        page = browse(cursor=cursor)
        assert len(page.keys) < 200
        found |= {key.name for key in page.keys}
        pages, cursor = pages + 1, page.cursor

    assert found == names
    assert pages > 5


def test_a_page_holds_what_matches_a_pattern(redis: Any) -> None:
    redis.mset({"star:3": "x", "star:5": "x", "comet:3": "x"})

    assert {key.name for key in browse(Wanted(text="star:*")).keys} == {"star:3", "star:5"}
    assert browse(Wanted(text="nothing:*")).keys == []


def test_a_rare_pattern_ends_a_page_before_it_ends_the_key_space(redis: Any) -> None:
    redis.mset({entry(n): "x" for n in range(8000)})

    page = browse(Wanted(text="nothing:*"))

    assert page.keys == []
    assert page.cursor


@pytest.mark.parametrize("cursor", ["", "0", "x", "1.2.3", "-1.0", "0.99999999999999999999999"])
def test_a_cursor_that_no_page_gave_is_named(cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor is"):
        browse(cursor=cursor)


def test_a_key_is_told_with_its_type_ttl_and_size(redis: Any) -> None:
    redis.hset("star:3", mapping={"id": "3", "name": "Electra"})
    redis.expire("star:3", 100)
    redis.rpush(entry(1), "x")

    by_name = {key.name: key for key in browse().keys}

    record = by_name["star:3"]
    assert (record.kind, record.type) == ("record", "hash")
    assert record.ttl == pytest.approx(100, abs=5)
    assert record.bytes
    assert by_name[entry(1)].type == "list"
    assert by_name[entry(1)].ttl is None


def test_a_name_that_is_no_text_is_told_from_one_that_is(redis: Any) -> None:
    gate = keys.gate("default", "")
    redis.mset({gate.encode() + b"\xff\x00": "x", f"{gate}plain": "x"})

    assert {key.name: key.is_text for key in browse().keys} == {
        f"{gate}\\xff\\x00": False,
        f"{gate}plain": True,
    }


def test_a_sample_of_few_keys_is_all_of_them(redis: Any) -> None:
    redis.mset(
        {"star:3": "x" * 5000, entry(1): "x", entry(2): "x", keys.database_gate("default"): "x"}
    )

    found = sample()

    assert (found.total, found.complete) == (4, True)
    counts = {total.kind: total.count for total in found.kinds() if total.count}
    assert counts == {"record": 1, "sql": 2, "gate": 1}
    assert found.largest(1)[0].name == "star:3"


def test_a_sample_of_many_is_bounded_and_says_so(redis: Any) -> None:
    redis.mset({entry(n): "x" for n in range(2000)})

    found = sample(limit=100)

    assert (found.total, found.complete) == (2000, False)
    assert 100 <= len(found.keys) < 250


def test_hottest_goes_by_the_last_access_where_redis_does_not_count(redis: Any) -> None:
    redis.mset({entry(1): "x", entry(2): "x"})

    found = sample()

    assert not found.counts_accesses
    assert {key.name for key in found.hottest()} == {entry(1), entry(2)}
    assert [key.idle for key in found.hottest()] == [0, 0]


def test_hottest_goes_by_frequency_under_an_lfu_policy(redis: Any) -> None:
    before = redis.config_get("maxmemory-policy")["maxmemory-policy"]
    redis.config_set("maxmemory-policy", "volatile-lfu")
    try:
        redis.mset({entry(1): "x", entry(2): "x"})
        for _ in range(500):
            redis.get(entry(2))
        found = sample()
        assert found.counts_accesses
        assert [key.name for key in found.hottest()] == [entry(2), entry(1)]
    finally:
        redis.config_set("maxmemory-policy", before)


def test_looking_around_is_no_access(redis: Any) -> None:
    before = redis.config_get("maxmemory-policy")["maxmemory-policy"]
    redis.config_set("maxmemory-policy", "volatile-lfu")
    try:
        redis.set(entry(1), "x")
        frequencies = [sample().keys[0].frequency for _ in range(100)]
        assert set(frequencies) == {5}  # what Redis gives a new key
    finally:
        redis.config_set("maxmemory-policy", before)


def test_without_redis_they_are_unavailable(no_redis: None) -> None:
    with pytest.raises(Unavailable):
        browse()
    with pytest.raises(Unavailable):
        sample()
