"""Something that is computed from a record and a table, by a process that knows nothing yet."""

from __future__ import annotations

from typing import Any

from msgspec import msgpack

from planets.cache.reading import computed
from planets.cache.reading.computed_shelf import ComputedShelf
from planets.cache.reading.dependencies import Tracker
from planets.cache.storage import keys
from tests.cache.zoo.models import Comet, Star

KEY = keys.computed("value", "tests.known", "star")


class Process:
    """With a shelf of its own; each decoding is counted."""

    def __init__(self, length: int = 1) -> None:
        self.decoded = 0
        self.length = length
        self.shelf = ComputedShelf("value", msgpack.encode, self.decode)

    def decode(self, data: bytes) -> str:
        self.decoded += 1
        return msgpack.decode(data, type=str)

    def names(self) -> str:
        """Of a record and of a table, as long as it is to be."""

        def make(heard: Tracker) -> Any:
            record: Any = Star.records.get(3)
            text = f"{record.name}, {Comet.objects.count()}"
            return computed.made_by(heard, text * self.length)

        found: str = computed.fetch(computed.lookup_of(self.shelf, KEY, "names"), make)
        return found
