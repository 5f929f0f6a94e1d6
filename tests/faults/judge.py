"""What visitors saw, and whether they could have seen what was written before they asked."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .site import Site

MARK = re.compile(r"P(\d)W(\d+)")
PAGES = ("/", *(f"/planets/{pk}/" for pk in range(1, 9)), "/compare/?planets=3,5", "/moons/")
PAUSE = 0.02  # seconds between two requests of one visitor


class Write(NamedTuple):
    """A write that had returned by then."""

    at: float
    planet: int
    number: int


class Visit(NamedTuple):
    """A page that was asked for then."""

    at: float
    took: float
    status: int  # 0: no answer
    hit: bool  # it was there, and current
    numbers: dict[int, int]  # of each planet on it, the oldest


class Verdict(NamedTuple):
    """Of pages: how many showed what was older than they might."""

    stale: int  # older than its bound allows
    late: int  # within the bound


class Visitors:
    """Two of them, who look at each page in turn."""

    def __init__(self, site: Site) -> None:
        self.visits: list[Visit] = []
        self._site = site
        self._go_on = True
        self._threads = [threading.Thread(target=self._look, args=[n]) for n in range(2)]
        for thread in self._threads:
            thread.start()

    def _look(self, number: int) -> None:
        while self._go_on:
            self.visits.append(visit(self._site, PAGES[number % len(PAGES)]))
            number += 5  # both come by every page
            time.sleep(PAUSE)

    def leave(self) -> list[Visit]:
        self._go_on = False
        for thread in self._threads:
            thread.join()
        return self.visits


def visit(site: Site, page: str) -> Visit:
    began = time.monotonic()
    try:
        status, text, told = site.get(page)
    except OSError:
        return Visit(began, time.monotonic() - began, 0, False, {})
    numbers: dict[int, int] = {}
    for planet, number in MARK.findall(text):
        numbers[int(planet)] = min(int(number), numbers.get(int(planet), int(number)))
    hit = "; hit" in told
    return Visit(began, time.monotonic() - began, status, hit, numbers)


def judge(visits: Iterable[Visit], writes: Sequence[Write], bound: float) -> Verdict:
    """`bound` is seconds after a write's return in which what was before it may yet be shown."""
    stale = late = 0
    for seen in visits:
        if seen.status != 200:
            continue
        if _is_older(seen, writes, seen.at - bound):
            stale += 1
        elif _is_older(seen, writes, seen.at):
            late += 1
    return Verdict(stale, late)


def _is_older(seen: Visit, writes: Sequence[Write], by: float) -> bool:
    """It shows less than what had been written, and told to have been, by then."""
    known = {write.planet: write.number for write in writes if write.at <= by}
    return any(number < known.get(planet, 0) for planet, number in seen.numbers.items())
