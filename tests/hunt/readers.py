"""The processes of a hunt that read, and how what they saw is judged."""

from __future__ import annotations

import contextlib
import logging
import random
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from planets.cache import cached_page, fetch, fetched
from planets.cache.conf import conf
from planets.cache.events import Fetch
from planets.cache.storage import absence
from planets.cache.storage.client import client
from planets.cache.storage.slots import clustered
from planets.models import Moon, Planet
from planets.records import planet, planets

from ..cache.zoo.models import Tag
from ..support import interleave
from ..support.cluster import configuration
from . import replicas, served
from .board import DEADLINE, NEAR_LATENESS, OUTCOMES, Board, Diary

Found = tuple[str, float, float]  # what was read, the number known before, the number seen
ROWS = range(1, 9)


def prepare(board: Board) -> None:
    """Tables and rows; leaves no connection behind."""
    settings.CACHE_ASIDE = {"WRITE_DEADLINE": DEADLINE, "BREAKER_PROBE": 0.05, "NEAR": board.near}
    if board.hot:
        settings.CACHE_ASIDE["HOT"] = {"planet": ["mass"], "moon": ["radius"]}
    if board.replica:
        replicas.prepare(board, settings)
    conf.cache_clear()
    # A hunt is one relapse after the other; who stayed away for longer each time would see little.
    absence.MOST = absence.CALM
    settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = __name__, ["*"]
    # The site's own, so that a pause is an outage.
    settings.CACHES["default"]["OPTIONS"].update(SOCKET_TIMEOUT=0.25, SOCKET_CONNECT_TIMEOUT=0.25)
    if board.cluster:
        settings.CACHES["default"].update(configuration(board.cluster, 0.25))
        clustered.cache_clear()
    with connections["default"]._nodb_cursor() as cursor:
        cursor.execute("CREATE DATABASE planets CHARACTER SET utf8mb4")
    call_command("migrate", run_syncdb=True, verbosity=0)
    Planet.objects.all().delete()
    owners = {pk: w for w in range(board.writers + 1) for pk in board.owned(w)}
    Planet.objects.bulk_create(
        Planet(id=pk, name=f"P{pk}", position=owners[pk], mass=0) for pk in ROWS
    )
    Moon.objects.bulk_create(Moon(planet_id=pk, name="M", radius=0) for pk in ROWS)
    connections.close_all()
    client.reset()  # so that no child begins with a connection


def set_off(name: str) -> None:
    """Take a protection away, for good."""
    if name:
        getattr(interleave, f"without_{name}")(pytest.MonkeyPatch())


class Judge:
    """Counts this process's fetches and reports what is wrong with what they saw."""

    def __init__(self, board: Board, slot: int, name: str) -> None:
        logging.disable(logging.CRITICAL)
        self.board, self.slot, self.name = board, slot, name
        self.last: list[Fetch] = []
        fetched.connect(self.hear)

    def hear(self, event: Fetch, **kwargs: Any) -> None:
        self.last.append(event)
        self.board.outcomes[self.slot * len(OUTCOMES) + OUTCOMES.index(event.outcome)] += 1

    def judge(self, found: list[Found], began: float) -> None:
        for what, known, seen in found:
            is_judged = began > self.board.pardoned.value
            if (is_judged and seen < known) or seen != int(seen):
                events = [(e.outcome, e.key, e.reason) for e in self.last]
                self.condemn(
                    f"{what} is {seen:g} and {known:g} was published before the fetch began at "
                    f"{began:.6f}; {events}"
                )
        self.last.clear()

    def condemn(self, what: str) -> None:
        """Report what must not be."""
        self.board.wrong[self.slot] += 1
        Diary(self.board, f"wrong-{self.name}").note(what)


# --- readers


Known = dict[str, tuple[float, ...]]


def rows(known: Known, found: dict[int, float]) -> list[Found]:
    return [(f"planet {pk}", known["planets"][pk - 1], mass) for pk, mass in found.items()]


def read_list(known: Known, dice: random.Random) -> list[Found]:
    query = Planet.objects.cached().filter(pk__lte=8)
    return rows(known, {pk: mass or 0 for pk, mass in query.values_list("pk", "mass")})


def read_one(known: Known, dice: random.Random) -> list[Found]:
    pk = dice.choice(ROWS)
    return rows(known, {pk: Planet.objects.cached().get(pk=pk).mass or 0})


def read_text(known: Known, dice: random.Random) -> list[Found]:
    found = fetch("SELECT id, mass FROM planet WHERE id <= %s", [8])
    return rows(known, {row["id"]: row["mass"] for row in found})


def read_record(known: Known, dice: random.Random) -> list[Found]:
    pk = dice.choice(ROWS)
    found = planet(pk)
    return rows(known, {pk: found.mass or 0 if found else -1})


def read_records(known: Known, dice: random.Random) -> list[Found]:
    found = planets(ROWS)
    return rows(known, {pk: found[pk].mass or 0 if pk in found else -1 for pk in ROWS})


