"""What a visitor may do to a page, to see the rest of its life. Each act is over when it returns.

It reaches the keys of this page alone, and one planet's name, which is given back at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

from ..cache.conf import conf
from ..cache.instruments.rehearsal import Rehearsal, Shown
from ..cache.instruments.story import Story, story
from ..cache.instruments.timeline import Timeline
from ..cache.instruments.trips import redis_away
from ..cache.invalidation import drop, expire
from ..cache.storage.errors import Unavailable
from ..models import Planet
from . import naive
from .beside import Answer, Beside

# What a changed name ends with, so that nobody changes what another visitor has just changed.
MARK = " (demo)"
LONGEST_NAME = 30  # characters, as the tutorial's table has it


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
    gone = len(drop(*{key, *filter(None, parts)}))
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
    """One planet's name is changed and changed back; `beside` it the tutorial's fetch reads it."""
    shown = page.show()
    planet = _planet_of(shown)
    if planet is None:
        return [Scene("Nothing to change", "There is no planet.")]
    name = planet.name
    if name.endswith(MARK):
        return [Scene("Try again", f"Somebody else is changing {name.removesuffix(MARK)} now.")]
    changed = name[: LONGEST_NAME - len(MARK)] + MARK
    with Beside(planet.pk) if beside else nullcontext() as reading:
        before = reading.names() if reading else []
        with Timeline() as timeline:
            done = _rename(planet.pk, name, changed)
        try:
            if not done:
                return [Scene("Try again", f"Somebody else has just changed {name}.")]
            after = reading.names() if reading else []
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
        *([_compared(reading.answers(before, after))] if reading else []),
    ]


def _compared(answers: list[Answer]) -> Scene:
    told = (
        "All three were asked for the name before the write and after it. What the tutorial keeps "
        f"under the text of the SQL nobody takes away: it is stale until {naive.TTL} s have passed."
    )
    return Scene("The tutorial’s own fetch(sql) beside it", told, answers=answers)  # noqa: RUF001


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
