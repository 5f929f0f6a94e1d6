"""The steps of the read path, each by itself: what is handed to it, and what it hands on."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.reading import loads, path
from planets.cache.reading.claiming import TOO_LONG, claiming, patiently
from planets.cache.reading.gated import WRITING
from planets.cache.reading.lookup import Begun, Claim, Loaded, Lookup
from planets.cache.storage import gates, keys, leases
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star

ROW = (3, "Electra", "giant", 3, 3.6, 6.1, 9.8, None, "")  # as its columns stand in the table

pytestmark = pytest.mark.usefixtures("redis")


def lookup(*names: str) -> Lookup:
    return Star.records.shelf.lookup("default", names or ("star:3",))


def claimed(*names: str) -> Claim:
    return patiently(claiming(lookup(*names), Claim(path.look(lookup(*names)))))


def filled() -> Claim:
    """Another caller has been here."""
    other = claimed()
    filled = path.fill(lookup(), other, Loaded({"star:3": ROW}, 1.5))
    assert (filled.stored, filled.reason) == ({"star:3": other.token}, "")
    return other


# --- look


def test_a_look_at_nothing_finds_all_of_it_missing(round_trips: list[list[str]]) -> None:
    seen = path.look(lookup("star:3", "star:4"))

    assert (seen.hits, seen.missing) == ({}, ("star:3", "star:4"))
    assert seen.generations == (None, None, None)
    assert not seen.barred
    assert round_trips == [["HGETALL", "HGETALL", "MGET"]]


def test_a_look_finds_what_was_filled_under_the_generations_that_are_current() -> None:
    other = filled()
    seen = path.look(lookup("star:3", "star:4"))

    assert seen.missing == ("star:4",)
    found = seen.hits["star:3"]
    assert found.value == ROW
    assert found.load_ms == pytest.approx(loads.usual(lookup().sql) or 0, abs=0.001)
    assert found.generation == other.seen.generations[:2]  # not the table's: a row is there


def test_a_look_passes_what_is_of_another_generation() -> None:
    filled()
    gate = keys.records_gate("default", "star")
    client.call(gates.close(gate, "writer"), gates.open(gate, "writer"), gates.admit(gate))
    seen = path.look(lookup())

    assert (seen.hits, seen.missing, seen.barred) == ({}, ("star:3",), "")
    assert None not in seen.generations


def test_a_look_says_that_a_writer_is_at_work() -> None:
    filled()
    client.call(gates.close(keys.records_gate("default", "star"), "writer"))
    seen = path.look(lookup())

    assert (seen.hits, seen.missing, seen.barred) == ({}, ("star:3",), WRITING)


def test_a_look_names_what_it_cannot_read(redis: Any) -> None:
    redis.hset("star:3", "name", "Electra")
    seen = path.look(lookup())

    assert seen.missing == ("star:3",)
    assert seen.unreadable == {"star:3": "undecodable: written by another program"}


# --- claim


def test_a_claim_opens_the_gates_and_takes_the_leases(
    redis: Any, round_trips: list[list[str]]
) -> None:
    seen = path.look(lookup())
    round_trips.clear()
    ours = patiently(claiming(lookup(), Claim(seen)))

    assert (ours.mine, ours.reason) == (("star:3",), "")
    assert ours.seen.missing == ("star:3",)
    assert None not in ours.seen.generations
    assert redis.get(keys.lease("star:3")) == f"l:{ours.token}"
    assert round_trips == [["admit", "admit", "admit", "claim", "HGETALL", "MGET"]]


def test_a_claim_of_nothing_asks_nobody(round_trips: list[list[str]]) -> None:
    filled()
    seen = path.look(lookup())
    round_trips.clear()

    assert patiently(claiming(lookup(), Claim(seen))) == Claim(seen)
    assert round_trips == []


def test_a_claim_behind_a_closed_gate_takes_no_lease(redis: Any) -> None:
    client.call(gates.close(keys.records_gate("default", "star"), "writer"))
    ours = claimed()

    assert (ours.mine, ours.reason) == ((), WRITING)
    assert not redis.exists(keys.lease("star:3"))


def test_a_claim_finds_what_was_filled_since_the_look_and_gives_its_lease_back(redis: Any) -> None:
    seen = path.look(lookup())
    filled()
    ours = patiently(claiming(lookup(), Claim(seen)))

    assert ours.seen.hits["star:3"].value == ROW
    assert (ours.seen.missing, ours.mine) == ((), ())
    assert not redis.exists(keys.lease("star:3"))


def test_a_claim_of_many_leaves_to_others_what_they_have(redis: Any) -> None:
    client.call(leases.claim("star:3", "another"))
    ours = claimed("star:3", "star:4")

    assert ours.seen.missing == ("star:3", "star:4")
    assert ours.mine == ("star:4",)
    assert redis.get(keys.lease("star:3")) == "l:another"


def test_a_claim_gives_up_on_one_who_takes_too_long(settings: Any) -> None:
    settings.CACHE_ASIDE = {"LEASE_WAIT": 0.01}
    client.call(leases.claim("star:3", "another"))
    ours = claimed()

    assert (ours.mine, ours.reason) == ((), TOO_LONG)


# --- load, fill


def test_a_failing_load_gives_the_leases_back(redis: Any) -> None:
    ours = claimed()

    def fail(missing: Any) -> Any:
        raise RuntimeError("the database is away")

    with pytest.raises(RuntimeError):
        path.load_missing(fail, Begun(ours, "miss", "redis", "", 0))
    assert not redis.exists(keys.lease("star:3"))


def test_a_fill_stores_and_gives_the_lease_back(redis: Any, round_trips: list[list[str]]) -> None:
    ours = claimed()
    round_trips.clear()

    filled = path.fill(lookup(), ours, Loaded({"star:3": ROW}))
    assert (filled.stored, filled.reason) == ({"star:3": ours.token}, "")
    assert round_trips == [["fill_hash"]]
    assert path.look(lookup()).hits["star:3"].value == ROW
    assert not redis.exists(keys.lease("star:3"))


def test_a_fill_without_a_lease_stores_nothing(round_trips: list[list[str]]) -> None:
    without = Claim(path.look(lookup()))
    round_trips.clear()

    assert path.fill(lookup(), without, Loaded({"star:3": ROW})) == path.NOTHING_FILLED
    assert round_trips == []


def test_a_fill_after_a_write_to_its_row_stores_nothing(redis: Any) -> None:
    ours = claimed()
    client.call(leases.close("star:3", "writer"), leases.open("star:3", "writer"))
    path.fill(lookup(), ours, Loaded({"star:3": ROW}))

    assert not redis.exists("star:3")


def test_a_fill_after_a_write_to_its_table_is_born_out_of_reach(redis: Any) -> None:
    ours = claimed()
    gate = keys.records_gate("default", "star")
    client.call(gates.close(gate, "writer"), gates.open(gate, "writer"))
    path.fill(lookup(), ours, Loaded({"star:3": ROW}))

    assert redis.exists("star:3")
    assert path.look(lookup()).hits == {}


def test_an_absence_goes_with_any_write_to_its_table() -> None:
    ours = claimed()
    assert path.fill(lookup(), ours, Loaded({"star:3": None})).reason == ""
    assert path.look(lookup()).hits["star:3"].value is None
    gate = keys.gate("default", "star")
    client.call(gates.close(gate, "writer"), gates.open(gate, "writer"))

    assert path.look(lookup()).hits == {}


def test_a_fill_says_why_it_did_not_store_and_keeps_no_lease(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"MAX_BYTES": 1}
    ours = claimed()

    reason = path.fill(lookup(), ours, Loaded({"star:3": ROW})).reason
    assert reason.startswith("not stored: it is longer than MAX_BYTES")
    assert not redis.exists("star:3", keys.lease("star:3"))


# --- report, and all of it


def test_what_is_reported_is_what_was_found_and_what_was_loaded(events: list[Fetch]) -> None:
    filled()
    both = lookup("star:3", "star:4")
    seen = path.look(both)
    begun = Begun(Claim(seen), "miss", "redis", "", 0)
    values = path.report(both, seen, Loaded({"star:4": None}, 2.5), begun, "a reason")

    assert values == {"star:3": ROW, "star:4": None}
    hit, miss = events
    assert (hit.key, hit.outcome, hit.tier, hit.reason) == ("star:3", "hit", "redis", "")
    assert (miss.key, miss.outcome, miss.tier) == ("star:4", "miss", "database")
    assert (miss.reason, miss.load_ms) == ("a reason", 2.5)


def test_a_fetch_loads_only_what_is_missing() -> None:
    filled()
    asked: list[Any] = []

    def load(missing: Any) -> dict[str, Any]:
        asked.append(tuple(missing))
        return dict.fromkeys(missing)

    for _ in range(2):
        assert path.fetch(lookup("star:3", "star:4"), load) == {"star:3": ROW, "star:4": None}
    assert asked == [("star:4",)]
