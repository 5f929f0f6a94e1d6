"""Gates, on a real Redis: closed by writers, opened by readers, never left wrong."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.storage import gates
from planets.cache.storage.client import client
from tests.support.waiting import wait_until

GATE = "gen:a:gate"


def state() -> Any:
    (reply,) = client.call(("GET", GATE))
    return reply


def test_a_reader_opens_a_missing_gate_and_the_next_finds_it_open(redis: Any) -> None:
    (first,) = client.call(gates.admit(GATE))
    (second,) = client.call(gates.admit(GATE))

    assert gates.generation(first) == gates.generation(second) == gates.generation(state())
    assert gates.generation(first)
    assert not gates.is_closed(first)
    assert redis.pttl(GATE) > 0


def test_a_closed_gate_has_no_generation_and_no_reader_opens_it(redis: Any) -> None:
    client.call(gates.admit(GATE))
    client.call(gates.close(GATE, "writer"))

    for reply in (state(), *client.call(gates.admit(GATE)), state()):
        assert gates.is_closed(reply)
        assert gates.generation(reply) is None


def test_a_write_moves_the_generation(redis: Any) -> None:
    (before,) = client.call(gates.admit(GATE))
    client.call(gates.close(GATE, "writer"))
    client.call(gates.open(GATE, "writer"))
    assert state() is None
    (after,) = client.call(gates.admit(GATE))

    assert gates.generation(after) not in (None, gates.generation(before))


def test_a_gate_of_two_writers_opens_with_the_last(redis: Any) -> None:
    client.call(gates.close(GATE, "one"))
    client.call(gates.close(GATE, "two"))
    client.call(gates.open(GATE, "one"))
    assert gates.is_closed(state())
    client.call(gates.open(GATE, "two"))
    assert state() is None


def test_a_gate_that_a_reader_opened_in_mid_write_goes_with_the_write(redis: Any) -> None:
    """Redis has lost the closed gate, and a reader has filled under a generation of its own."""
    client.call(gates.close(GATE, "writer"))
    redis.delete(GATE)
    (between,) = client.call(gates.admit(GATE))
    client.call(gates.open(GATE, "writer"))
    (after,) = client.call(gates.admit(GATE))

    assert gates.generation(after) != gates.generation(between)


def test_a_writer_that_died_keeps_it_closed_until_the_deadline(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"WRITE_DEADLINE": 1}
    client.call(gates.close(GATE, "dead"))
    assert 0 < redis.pttl(GATE) <= 1000
    wait_until(lambda: state() is None)


@pytest.mark.parametrize("garbage", ["garbage", "w:", "w:writer", "", "o"])
def test_what_is_no_gate_heals(redis: Any, garbage: str) -> None:
    redis.set(GATE, garbage)
    (reply,) = client.call(gates.admit(GATE))
    assert gates.generation(reply)
    redis.delete(GATE)
    redis.rpush(GATE, "a list")
    (reply,) = client.call(gates.admit(GATE))
    assert gates.generation(reply) == gates.generation(state())


@pytest.mark.parametrize("reply", [None, b"", b"w:a@1", b"x:token", "o:text", 1])
def test_only_an_open_gate_has_a_generation(reply: object) -> None:
    assert gates.generation(reply) is None
    assert gates.generation(b"o:token") == "token"


def test_no_two_tokens_are_the_same() -> None:
    assert len({gates.token() for _ in range(1000)}) == 1000
