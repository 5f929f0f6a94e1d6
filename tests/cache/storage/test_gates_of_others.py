"""What looks like a gate with a position, and has none that any of ours would have written."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.instruments.inspection import opened
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from planets.cache.storage.position import UNKNOWN

WRONG = ["", "x", "12", "/0-1-12", "x/0-1-12", "12/", "12/0-1-12 ", "1.5/0-1-12", "-1/0-1-12"]
RIGHT = [
    "12/0-1-12,1-7-40",
    "7/3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7,3e11fa47-71ca-11e1-9e33-c80aa9429563:tag:9",
]
GATE = "gen:a:gate"


@pytest.mark.parametrize("end", ["", "@abc@def"])
def test_only_a_position_is_one(end: str) -> None:
    token = gates.token()
    for told in RIGHT:
        assert gates.position(f"o:{token}={told}{end}".encode()) == told
    for told in WRONG:
        assert gates.position(f"o:{token}={told}{end}".encode()) == UNKNOWN


@pytest.mark.parametrize("wrong", [told for told in WRONG if told])
@pytest.mark.parametrize("form", ["o:0123456789abcdef={}", "w:other@99999999999999={}", "p:={}"])
def test_a_writer_gets_past_any_other(redis: Any, form: str, wrong: str) -> None:
    for closes in (True, False):
        redis.set(GATE, form.format(wrong), px=60_000)
        if closes:
            client.call(gates.close(GATE, "writer"))
        client.call(gates.open(GATE, "writer", RIGHT[0]))
        client.call(gates.open(GATE, "other", RIGHT[0]))
        (reply,) = client.call(gates.admit(GATE))
        assert gates.generation(reply) not in (None, "0123456789abcdef")
        assert gates.position(reply) in (RIGHT[0], UNKNOWN)


@pytest.mark.django_db(transaction=True)
def test_a_gate_that_writers_have_left_says_so(redis: Any) -> None:
    gate = keys.gate("default", "star")
    client.call(gates.close(gate, "writer"))
    client.call(gates.open(gate, "writer", RIGHT[0]))
    found = opened(gate)
    assert found is not None
    assert found.content.why.startswith("Left by its writers")
