"""Round trips to one node of a Redis Cluster, which is greeted as one Redis would be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from redis.exceptions import SlotNotCoveredError

from ..conf import conf
from . import greeting
from .errors import NodeAway, is_silence
from .slot_map import SlotMap
from .stamps import UNKNOWN
from .wire import Command, Reply, Wire


class NodeWire(Wire):
    """The wire to one node, and in which run that is."""

    def __init__(self, name: str, redis: Any, slots: SlotMap) -> None:
        super().__init__(redis, lambda new: ("PING",), lambda reply: None)
        self.name, self._slots = name, slots
        self.run = UNKNOWN
        self._failures = 0  # in a row

    def _greeting(self, new: bool) -> list[Command]:
        try:
            return greeting.of_node(partial(self._slots.is_at, name=self.name), new=new)
        except StopIteration:
            # All of its slots have gone meanwhile.
            raise SlotNotCoveredError(f"{self.name} has no slot") from None

    def _heard(self, asked: Sequence[Command], answers: list[Reply]) -> None:
        self.run = greeting.hear_node(asked, answers)

    def succeeded(self) -> None:
        """It has answered."""
        self._failures = 0

    def failed(self, error: Exception) -> Exception:
        """What is to be raised: it has not answered, or not as it should."""
        if not is_silence(error):
            return error
        self._failures += 1
        for_good = self._failures >= conf().BREAKER_FAILURES
        return NodeAway(self.name, error, for_good=for_good)
