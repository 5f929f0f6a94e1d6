"""A small site's traffic, the same each time: who reads what, and what is written in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.signals import request_finished, request_started

from planets.cache.events import Fetch
from tests.cache.zoo.models import Comet, Star

COMETS = 20_000  # a LIKE over all of them takes some ms


def many_comets() -> None:
    star = Star.objects.get(pk=3)
    Comet.objects.bulk_create(
        [Comet(star=star, name=f"C/{number:05}", radius=number) for number in range(COMETS)],
        batch_size=5_000,
    )


@dataclass
class Traffic:
    """So many reads with parameters by chance (Zipf), a write after every so many of them."""

    read: Callable[[Any], Any]
    parameters: Sequence[Any] = (0,)
    calls: int = 200
    write: Callable[[], Any] | None = None
    every: int = 0
    seconds: float = 0.0  # that it takes at least
    skew: float = 1.0

    def run(self) -> None:
        weights = [1 / (rank + 1) ** self.skew for rank in range(len(self.parameters))]
        order = random.Random(7)
        began = time.monotonic()
        for number in range(self.calls):
            (parameter,) = order.choices(self.parameters, weights)
            self.read(parameter)
            if self.every and self.write and number % self.every == self.every - 1:
                self.write()
            ahead = began + self.seconds * (number + 1) / self.calls - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)


def in_one_page(work: Callable[[], Any]) -> None:
    request_started.send(None)
    work()
    request_finished.send(None)


def ratio(events: Sequence[Fetch]) -> float:
    hits = sum(event.outcome == "hit" for event in events)
    return hits / len(events)
