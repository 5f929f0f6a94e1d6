"""Every look expects a miss, whatever was met before, and finds its gates open.

So whatever is missing is claimed by the look, and never by a round trip of its own: also after a
write, as where another reader has opened the gates a moment before.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from planets.cache.reading import foresight, path
from planets.cache.reading.lookup import Claim, Lookup
from planets.cache.storage import gates
from planets.cache.storage.client import client
from planets.cache.storage.errors import Unavailable


@pytest.fixture(autouse=True)
def expects_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    look_and_claim = path.look_and_claim

    def after_another_reader(lookup: Lookup) -> Claim:
        with suppress(Unavailable):
            (found,) = client.call(("MGET", *lookup.gates))
            gone = [gate for gate, reply in zip(lookup.gates, found, strict=True) if reply is None]
            if gone:
                client.call(*map(gates.admit, gone))
        return look_and_claim(lookup)

    monkeypatch.setattr(foresight, "expects_a_miss", foresight.is_filled_at_once)
    monkeypatch.setattr(path, "look_and_claim", after_another_reader)
