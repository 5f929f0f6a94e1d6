"""The audit finds what should never have been served, and nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from msgspec.structs import replace

from planets.cache import fetch, stats
from planets.cache.conf import conf
from planets.cache.instruments import audit as audits
from planets.cache.instruments.audit import Audit
from planets.cache.reading import codec
from planets.cache.storage.client import client
from tests.cache.zoo.models import Everything, Star
from tests.support.interleave import elsewhere
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.fixture
def audit(settings: Any) -> Iterator[Audit]:
    """Every hit is audited."""
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "AUDIT": 1}
    made = Audit()
    made.start()
    yield made
    made.stop()
    if thread := made.background.thread:
        thread.join(audits.IDLE + 10)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits, "IDLE", 0.05)


def outcomes() -> dict[str, int]:
    return {what: count for (kind, what), count in stats.counts().items() if kind == "audit"}


@pytest.fixture
def before() -> dict[str, int]:
    return outcomes()


def since(before: dict[str, int]) -> dict[str, int]:
    now = {what: count - before.get(what, 0) for what, count in outcomes().items()}
    return {what: count for what, count in now.items() if count}


def judged(before: dict[str, int], count: int = 1) -> dict[str, int]:
    wait_until(lambda: sum(since(before).values()) >= count)
    return since(before)


def corrupt(key: str) -> None:
    """Other rows than there are, sealed by this site, under the generation of now."""
    (reply,) = client.call(("GET", key))
    entry = codec.decode(key, reply, max_bytes=conf().MAX_BYTES)
    wrong = [tuple("wrong" if value == "Electra" else value for value in row) for row in entry.rows]
    data = codec.encode(
        key,
        replace(entry, rows=wrong),
        compress_above=conf().COMPRESS_ABOVE,
        max_bytes=conf().MAX_BYTES,
    )
    client.call(("SET", key, data, "KEEPTTL"))


def names() -> list[str]:
    return [star.name for star in Star.objects.cached().order_by("pk")]


def test_a_corrupted_entry_is_found_logged_and_invalidated(
    audit: Audit, redis: Any, before: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    names()
    (key,) = redis.keys("sql:*")
    corrupt(key)

    with caplog.at_level(logging.ERROR):
        assert "wrong" in names()
        assert judged(before) == {"stale": 1}

    assert not redis.exists(key)
    assert names()[2] == "Electra"
    (record,) = caplog.records
    generation = redis.get("gen:" + next(iter(redis.keys("gen:*:star")))[4:])[2:18]
    assert key in record.getMessage()
    assert record.getMessage().count(generation) == 2
    assert "ORDER BY" in record.getMessage()


@pytest.mark.parametrize("shape", ["count", "first", "values", "fetch", "join"])
def test_whatever_is_asked_is_loaded_again_in_its_own_shape(
    audit: Audit, before: dict[str, int], shape: str
) -> None:
    def ask() -> Any:
        return {
            "count": lambda: Star.objects.cached().count(),
            "first": lambda: Star.objects.cached().first(),
            "values": lambda: list(Star.objects.cached().values("name", "mass")),
            "fetch": lambda: fetch("SELECT id, name FROM star WHERE id > %s", [2]),
            "join": lambda: list(Star.objects.cached().filter(comets__radius__gt=1).distinct()),
        }[shape]()

    ask()
    ask()

    assert judged(before) == {"same": 1}


def test_records_are_audited(audit: Audit, redis: Any, before: dict[str, int]) -> None:
    Star.records.get_many([3, 4])
    Star.records.get_many([3, 4])
    assert judged(before, 2) == {"same": 2}


def test_an_outside_write_is_found(audit: Audit, redis: Any, before: dict[str, int]) -> None:
    """Nobody has told the layer of it, so no write explains it."""
    Star.records.get(3)
    outside("UPDATE star SET name = 'outside' WHERE id = 3")

    found = Star.records.get(3)
    assert found
    assert found.name == "Electra"
    assert judged(before) == {"stale": 1}
    found = Star.records.get(3)
    assert found
    assert found.name == "outside"


def outside(sql: str) -> None:
    """By the driver itself."""

    def write() -> None:
        connection.ensure_connection()
        driver: Any = connection.connection
        cursor = driver.cursor()
        cursor.execute(sql)
        driver.commit()
        cursor.close()

    elsewhere(write)


def test_every_type_compares_equal(audit: Audit, before: dict[str, int]) -> None:
    Everything.objects.create(json={"a": [1]}, decimal="1.5", char="x", binary=b"\x00\x01")
    list(Everything.objects.cached())
    list(Everything.objects.cached())

    assert judged(before) == {"same": 1}


def test_a_write_in_between_explains_a_difference(
    audit: Audit, before: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[audits.Hit] = []
    monkeypatch.setattr(audit, "put", waiting.append)
    names()
    names()
    Star.objects.filter(pk=3).update(name="Terra")

    (hit,) = waiting
    assert elsewhere(lambda: audit.judge(hit)) == "written since"


def test_a_write_between_load_and_look_explains_a_difference(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filled anew meanwhile, too."""
    waiting: list[audits.Hit] = []
    monkeypatch.setattr(audit, "put", waiting.append)
    names()
    names()
    again = audit.again

    def loaded_late(hit: audits.Hit) -> Any:
        elsewhere(lambda: Star.objects.filter(pk=3).update(name="Terra"))
        elsewhere(names)
        return again(hit)

    monkeypatch.setattr(audit, "again", loaded_late)
    assert elsewhere(lambda: audit.judge(waiting[0])) == "written since"


