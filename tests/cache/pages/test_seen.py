"""Pages as those see them who look on: events, the Cache-Status header, a 304, a HEAD."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from planets.cache import stats
from planets.cache.events import Fetch
from planets.cache.instruments.panel import summary
from planets.cache.instruments.watch import Watch
from planets.cache.invalidation import drop
from tests.cache.zoo.models import Star
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.pages"
    settings.CACHE_ASIDE = {"NAME": "zoo"}
    settings.MIDDLEWARE = [
        "planets.cache.instruments.cache_status.CacheStatusMiddleware",
        *settings.MIDDLEWARE,
    ]


def get(address: str, **headers: str) -> Any:
    return Client().get(address, headers=headers)


def page_of(events: list[Fetch]) -> Fetch:
    return next(event for event in reversed(events) if event.kind == "page")


def test_a_page_tells_its_path_and_what_it_was_read_from(events: list[Fetch]) -> None:
    for outcome in ("miss", "hit"):
        get("/stars/3/")
        page = page_of(events)
        assert (page.outcome, page.sql, page.tables) == (outcome, "/stars/3/", ("star",))
        assert page.records == ("star:3",)


def test_the_header_tells_hit_stored_stale_and_what_was_not_stored() -> None:
    status = [get("/stars/")["Cache-Status"], get("/stars/")["Cache-Status"]]
    Star.objects.filter(pk=3).update(name="Taygeta")
    status.append(get("/stars/")["Cache-Status"])
    status.append(get("/personal/")["Cache-Status"])

    assert status[0] == 'zoo; fwd=miss; stored; detail="2 misses"'
    assert re.fullmatch(r'zoo; hit; ttl=\d+; detail="1 hit"', status[1])
    assert status[2] == 'zoo; fwd=stale; stored; detail="2 misses"'
    assert status[3] == 'zoo; fwd=miss; detail="1 hit, 1 miss"'


@pytest.mark.parametrize("near", [False, True])
def test_a_304_is_a_hit_and_is_counted(near: bool, request: Any, events: list[Fetch]) -> None:
    if near:
        request.getfixturevalue("near_on")
    etag = get("/stars/")["ETag"]
    name = ("page", "near hit" if near else "hit")

    def hit() -> bool:
        """Pushes of the fill may still be on their way to the near tier."""
        before = stats.counts().get(name, 0)
        get("/stars/")
        return stats.counts().get(name, 0) > before

    wait_until(hit)
    before = stats.counts().get(name, 0)

    response = get("/stars/", if_none_match=etag)

    assert response.status_code == 304
    assert stats.counts()[name] == before + 1
    page = page_of(events)
    assert (page.outcome, page.tier) == ("hit", "near" if near else "redis")
    assert (page.sql, page.tables) == ("/stars/", ("star",))
    assert page.bytes
    assert page.ttl
    if not near:
        assert re.fullmatch(r'zoo; hit; ttl=\d+; detail="1 hit"', response["Cache-Status"])


def test_a_head_is_a_hit_and_is_counted(events: list[Fetch]) -> None:
    get("/stars/")
    events.clear()
    assert Client().head("/stars/").status_code == 200
    assert [(event.kind, event.outcome) for event in events] == [("page", "hit")]


@pytest.mark.parametrize("how", ["dropped", "filled by another"])
def test_a_304_is_not_given_for_an_entry_that_is_not_there_any_more(
    how: str, redis: Any, events: list[Fetch]
) -> None:
    etag = get("/stars/")["ETag"]
    (key,) = redis.keys("page:*")
    if how == "dropped":
        drop(key)
    else:
        redis.set(key, "x" * 100)
    events.clear()
    get("/stars/", if_none_match=etag)
    assert page_of(events).outcome == "miss"


@pytest.mark.parametrize("method", ["get", "head"])
def test_where_caching_is_disabled_no_page_is_served(
    method: str, settings: Any, events: list[Fetch]
) -> None:
    etag = get("/stars/")["ETag"]
    settings.CACHE_ASIDE = {"ENABLED": False, "NAME": "zoo"}
    events.clear()
    getattr(Client(), method)("/stars/", headers={"if_none_match": etag})
    assert {event.outcome for event in events} == {"bypass"}


def test_the_panel_counts_no_time_twice_and_tells_cause_reason_and_records() -> None:
    get("/stars/3/")
    Star.objects.filter(pk=3).update(name="Taygeta")
    with Watch() as watch:
        get("/stars/3/")
        get("/personal/")
    shown = summary(watch)
    record, page, in_order, personal = (row for group in shown["groups"] for row in group["rows"])

    assert (page["kind"], page["cause"]) == ("page", "record star:3 was written, or ended")
    assert (page["reason"], page["records"]) == ("", ["star:3"])
    assert personal["reason"].startswith("not stored: it reads 'session' of the request")
    assert shown["ms"] == pytest.approx(record["ms"] + in_order["ms"])
