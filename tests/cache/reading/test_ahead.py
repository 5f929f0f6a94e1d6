"""What is computed anew asks at its beginning for what it was computed from last time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from planets.cache import fetched, remember
from planets.cache.events import Fetch
from planets.cache.reading import ahead
from planets.cache.storage import keys, leases
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Comet, Star
from tests.support.interleave import elsewhere

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

NAME = "of everything"

LOOK = ["MGET", "HGET"]  # the entry, its gates and the token of its record
OWN_CLAIM = ["claim", "MGET", "HGET"]


def comets() -> int:
    return Comet.objects.cached().count()


def plainly() -> str:
    return str(Star.objects.values_list("name", flat=True).get(pk=3))


def everything() -> list[Any]:
    return [plainly(), by_record(), by_query(), comets()]


class Computing:
    """A value that is computed from what `make` reads, so often that how long it takes is known."""

    def __init__(self, make: Callable[[], Any] = everything) -> None:
        self.make = make
        for name in ("Asterope", "Merope", OLD):
            self.value()
            rename(name)
        self.value()

    def value(self) -> Any:
        return remember(NAME, self.make)


def key_of(read: Callable[[], Any]) -> str:
    """Of the entry that this reads."""
    events: list[Fetch] = []

    def hear(event: Fetch, **kwargs: Any) -> None:
        events.append(event)

    fetched.connect(hear)
    read()
    fetched.disconnect(hear)
    return events[-1].key


def leased() -> list[bytes]:
    """The leases that somebody has."""
    return [name for name in client.redis().scan_iter("*") if b"lease" in name]


def test_a_miss_after_a_write_claims_all_that_is_gone_at_once(
    round_trips: list[list[str]],
) -> None:
    computing = Computing()
    rename()
    round_trips.clear()

    assert computing.value() == [NEW, NEW, NEW, Comet.objects.count()]

    assert round_trips == [
        LOOK,
        [*OWN_CLAIM, "admit", "claim", "claim"],  # the table; the record and the query
        ["fill_hash"],  # the plain SELECT before it asked nobody
        ["fill_string"],
        ["MGET"],  # the count of comets, which may lie there
        ["fill_string"],
    ]
    assert not leased()


def test_only_what_a_write_made_stale_is_claimed(round_trips: list[list[str]]) -> None:
    computing = Computing()
    Comet.objects.filter(pk=1).update(name="Halley")
    round_trips.clear()

    computing.value()

    assert round_trips[1] == [*OWN_CLAIM, "admit", "claim"]  # the table of comets, and their count
    assert round_trips[2:5] == [
        ["HGETALL", "MGET"],  # the record may lie there
        ["MGET"],  # so may the query
        ["fill_string"],  # the count
    ]


def test_what_is_written_by_the_way_is_born_unreachable() -> None:
    computing = Computing(lambda: [by_query(), comets()])
    rename()

    def make() -> list[Any]:
        elsewhere(lambda: rename("Pleione"))
        return [by_query(), comets()]

    computing.make = make
    assert computing.value()[0] == "Pleione"
    assert by_query() == "Pleione"
    elsewhere(rename)
    computing.make = lambda: [by_query(), comets()]
    assert computing.value()[0] == NEW


@pytest.mark.parametrize("read", [by_query, by_record, plainly])
def test_a_write_between_the_claim_and_the_load_is_not_lost(read: Callable[[], str]) -> None:
    """What is loaded after it is new, and what is stored of before it is not served."""
    computing = Computing(read)
    rename()

    def make() -> str:
        elsewhere(lambda: rename("Pleione"))
        told = read()
        elsewhere(lambda: rename("Sterope"))
        return told

    computing.make = make
    assert computing.value() == "Pleione"
    computing.make = read
    assert computing.value() == read() == "Sterope"


def test_others_wait_for_what_is_claimed_ahead() -> None:
    computing = Computing(by_query)
    key = key_of(by_query)
    rename()
    holders: list[str] = []

    def claimed_by_another() -> None:
        holders.extend(map(leases.holder, client.call(leases.claim(key, "another"))))

    def make() -> str:
        claimed_by_another()
        return by_query()

    computing.make = make
    assert computing.value() == NEW
    assert holders
    assert holders != ["another"]
    assert not leased()


def test_leases_that_nobody_loads_under_are_given_back() -> None:
    computing = Computing(by_query)
    rename()
    computing.make = comets

    computing.value()

    assert not leased()


def test_leases_are_given_back_where_computing_fails() -> None:
    computing = Computing(by_query)
    rename()

    def fails() -> None:
        raise ZeroDivisionError

    computing.make = fails
    with pytest.raises(ZeroDivisionError):
        computing.value()

    assert not leased()


def test_who_does_not_get_the_lease_of_the_entry_gives_all_back(settings: Any) -> None:
    computing = Computing(by_query)
    key = key_of(computing.value)
    rename()
    settings.CACHE_ASIDE = {"LEASE_WAIT": 0.01}
    client.call(leases.claim(key, "another"))

    assert computing.value() == NEW

    assert leased() == [keys.lease(key).encode()]


def test_who_holds_such_leases_waits_for_nobody(settings: Any) -> None:
    settings.CACHE_ASIDE = {"LEASE_WAIT": 60}
    computing = Computing(lambda: [comets(), by_query()])
    key = key_of(comets)
    rename()
    client.call(leases.claim(key, "another"), ("DEL", key))

    assert computing.value() == [Comet.objects.count(), NEW]  # at once

    assert client.redis().get(keys.lease(key)) == b"l:another"


def test_a_gate_that_was_not_read_this_time_is_no_dependency() -> None:
    computing = Computing(lambda: [plainly(), Comet.objects.count()])
    rename()
    calls: list[str] = []

    def make() -> list[Any]:
        calls.append("made")
        return [plainly()]

    computing.make = make
    computing.value()
    Comet.objects.filter(pk=1).update(name="Halley")
    computing.value()

    assert calls == ["made"]


def test_what_takes_long_asks_for_nothing_ahead(
    monkeypatch: pytest.MonkeyPatch, round_trips: list[list[str]]
) -> None:
    """Others would wait for its leases."""
    computing = Computing(by_query)
    rename()
    monkeypatch.setattr(ahead, "MOMENT", 0.0)
    round_trips.clear()

    assert computing.value() == NEW

    assert round_trips[1] == ["claim", "MGET"]


def test_a_record_that_is_there_is_not_loaded_again(
    round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    """Another row of its table was written, which makes the table's gate go and not the record."""
    computing = Computing(lambda: [by_record(), by_query()])
    Star.objects.filter(pk=5).update(name="Maia")

    with django_assert_num_queries(1):
        computing.value()
