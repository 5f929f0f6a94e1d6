"""All that a write touches is held by one script, and by few where it touches very much."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.storage import gates, holds, keys
from planets.cache.storage.client import client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("tables", "rows"), [(5, 3), (150, 120), (0, 250), (100, 0)])
def test_all_are_closed_and_all_are_opened(redis: Any, tables: int, rows: int) -> None:
    held = [keys.gate("default", f"t{n}") for n in range(tables)]
    records = [f"star:{n}" for n in range(rows)]
    for record in records:
        redis.hset(record, "name", "old")
    closing = holds.close(held, records, "me")
    assert len(closing) == -(-(tables + rows) // holds.MOST)
    client.call(*closing)
    names = [*held, *map(keys.lease, records)]
    assert all(redis.get(name).startswith("w:me@") for name in names)
    assert not (records and redis.exists(*records))

    client.call(gates.close(names[0], "other"))
    client.call(*holds.open(held, records, "me", lambda gate: ""))
    assert [redis.get(name) for name in names[1:]] == [None] * (len(names) - 1)
    assert redis.get(names[0]).startswith("w:other@")


def test_positions_stand_in_their_own_gates(redis: Any) -> None:
    held = [keys.gate("default", f"t{n}") for n in range(3)]
    at = dict(zip(held, ["7/0-1-7", "", "9/0-1-9"], strict=True))
    client.call(*holds.close(held, ["star:1"], "me"))
    client.call(*holds.open(held, ["star:1"], "me", at.__getitem__))
    assert [redis.get(gate) for gate in held] == ["p:=7/0-1-7", None, "p:=9/0-1-9"]
    assert redis.get(keys.lease("star:1")) is None


def test_a_key_of_another_type_heals(redis: Any) -> None:
    held = [keys.gate("default", f"t{n}") for n in range(2)]
    redis.lpush(held[0], "x")
    client.call(*holds.close(held, (), "me"))
    assert all(redis.get(gate).startswith("w:me@") for gate in held)