def test_a_query_that_answers_in_two_ways_proves_nothing(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([[("a",)], [("b",)]])
    waiting: list[audits.Hit] = []
    monkeypatch.setattr(audit, "put", waiting.append)
    names()
    names()
    monkeypatch.setattr(audit, "again", lambda hit: next(answers))

    assert audit.judge(waiting[0]) == "unsteady"


def test_rows_without_an_order_may_come_in_any() -> None:
    lookup: Any = type("L", (), {"sql": "SELECT a FROM b"})
    ordered: Any = type("L", (), {"sql": "SELECT a FROM b ORDER BY a"})
    one, other = [(1,), (2,)], [(2,), (1,)]

    assert audits.same(lookup, one, other)
    assert not audits.same(ordered, one, other)
    assert not audits.same(lookup, one, [(1,), (1,)])


def test_no_page_waits_for_it(
    audit: Audit, before: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    again = audit.again

    def slow(hit: audits.Hit) -> Any:
        go.wait(30)
        return again(hit)

    monkeypatch.setattr(audit, "again", slow)
    for _ in range(audits.WAITING + 20):
        names()  # returns, while the thread is stuck
    assert since(before)["no room"] >= 10
    go.set()
    wait_until(lambda: audit.hits.empty())


def test_it_hears_of_a_share_alone(audit: Audit, settings: Any) -> None:
    settings.CACHE_ASIDE = {"AUDIT": 0.0}
    names()
    names()
    assert audit.hits.empty()
    assert audit.background.thread is None


def test_what_it_loads_is_no_traffic_of_the_sites(
    audit: Audit, before: dict[str, int], events: Any
) -> None:
    names()
    names()
    judged(before)

    assert [event.outcome for event in events] == ["miss", "hit"]


def test_without_redis_it_gives_up(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[audits.Hit] = []
    monkeypatch.setattr(audit, "put", waiting.append)
    names()
    names()
    outside("UPDATE star SET name = 'outside' WHERE id = 3")
    nowhere = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": nowhere}):
        assert audit.judge(waiting[0]) == "not possible"
    wait_until(lambda: not client.away)


def test_what_is_late_on_purpose_proves_nothing(audit: Audit, before: dict[str, int]) -> None:
    def late() -> list[str]:
        return [star.name for star in Star.objects.cached(max_stale=60).order_by("pk")]

    late()
    Star.objects.filter(pk=3).update(name="Terra")

    assert late()[2] == "Electra"
    assert audit.hits.empty()
    assert not since(before)
