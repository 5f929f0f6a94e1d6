"""remember(): what it keeps, under which key, and for whom."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from planets.cache import remember
from planets.cache.events import Fetch
from tests.cache.zoo.models import Star
from tests.support.interleave import Stop
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

CALLS: list[Any] = []


@pytest.fixture(autouse=True)
def calls() -> None:
    CALLS.clear()


@remember
def heaviest(kind: str = "giant", *, least: float = 0) -> list[str]:
    """The heaviest."""
    CALLS.append(kind)
    return [star.name for star in Star.objects.filter(kind=kind, mass__gt=least)]


ANY_KIND: Any = heaviest


def test_its_key_is_its_name_and_its_arguments() -> None:
    for _ in range(2):
        assert heaviest() != heaviest("dwarf") != heaviest("giant", least=3)
    assert CALLS == ["giant", "dwarf", "giant"]
    assert (heaviest.__name__, heaviest.__doc__) == ("heaviest", "The heaviest.")
    assert {remember("n", lambda: n, vary=(n,)) for n in (1, 1)} == {1}  # noqa: B023
    made = [remember("kinds", lambda v=v: repr(v), vary=(v,)) for v in (1, "1", True, 1.0, None)]
    assert made == ["1", "'1'", "True", "1.0", "None"]


class Thing:
    def method(self) -> int:
        return 1

    remembered = remember(method)


def closure() -> Callable[[], int]:
    secret = 3

    def inner() -> int:
        return secret

    return inner


def test_what_its_key_would_not_tell_is_a_type_error() -> None:
    kinds: list[Any] = [lambda: 1, Thing().method, closure(), print, 3, Thing, functools_partial()]
    for refused in kinds:
        with pytest.raises(TypeError, match=r"remember\(\)"):
            remember(refused)
    for untellable in (lambda: ANY_KIND(object()), lambda: ANY_KIND([{}]), Thing().remembered):
        with pytest.raises(TypeError, match="cannot be part of a key"):
            untellable()
    with pytest.raises(TypeError, match="needs what makes the value"):
        remember("name")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="ttl is 0"):
        remember(ttl=0)


def functools_partial() -> Any:
    from functools import partial

    return partial(closure)


@pytest.mark.parametrize("near", [False, True])
def test_nobody_gets_a_value_that_another_changes(near: bool, request: Any) -> None:
    if near:
        request.getfixturevalue("near_on")
    for _ in range(4):
        value = remember("mutable", lambda: {"a": [1]})
        assert value == {"a": [1]}
        value["a"].append(2)


@remember
async def total(kind: str) -> float:
    CALLS.append(kind)
    return sum([star.mass or 0 async for star in Star.objects.filter(kind=kind)])


@pytest.mark.asyncio
async def test_async_callers_at_once_compute_once_and_do_not_stand_in_each_others_way(
    async_database: None,
) -> None:
    started = time.monotonic()
    assert len(set(await asyncio.gather(*(total("giant") for _ in range(5))))) == 1
    assert CALLS == ["giant"]
    assert time.monotonic() - started < 1.5, "nobody waits in the thread that the others need"
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(remember("slow", asyncio.Event().wait), 0.2)
    assert await remember("slow", at_once) == 1


async def at_once() -> int:
    return 1


def test_one_computes_and_the_others_wait(settings: Any) -> None:
    settings.CACHE_ASIDE = {"LEASE": 30, "LEASE_WAIT": 30}
    stop = Stop()

    def make() -> int:
        CALLS.append(1)
        stop()
        return 5

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(remember, "stampede", make) for _ in range(4)]
        stop.wait()
        stop.go.set()
        assert [one.result() for one in found] == [5] * 4
    assert CALLS == [1]


def test_who_makes_what_is_refused_waits_for_nobody(events: list[Fetch]) -> None:
    remember("refused", object)
    assert "type object" in events[-1].reason
    together = threading.Barrier(3, timeout=5)

    def make() -> object:
        together.wait()  # passes only where all three are in here at once
        return object()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: remember("refused", make), range(3)))
    assert "type object" in events[-1].reason, "of this time"
    remember("refused", lambda: 1)
    remember("refused", lambda: 1)
    assert remember("refused", lambda: 2) == 1, "it can be kept again"


@dataclass
class Told:
    x: int


def test_a_value_that_this_process_does_not_know_is_computed(monkeypatch: Any) -> None:
    assert remember("told", lambda: Told(1)) == Told(1)
    monkeypatch.delattr(sys.modules[__name__], "Told")
    assert remember("told", lambda: 2) == 2


def test_the_language_and_the_time_zone_are_part_of_the_key() -> None:
    from django.utils import timezone, translation

    with translation.override("de"):
        assert remember("where", lambda: 1) == 1
    with timezone.override("Asia/Tokyo"):
        assert remember("where", lambda: 2) == 2
    assert remember("where", lambda: 3) == 3
    wait_until(lambda: remember("where", lambda: 4) == 3)
