"""What a visitor may do to a page, to see the rest of its life. Each act is over when it returns.

It reaches the keys of this page alone, and one planet's name, which is given back at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django_redis import get_redis_connection
from redis.exceptions import RedisError

from ..cache import disabled, fetch
from ..cache.conf import conf
from ..cache.instruments.rehearsal import Rehearsal, Shown
from ..cache.instruments.story import Story, story
from ..cache.instruments.timeline import Timeline
from ..cache.instruments.trips import redis_away
from ..cache.invalidation import drop, expire
from ..cache.storage.errors import Unavailable
from ..models import Planet
from . import naive

# What a changed name ends with, so that nobody changes what another visitor has just changed.
MARK = " (demo)"
LONGEST_NAME = 30  # characters, as the tutorial's table has it


class Answer(NamedTuple):
    """What one way of reading a planet's name says, before and after it was written."""

    who: str
    key: str
    before: str
    after: str
    stale: bool


class Scene(NamedTuple):
    title: str
    told: str
    story: Story | None = None
    answers: list[Answer] = []  # noqa: RUF012  a scene is never changed


Act = Callable[[Rehearsal], list[Scene]]


def again(page: Rehearsal) -> list[Scene]:
    return [Scene("Fetched again", "As any visitor gets it now.", page.show().story)]


def let_expire(page: Rehearsal) -> list[Scene]:
    key = page_key(page.show())
    if not key:
        return [NOT_KEPT]
    expire(key)
    told = "The page's time in Redis was over; what it is made of was still there."
    return [Scene("After its TTL had ended", told, page.show().story)]


def flush(page: Rehearsal) -> list[Scene]:
    key = page_key(page.show())
    if not key:
        return [NOT_KEPT]
    drop(key)  # made anew it tells what else it is made of
    parts = [fetched["key"] for fetched in page.show().story.fetched("sql", "record")]
    gone = sum(drop(entry) for entry in {key, *filter(None, parts)})
    told = (
        f"{gone} keys were deleted: the page's own, and those of each query and record that it is "
        "made of. Nobody else's went."
    )
    return [Scene("After its keys were flushed", told, page.show().story)]


def take_redis_away(page: Rehearsal) -> list[Scene]:
    page.show()  # so that it is kept, and comes back
    told = (
        "No round trip of this one request was answered. The page is right, it comes from the "
        "database; only it takes the time that this takes."
    )
    back = "The next request asks Redis again."
    return [
        Scene("Without Redis", told, page.show(redis_away).story),
        Scene("Redis is back", back, page.show().story),
    ]


def change(page: Rehearsal, *, beside: bool = False) -> list[Scene]:
    """One planet's name is changed and changed back; `beside` it is read by the tutorial's fetch."""
    shown = page.show()
    planet = _planet_of(shown)
    if planet is None:
        return [Scene("Nothing to change", "There is no planet.")]
    name = planet.name
    if name.endswith(MARK):
        return [Scene("Try again", f"Somebody else is changing {name.removesuffix(MARK)} now.")]
    changed = name[: LONGEST_NAME - len(MARK)] + MARK
    reading = _Reading(planet.pk, beside=beside)
    with reading.kept():
        before = reading.names()
        with Timeline() as timeline:
            done = _rename(planet.pk, name, changed)
        try:
            if not done:
                return [Scene("Try again", f"Somebody else has just changed {name}.")]
            after = reading.names()
            fresh = page.show()
        finally:
            _rename(planet.pk, changed, name)
    told = f"{name} became {changed}. Its gates were closed before that, and opened after it."
    there = changed in fresh.response.content.decode()
    now = (
        f"The page shows “{changed}” at once, made anew of what went stale."
        if there
        else "The page is made anew: it was made from what went stale."
    )
    return [
        Scene("A planet is written", told, story(timeline)),
        Scene("The page right after", f"{now} The name has been given back since.", fresh.story),
        *reading.compared(before, after),
    ]


ACTS: dict[str, Act] = {
    "again": again,
    "change": change,
    "expire": let_expire,
    "away": take_redis_away,
    "flush": flush,
}

NOT_KEPT = Scene(
    "There is nothing to end",
    "This page is not in the cache: its story below says why.",
)


def perform(name: str, page: Rehearsal, *, beside: bool) -> list[Scene]:
    """The scenes of an act. Raises KeyError for a name that is none."""
    act = ACTS[name]
    try:
        return change(page, beside=beside) if act is change else act(page)
    except Unavailable as error:
        return [Scene("Redis is not reachable", f"So nothing was done: {error}.")]


def page_key(shown: Shown) -> str:
    """The key of the page itself, where the cache may hold it; "" where it may not."""
    for fetched in shown.story.fetched("page"):
        if fetched["outcome"] in ("hit", "miss", "stale") and not fetched["reason"]:
            return str(fetched["key"])
    return ""


def _planet_of(shown: Shown) -> Planet | None:
    """The planet of a record that the page is made from; else any that it may be made from."""
    table = Planet._meta.db_table
    records = [
        key
        for fetched in shown.story.fetched()
        for key in (*fetched["records"], fetched["key"] if fetched["kind"] == "record" else "")
    ]
    ids = [key.rpartition(":")[2] for key in records if key.startswith(f"{conf().PREFIX}{table}:")]
    planets = Planet.objects.order_by("position", "pk")
    return planets.filter(pk__in=ids).first() or planets.filter(position__isnull=False).first()


def _rename(pk: int, old: str, new: str) -> bool:
    """Whether it had the old name: an editor's change in between stays."""
    return bool(Planet.objects.filter(pk=pk, name=old).update(name=new))


class _Reading:
    """A planet's name, read in three ways: as the tutorial does, through the layer, and not cached.

    The literal SQL is the tutorial's own key, so its program would find the same in this Redis.
    """

    def __init__(self, pk: int, *, beside: bool) -> None:
        self.sql = f"SELECT id, name FROM planet WHERE id = {int(pk)}"  # noqa: S608
        self.beside = beside

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within it the tutorial's key may be there; it began without one, and leaves none."""
        if not self.beside:
            yield
            return
        try:
            self.redis = get_redis_connection(conf().REDIS)
            self.redis.delete(self.sql)
        except RedisError as error:
            raise Unavailable(str(error)) from error
        try:
            yield
        finally:
            self.redis.delete(self.sql)

    def names(self) -> list[str]:
        if not self.beside:
            return []
        try:
            naively = naive.fetch(self.sql, self.redis)
        except RedisError as error:
            raise Unavailable(str(error)) from error
        with disabled():
            right = fetch(self.sql)
        return [str(rows[0]["name"]) for rows in (naively, fetch(self.sql), right) if rows]

    def compared(self, before: list[str], after: list[str]) -> list[Scene]:
        if not (before and len(before) == len(after)):
            return []
        who = ("the tutorial’s fetch(sql)", "the layer’s fetch(sql)", "the database")
        keys = (self.sql, "sql:<digest>, behind the gates of planet", "")
        answers = [
            Answer(*told, stale=told[3] != after[-1])
            for told in zip(who, keys, before, after, strict=True)
        ]
        told = (
            f"All three were asked for the name before the write and after it. What the tutorial "
            f"keeps under the text of the SQL nobody takes away: it is stale until {naive.TTL} s "
            "have passed."
        )
        return [Scene("The tutorial’s own fetch(sql) beside it", told, answers=answers)]


SOURCE = inspect.getsource(naive.fetch)
