"""The account of statements: what is heard, what is kept of it, and that it stays small."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection, transaction
from django.test import Client, override_settings

from planets.cache import disabled, fetch
from planets.cache.instruments import keyspace
from planets.cache.instruments.account import ledger as ledgers
from planets.cache.instruments.account import runs, sample, sharing, sketch
from planets.cache.instruments.account.ledger import Ledger
from planets.cache.instruments.account.line import Line
from planets.cache.instruments.account.listener import Listener
from planets.cache.storage import gates, keys, leases
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def lines(listener: Listener, kind: str = "sql") -> list[Line]:
    return [line for line in listener.heard.lines.values() if line.kind == kind]


def only(listener: Listener, kind: str = "sql") -> Line:
    (line,) = lines(listener, kind)
    return line


# --- what is heard


def test_a_plain_select_is_heard(listener: Listener) -> None:
    for pk in (1, 2, 2):
        list(Star.objects.filter(pk__gt=pk))

    line = only(listener)
    assert (line.calls, line.plain, line.loads, line.sets) == (3, 3, 3, 2)
    assert line.tables == ("star",)
    assert line.load_sum > 0
    (site,) = line.sites
    assert re.fullmatch(r"tests/cache/instruments/test_account\.py:\d+", site)


@pytest.mark.mysql
def test_rows_and_bytes_are_as_the_driver_tells(listener: Listener) -> None:
    list(Star.objects.values_list("name"))

    line = only(listener)
    assert line.rows == 8
    assert line.bytes == 8 * len("Electra")  # the longest name, at most so many bytes a row


def test_a_fetch_is_one_call_and_its_load_is_not_another(listener: Listener) -> None:
    for _ in range(3):
        list(Star.objects.cached().filter(pk__gt=3))

    line = only(listener)
    assert (line.calls, line.plain, line.hits, line.misses, line.loads) == (3, 0, 2, 1, 1)
    assert line.bytes > 0
    assert line.ttl == 300


def test_cached_and_plain_are_one_statement(listener: Listener) -> None:
    list(Star.objects.filter(pk__gt=3))
    list(Star.objects.cached().filter(pk__gt=3))
    fetch("SELECT id FROM star WHERE id = %s", [3])

    assert sorted((line.calls, line.plain) for line in lines(listener)) == [(1, 0), (2, 1)]


def test_what_is_bypassed_is_a_load(listener: Listener) -> None:
    with disabled():
        list(Star.objects.cached().filter(pk__gt=3))

    line = only(listener)
    assert (line.calls, line.bypasses, line.loads) == (1, 1, 1)


def test_what_streams_is_heard_once(listener: Listener) -> None:
    list(Star.objects.cached().order_by("pk").iterator(chunk_size=2))
    list(Star.objects.cached().order_by("pk").iterator(chunk_size=2))

    assert sum(line.calls for line in lines(listener)) <= 3  # it is asked again, the first time


def test_records_are_a_line_of_their_own(listener: Listener) -> None:
    Star.records.get_many([3, 4])
    Star.records.get(3)

    line = only(listener, "record")
    assert (line.text, line.calls, line.hits, line.misses) == ("records of star", 3, 1, 2)
    assert not lines(listener)


def test_a_fill_that_is_thrown_away_is_counted(listener: Listener, settings: Any) -> None:
    settings.CACHE_ASIDE = {"MAX_BYTES": 100}
    list(Star.objects.cached())

    line = only(listener)
    assert (line.misses, line.thrown_away, line.too_large) == (1, 1, 1)


def test_a_wait_is_counted(listener: Listener, settings: Any, redis: Any) -> None:
    settings.CACHE_ASIDE = {"LEASE_WAIT": 0.01}
    stars = Star.objects.cached().filter(pk=3)
    list(stars.all())
    (key,) = redis.keys("sql:*")
    redis.delete(key)
    client.call(leases.claim(key, gates.token()))  # somebody else is about to load

    list(stars.all())

    assert only(listener).waits > 0


def test_a_write_counts_when_it_is_committed(listener: Listener) -> None:
    with transaction.atomic():
        Star.objects.filter(pk=3).update(name="Terra")
        assert only(listener, "write").calls == 0
    assert only(listener, "write").calls == 1

    with transaction.atomic():
        Star.objects.filter(pk=3).update(name="Gaia")
        transaction.set_rollback(True)
    assert only(listener, "write").calls == 1


def test_what_a_page_asks_again_and_again_is_seen(listener: Listener, zoo_pages: None) -> None:
    for _ in range(2):
        request_started.send(None)
        for pk in (1, 2, 3, 3):
            Star.objects.get(pk=pk)
        request_finished.send(None)

    line = only(listener)
    assert (line.pages, line.in_pages, line.sets_in_pages) == (2, 8, 6)


def test_off_it_hears_nothing(redis: Any) -> None:
    listener = Listener()
    listener.start()
    listener.stop()

    list(Star.objects.cached())
    list(Star.objects.all())

    assert not listener.heard.lines


# --- what is kept


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT id FROM star WHERE name = %s", ["secret-42"]),
        ("SELECT id FROM star WHERE name = 'secret-42'", None),
        ("SELECT id FROM star WHERE name IN ('secret-42', %s)", ["secret-42"]),
        ("SELECT id, 'secret-42' AS x FROM star", None),
        ("SELECT id FROM star WHERE id = 424242", None),
        ("SELECT id FROM star WHERE id IN (424242, 4242429)", None),
        ("SELECT id FROM star /* secret-42 */ WHERE id = 1", None),
        ("UPDATE star SET name = 'secret-42' WHERE id = 424242", None),
        ("UPDATE star SET name = %s WHERE id = %s", ["secret-42", 424242]),
    ],
)
def test_no_value_is_kept(listener: Listener, redis: Any, sql: str, params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
    assert lines(listener) or lines(listener, "write")
    known = repr(listener.heard) + repr(list(listener.heard.lines.values()))
    listener.tell()
    told = repr(sharing.together(sharing.ledgers()))

    for text in (known, told):
        assert "secret" not in text
        assert "424242" not in text


@pytest.mark.mysql
def test_a_text_in_double_quotes_is_a_value(listener: Listener) -> None:
    with connection.cursor() as cursor:
        cursor.execute('SELECT id FROM star WHERE name = "secret-42"')

    assert "secret" not in repr(listener.heard)


def test_how_many_values_there_are_makes_no_other_statement(listener: Listener) -> None:
    for count in range(2, 6):
        list(Star.objects.filter(pk__in=range(count)))

    line = only(listener)
    assert (line.calls, line.sets) == (4, 4)


def test_variety_cannot_push_out_what_takes_the_time() -> None:
    """A thousand times a thousand ways to ask, each cheap, beside what the site does."""
    ledger = Ledger(began=1, ended=2)
    for number in range(10):
        line = Line("sql", f"site {number}", ("star",))
        ledger.place(f"site {number}", line)
    for number in range(20_000):
        site = ledger.lines[f"site {number % 10}"]
        site.calls += 1
        site.loaded(5.0)
        other = Line("sql", f"other {number}", ("star",))
        ledger.place(f"other {number}", other)
        other.calls += 1
        other.loaded(0.5)

    assert len(ledger.lines) == ledgers.READS
    assert {f"site {number}" for number in range(10)} <= ledger.lines.keys()
    assert all(ledger.lines[f"site {number}"].calls == 2_000 for number in range(10))


def test_merged_ledgers_keep_their_bounds() -> None:
    whole = Ledger()
    for process in range(4):
        heard = Ledger(began=1, ended=2)
        for number in range(80):
            line = Line("sql", f"{process} {number}", ("star",))
            heard.place(f"{process} {number}", line)
            line.loaded(float(number))
            for at in range(2_000):
                line.called(at * 2_654_435_761 % sketch.ALL, at * runs.SECOND, 0)
        whole.merge(heard)

    assert len(whole.lines) == ledgers.READS
    assert sum(line.logged for line in whole.lines.values()) <= ledgers.LOG
    assert {line.load_sum for line in whole.lines.values()} == {float(n) for n in range(55, 80)}
    for line in whole.lines.values():
        assert sketch.distinct(line.smallest) == pytest.approx(2_000, rel=0.15)


def test_a_sample_is_bounded_and_fair() -> None:
    found: list[float] = []
    for number in range(1, 10_001):
        sample.add(found, number, number / 100)

    both = sample.merged(found, 10_000, [1_000.0] * sample.SIZE, 10_000)

    assert len(found) == len(both) == sample.SIZE
    assert sample.quantile(found, 0.5) == pytest.approx(50, abs=20)
    assert both.count(1_000.0) == sample.SIZE // 2


# --- sharing


def test_processes_share_one_account(redis: Any) -> None:
    for _ in range(2):
        listener = Listener()
        listener.start()
        list(Star.objects.filter(pk__gt=3))
        listener.stop()
        assert listener.tell()

    (line,) = sharing.together(sharing.ledgers()).lines.values()
    assert (line.calls, line.sets) == (2, 1)
    (key,) = redis.keys("stat:*")
    assert 23 * 3600 < redis.ttl(key) <= 24 * 3600
    assert keyspace.kind(key) == "statistics"


def test_who_does_not_get_the_lease_comes_again(listener: Listener, redis: Any) -> None:
    list(Star.objects.filter(pk__gt=3))
    key, other = keys.account(sharing.hour()), gates.token()
    client.call(leases.claim(key, other))
    assert not listener.tell()

    client.call(leases.release(key, other))
    list(Star.objects.filter(pk__gt=3))
    assert listener.tell()

    (line,) = sharing.together(sharing.ledgers()).lines.values()
    assert line.calls == 2


def test_without_redis_nothing_is_lost(listener: Listener, redis: Any) -> None:
    list(Star.objects.filter(pk__gt=3))
    nowhere = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": nowhere}):
        assert not listener.tell()
    wait_until(lambda: not client.away)
    assert listener.tell()

    assert sharing.together(sharing.ledgers()).lines


@pytest.mark.parametrize("what", [b"garbage", json.dumps({}).encode()])
def test_what_is_no_account_of_ours_is_overwritten(
    listener: Listener, redis: Any, what: bytes
) -> None:
    redis.set(keys.account(sharing.hour()), what)
    assert not sharing.ledgers()
    list(Star.objects.filter(pk__gt=3))
    assert listener.tell()
    assert sharing.together(sharing.ledgers()).lines


def test_a_request_shares_when_its_time_has_come(
    listener: Listener, redis: Any, zoo_pages: None
) -> None:
    list(Star.objects.filter(pk__gt=3))
    Client().get("/")
    assert not redis.keys("stat:account-*")  # not yet

    listener.told_at = float("-inf")
    Client().get("/")
    wait_until(lambda: bool(redis.keys("stat:account-*")))