def read_join(known: Known, dice: random.Random) -> list[Found]:
    moons = list(Moon.objects.cached().select_related("planet"))
    return rows(known, {moon.planet_id: moon.planet.mass or 0 for moon in moons}) + [
        (f"moon of {moon.planet_id}", known["moons"][moon.planet_id - 1], moon.radius or 0)
        for moon in moons
    ]


def read_prefetched(known: Known, dice: random.Random) -> list[Found]:
    found = list(Planet.objects.cached().filter(pk__lte=8).prefetch_related("moons"))
    return rows(known, {planet.pk: planet.mass or 0 for planet in found}) + [
        (f"moon of {moon.planet_id}", known["moons"][moon.planet_id - 1], moon.radius or 0)
        for planet in found
        for moon in planet.moons.all()
    ]


def read_sum(known: Known, dice: random.Random) -> list[Found]:
    found = Planet.objects.cached().filter(pk__lte=8).aggregate(sum=Sum("mass"))
    return [("sum", sum(known["planets"]), found["sum"])]


def read_count(known: Known, dice: random.Random) -> list[Found]:
    return [("count", sum(known["tags"]), Tag.objects.cached().count())]


def read_born(known: Known, dice: random.Random) -> list[Found]:
    """The last that was created, the last that was deleted, and one that is yet to come."""
    writer = dice.randrange(len(known["created"]))
    base = 1_000_000 * (writer + 1)
    born, dead = int(known["created"][writer]), int(known["deleted"][writer])
    found = planets([base + born, base + dead, base + born + 1])
    there = not born or base + born in found
    gone = not dead or base + dead not in found
    return [
        (f"created {base + born}", born, born if there or _deleted_since(base + born) else -1),
        (f"deleted {base + dead}", dead, dead if gone else -1),
    ]


def _deleted_since(pk: int) -> bool:
    """By a writer that went on: an absence that is no cached one."""
    return not Planet.objects.using("default").filter(pk=pk).exists()


class Visitor:
    """Asks for pages: this process, or gunicorn where the hunt has one."""

    site: Path | None = None
    pages = 0  # that came over HTTP

    def get(self, address: str) -> str:
        if self.site is None:
            return Client().get(address).content.decode()
        self.pages += 1
        return served.ask(self.site, address)


visitor = Visitor()


def read_page(known: Known, dice: random.Random) -> list[Found]:
    pk = dice.choice(ROWS)
    return rows(known, {pk: float(visitor.get(f"/hunted/{pk}/"))})


def read_all_pages(known: Known, dice: random.Random) -> list[Found]:
    masses = map(float, visitor.get("/hunted/").split(","))
    return rows(known, dict(zip(ROWS, masses, strict=True)))


@cached_page
def page_of_one(request: HttpRequest, pk: int) -> HttpResponse:
    found = planet(pk)
    return HttpResponse(str(found.mass or 0 if found else -1))


@cached_page
def page_of_all(request: HttpRequest) -> HttpResponse:
    found = Planet.objects.filter(pk__lte=8).order_by("pk").values_list("mass", flat=True)
    return HttpResponse(",".join(str(mass or 0) for mass in found))


urlpatterns = [path("hunted/<int:pk>/", page_of_one), path("hunted/", page_of_all)]


# What is not fetched is as old as the replica that it is read from.
PLAIN = [read_all_pages]
READS = [
    read_list, read_one, read_text, read_record, read_record, read_records, read_join,
    read_prefetched, read_sum, read_count, read_born, read_page, read_page, read_all_pages,
]  # fmt: skip


class Past:
    """What was known so many seconds ago."""

    def __init__(self, lateness: float) -> None:
        self._lateness = lateness
        self._seen: deque[tuple[float, Known]] = deque()

    def known(self, now: float, known: Known) -> Known:
        self._seen.append((now, known))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._lateness:
            self._seen.popleft()
        at, then = self._seen[0]
        return then if at <= now - self._lateness else nothing(known)


def nothing(known: Known) -> Known:
    """As at the beginning, when nothing was published."""
    return {name: (0.0,) * len(numbers) for name, numbers in known.items()}


def read_until_stopped(board: Board, number: int, seed: int, naive: str) -> None:
    set_off(naive)
    dice = random.Random(f"reader {number} {seed}")
    judge = Judge(board, number, f"reader-{number}")
    past = Past(NEAR_LATENESS if board.near else 0)
    visitor.site = board.site if board.is_served else None
    replicas.Router.is_reader = bool(board.replica)
    reads = [read for read in READS if not (board.replica and read in PLAIN)]
    while not board.stopping.value:
        began = time.monotonic()
        known = past.known(began, board.known())
        block = transaction.atomic() if dice.random() < 0.2 else contextlib.nullcontext()
        try:
            with block:
                found = dice.choice(reads)(known, dice)
        except Exception as error:  # whatever it is, a visitor would have seen it
            judge.condemn(f"a read failed: {error!r}")
            continue
        judge.judge(found, began)
        board.served[number] = visitor.pages
    connections.close_all()
