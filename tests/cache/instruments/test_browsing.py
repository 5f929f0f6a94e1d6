"""Looking for keys by what they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache import remember
from planets.cache.instruments import description
from planets.cache.instruments.browsing import FIRST, Wanted, browse
from planets.cache.instruments.keyspace import Key
from planets.cache.reading import memory
from planets.cache.recent import Recent
from planets.cache.storage import keys
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def filled(sky: None, redis: Any) -> None:
    """A query on stars, one on comets, one on both, a record and a value."""
    list(Star.objects.cached().filter(kind="giant"))
    list(Comet.objects.cached())
    list(Comet.objects.cached().select_related("star"))
    star(3)
    remember("heaviest", lambda: Star.objects.order_by("-mass")[0].name)


@pytest.fixture(params=["by its fill", "by what lies in Redis"])
def known(request: Any, monkeypatch: Any) -> None:
    """What is filled is known to who filled it; another process has to look."""
    if request.param == "by what lies in Redis":
        monkeypatch.setattr(memory, "_fills", Recent(8))
    monkeypatch.setattr(description, "_remembered", Recent(100))


def found(**wanted: str) -> list[Key]:
    page = browse(Wanted(**wanted))
    assert not page.cursor
    return sorted(page.keys, key=lambda key: (key.kind, key.what))


def told(**wanted: str) -> list[tuple[str, str]]:
    return [(key.kind, key.what) for key in found(**wanted) if key.is_entry]


GIANTS = ("sql", "SELECT … FROM star WHERE kind = %s")
COMETS = ("sql", "SELECT id, star_id, name, radius FROM comet")
BOTH = ("sql", "SELECT … FROM comet INNER JOIN star ON (comet.star_id = star.id)")
RECORD, VALUE = ("record", "row 3 of star"), ("value", "heaviest")


@pytest.mark.usefixtures("known")
def test_each_entry_is_told_in_words_with_its_tables() -> None:
    by_words = {key.what: key.tables for key in found() if key.is_entry}

    assert {what for _, what in (GIANTS, BOTH, RECORD, VALUE)} <= by_words.keys()
    assert by_words[BOTH[1]] == ("comet", "star")
    assert by_words["heaviest"] == by_words["row 3 of star"] == ("star",)


def test_gates_are_told_in_words() -> None:
    words = {key.name: key.what for key in found(kind="gate")}

    assert words[keys.gate("default", "star")] == "gate of table star"
    assert words[keys.database_gate("default")] == "gate of all of the database"
    assert words[keys.records_gate("default", "star")] == "gate of records of table star"


def test_what_the_layer_keeps_for_itself_is_told_in_words(redis: Any) -> None:
    redis.set(keys.lease("star:3"), "x")
    redis.set(keys.late("star:3"), "x")
    redis.hset(keys.minute(29_000_000), "hit", 3)
    redis.set(keys.account(483_333), "x")
    redis.rpush(keys.feed(), "x")
    owner = keys.owner(keys.database_gate("default"))
    redis.set(owner, "x")

    words = {key.name: key.what for key in found()}

    assert words[keys.lease("star:3")] == "lease of star:3"
    assert words[keys.late("star:3")] == "late copy of star:3"
    assert words[keys.minute(29_000_000)].startswith("counts of ")
    assert words[keys.account(483_333)] == "counts: account-483333"
    assert words[keys.feed()] == "the last invalidations"
    assert words[owner] == f"which server owns {keys.database_gate('default')}"


@pytest.mark.usefixtures("known")
def test_keys_are_found_by_kind_by_table_and_by_text() -> None:
    assert told(kind="record") == [RECORD]
    assert told(kind="value") == [VALUE]
    assert {what for _, what in told(table="comet")} == {told(kind="sql")[0][1], BOTH[1]}
    assert told(table="star", kind="sql") == [BOTH, GIANTS]
    assert told(text="KIND = ") == [GIANTS]
    assert told(text="heav") == [VALUE]
    assert told(text="star:3") == [RECORD]
    assert told(text="star:?") == [RECORD]
    assert told(table="ticket") == []


def test_what_this_process_has_filled_is_not_read(redis: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(description, "_remembered", Recent(100))
    before = redis.info("commandstats")

    found(kind="sql")

    after = redis.info("commandstats")
    assert after["cmdstat_get"]["calls"] == before["cmdstat_get"]["calls"]


def test_what_another_has_filled_is_read_once(redis: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "_fills", Recent(8))
    monkeypatch.setattr(description, "_remembered", Recent(100))
    found(kind="sql")
    before = redis.info("commandstats")

    assert GIANTS in told(kind="sql")

    after = redis.info("commandstats")
    assert after["cmdstat_get"]["calls"] == before["cmdstat_get"]["calls"]


def test_more_bytes_than_one_look_may_read_are_not_read(monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "_fills", Recent(8))
    monkeypatch.setattr(description, "_remembered", Recent(100))
    monkeypatch.setattr(description, "MOST_BYTES", 10)

    page, every = browse(Wanted(kind="sql")), []
    while True:
        every += page.keys
        if not page.cursor:
            break
        page = browse(Wanted(kind="sql"), page.cursor)
    assert {key.what for key in every} == {""}


def test_what_is_no_entry_of_ours_has_no_words(redis: Any) -> None:
    redis.set(f"sql:{1:032x}", "x")
    redis.hset(f"page:{1:032x}", "a", "b")

    words = {key.name: key.what for key in browse(cursor=FIRST).keys}

    assert words[f"sql:{1:032x}"] == words[f"page:{1:032x}"] == ""


def test_it_is_described_again_once_it_was_filled_anew(redis: Any, monkeypatch: Any) -> None:
    """A page whose tables have changed is another."""
    monkeypatch.setattr(memory, "_fills", Recent(8))
    (value,) = found(kind="value")
    assert value.tables == ("star",)
    redis.delete(value.name)

    remember("heaviest", lambda: Comet.objects.order_by("-radius")[0].name, ttl=50)
    monkeypatch.setattr(memory, "_fills", Recent(8))

    (value,) = found(kind="value")
    assert value.tables == ("comet",)
