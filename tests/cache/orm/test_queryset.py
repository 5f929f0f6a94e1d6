"""cached(): the answers are Django's own, whatever is asked."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models, transaction
from django.db.models import Count, F, Prefetch, Q, Value
from django.db.models.functions import Now, Random
from django.utils import timezone

from planets.cache import disabled
from planets.cache.events import Fetch
from tests.cache.zoo.models import Animal, Bird, Comet, Everything, Pet, Star, Tag
from tests.cache.zoo.rows import FULL, parts
from tests.cache.zoo.shapes import READS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_hit_equals_the_database_in_value_and_type(
    rows: None, events: list[Fetch], read: Callable[[Any], Any]
) -> None:
    truth = parts(read(Everything.objects.all()))
    assert parts(read(Everything.objects.cached())) == truth  # a miss
    events.clear()
    assert parts(read(Everything.objects.cached())) == truth
    assert {event.outcome for event in events} <= {"hit"}


def test_the_reads_above_do_reach_the_cache(rows: None, events: list[Fetch]) -> None:
    for read in READS.values():
        read(Everything.objects.cached())
    assert len(events) >= len(READS) - 3  # an empty set is known without asking
    assert {event.outcome for event in events} <= {"miss", "hit"}  # some share their rows


@pytest.mark.asyncio
async def test_the_async_variants_hit_too(async_database: None, redis: Any) -> None:
    heard: list[Fetch] = []
    from planets.cache import fetched

    receiver = lambda event, **kwargs: heard.append(event)  # noqa: E731
    fetched.connect(receiver)
    await Animal.objects.acreate(name="Owl")
    for _ in range(2):
        assert [a.name async for a in Animal.objects.cached()] == ["Owl"]
        assert (await Animal.objects.cached().aget(name="Owl")).name == "Owl"
        assert await Animal.objects.cached().acount() == 1
        assert await Animal.objects.cached().aexists()
        assert await Animal.objects.cached().order_by("id").afirst()
        assert await Animal.objects.cached().aaggregate(n=Count("id")) == {"n": 1}
        assert await Animal.objects.cached().order_by("-id").ain_bulk()
    fetched.disconnect(receiver)
    assert [event.outcome for event in heard] == ["miss"] * 7 + ["hit"] * 7


def test_django_errors_are_the_same(redis: Any) -> None:
    for _ in range(2):
        with pytest.raises(Animal.DoesNotExist):
            Animal.objects.cached().get(name="Unicorn")
    Animal.objects.create(name="Owl")
    Animal.objects.create(name="Owl")
    for _ in range(2):
        with pytest.raises(Animal.MultipleObjectsReturned):
            Animal.objects.cached().get(name="Owl")


def test_deferred_fields_load_from_the_database(rows: None, django_assert_num_queries: Any) -> None:
    list(Everything.objects.cached().only("char"))
    with django_assert_num_queries(1):
        deferred = Everything.objects.cached().only("char").order_by("id")[0]
    with django_assert_num_queries(0):
        deferred = Everything.objects.cached().only("char").order_by("id")[0]
    assert deferred.get_deferred_fields() >= {"json", "binary"}
    with django_assert_num_queries(1):
        assert deferred.json == FULL["json"]


def test_relations_come_with_the_hit(redis: Any, django_assert_num_queries: Any) -> None:
    mother = Animal.objects.create(name="Mother")
    child = Animal.objects.create(name="Child", mother=mother)
    child.tags.add(Tag.objects.create(word="small"))
    queryset = Animal.objects.cached().order_by("id").select_related("mother")
    for prefetch in (["tags"], ["children__tags"], [Prefetch("tags", Tag.objects.cached())]):
        list(queryset.prefetch_related(*prefetch))
        with django_assert_num_queries(0):
            first, second = queryset.prefetch_related(*prefetch)
            assert second.mother == mother
            if prefetch == ["children__tags"]:
                assert [tag.word for tag in first.children.all()[0].tags.all()] == ["small"]
            else:
                assert [tag.word for tag in second.tags.all()] == ["small"]


def test_children_and_proxies(redis: Any, django_assert_num_queries: Any) -> None:
    Bird.objects.create(name="Owl", wingspan=90)
    for _ in range(2):
        (bird,) = Bird.objects.cached()
        (pet,) = Pet.objects.cached()
    assert (bird.name, bird.wingspan, type(pet)) == ("Owl", 90, Pet)


def test_a_changed_instance_changes_nobody_elses(rows: None) -> None:
    def fresh() -> Any:
        return Everything.objects.cached().order_by("id")

    truth = copy.deepcopy(FULL)
    list(fresh())
    mine = fresh()[0]
    mine.json["a"].append("mine")
    mine.char = "mine"
    fresh().values()[0]["json"]["a"].append("mine")
    assert fresh()[0].json == truth["json"]
    assert fresh()[0].char == truth["char"]
    assert fresh().values()[0]["json"] == truth["json"]


DIFFERENT: list[Callable[[Any], Any]] = [
    lambda q: list(q.filter(char="1")),
    lambda q: list(q.filter(integer=1)),
    lambda q: list(q.filter(integer=1)[:1]),
    lambda q: q.filter(integer=1).count(),
    lambda q: q.filter(integer=1).exists(),
    lambda q: list(q.filter(boolean=True)),
    lambda q: list(q.filter(real=1.0)),
    lambda q: list(q.filter(decimal=decimal.Decimal(1))),
    lambda q: list(q.filter(date=dt.date(2026, 1, 1))),
    lambda q: list(q.filter(datetime=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))),
    lambda q: list(q.filter(json=Value(None, models.JSONField()))),
    lambda q: q.aggregate(models.Max("integer")),
    lambda q: q.aggregate(models.Min("integer")),
    lambda q: list(q.order_by("id")),
    lambda q: list(q.order_by("-id")),
]


def test_calls_that_django_would_answer_differently_share_no_key(
    redis: Any, events: list[Fetch]
) -> None:
    asked: dict[str, tuple[str, str]] = {}
    for read in DIFFERENT:
        events.clear()
        read(Everything.objects.cached())
        (event,) = events
        assert event.key not in asked, (event.sql, asked[event.key])
        assert event.outcome == "miss"
        asked[event.key] = (event.sql, event.kind)


def test_shapes_that_are_built_on_the_same_rows_share_them(
    rows: None, events: list[Fetch], django_assert_num_queries: Any
) -> None:
    shapes: list[Callable[[Any], Any]] = [
        list,
        lambda q: list(q.values()),
        lambda q: list(q.values_list()),
        lambda q: [row.char for row in q.values_list(named=True)],
    ]
    truth = [parts(read(Everything.objects.order_by("id"))) for read in shapes]
    for _ in range(2):
        assert [parts(read(Everything.objects.cached().order_by("id"))) for read in shapes] == truth
    assert len({event.key for event in events}) == 1
    assert [event.outcome for event in events].count("miss") == 1


def test_what_cannot_be_cached_says_why(redis: Any, events: list[Fetch]) -> None:
    Animal.objects.create(name="Owl")
    cached = Animal.objects.cached()
    with transaction.atomic():
        list(cached.select_for_update())
    assert "locks rows" in events.pop().reason
    cached.explain()
    assert "not a SELECT" in events.pop().reason
    list(cached.annotate(now=Now()))
    assert re.search("changes by itself|STRFTIME\\(\\) is not known to depend", events.pop().reason)
    list(cached.annotate(r=Random()))
    assert "changes by itself" in events.pop().reason
    list(cached.order_by("?"))
    assert "changes by itself" in events.pop().reason
    list(cached.extra(select={"x": "my_function(id)"}).none())
    assert not events
    assert {event.outcome for event in events} <= {"bypass"}


def test_a_parameter_that_cannot_be_told_from_another_is_not_cached(
    redis: Any, events: list[Fetch]
) -> None:
    class Odd(str):
        """Which drivers do not send alike."""

        __slots__ = ()

        def __str__(self) -> str:
            return "<odd>"

    list(Animal.objects.cached().extra(where=["name = %s"], params=[Odd("a")]))
    assert events.pop().reason.endswith("Odd cannot be part of a key")


def test_more_than_the_limit_is_not_stored(redis: Any, events: list[Fetch], settings: Any) -> None:
    settings.CACHE_ASIDE = {"MAX_BYTES": 1000}
    Everything.objects.create(text="x" * 2000)
    assert len(Everything.objects.cached()) == 1
    assert "MAX_BYTES" in events[-1].reason
    assert not redis.keys("sql:*")
    assert not redis.keys("lease:*")


def test_writing_through_a_cached_queryset_reads_the_database(
    redis: Any, events: list[Fetch]
) -> None:
    Animal.objects.create(name="Owl")
    cached = Animal.objects.cached().filter(name="Owl")
    list(cached)
    events.clear()
    assert cached.get_or_create(name="Owl")[1] is False
    assert cached.update_or_create(name="Owl", defaults={"weight": 3})[1] is False
    assert cached.update(weight=F("weight") + 1) == 1
    assert cached.get().weight == 4
    assert cached.delete()[0] == 1
    assert not cached
    assert [event.outcome for event in events] == ["miss", "miss"]


def test_ttl_and_expire_at(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"TTL": 100, "JITTER": 0.1}

    def ttl() -> int:
        (key,) = redis.keys("sql:*")
        left = redis.ttl(key)
        redis.flushdb()
        return left

    list(Animal.objects.cached())
    assert 89 <= ttl() <= 110
    list(Animal.objects.cached(ttl=1000))
    assert 899 <= ttl() <= 1100
    list(Animal.objects.cached(expire_at=timezone.now() + dt.timedelta(hours=1)))
    assert 3590 <= ttl() <= 3600
    list(Animal.objects.cached(expire_at=timezone.now() - dt.timedelta(hours=1)))
    assert redis.keys("sql:*") == []


def test_nothing_is_stored_without_a_ttl(redis: Any, sky: None) -> None:
    list(Star.objects.cached().prefetch_related("comets"))
    Comet.objects.cached().count()
    from tests.cache.zoo.records import stars

    stars([1, 2, 99])
    keys = redis.keys("*")
    assert len(keys) >= 8
    assert {key: redis.ttl(key) for key in keys if redis.ttl(key) <= 0} == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ttl": 0}, "ttl is 0, must be more than 0 seconds"),
        ({"ttl": -1}, "ttl is -1"),
        ({"expire_at": dt.datetime(2026, 1, 1)}, "must have a time zone"),
    ],
)
def test_nonsense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Animal.objects.cached(**options)


def test_a_cached_queryset_copies_and_combines_like_any(redis: Any) -> None:
    for name in ("Owl", "Eagle", "Emu"):
        Animal.objects.create(name=name)
    cached = Animal.objects.cached().filter(name__startswith="E")
    assert len(copy.deepcopy(cached)) == len(pickle.loads(pickle.dumps(cached))) == 2
    assert (cached | Animal.objects.filter(name="Owl")).count() == 3
    assert (cached & Animal.objects.filter(name="Emu")).get().name == "Emu"
    assert Animal.objects.filter(pk__in=cached).count() == 2
    assert cached.uncached().filter(Q(name="Emu")).count() == 1
    children = Animal.objects.filter(mother__in=cached)
    assert list(children) == []


def test_known_related_objects_stay(redis: Any, django_assert_num_queries: Any) -> None:
    mother = Animal.objects.create(name="Mother")
    Animal.objects.create(name="Child", mother=mother)
    for _ in range(2):
        (child,) = mother.children.cached()
    with django_assert_num_queries(0):
        assert child.mother is mother


def test_disabled_reads_the_database(redis: Any, events: list[Fetch]) -> None:
    for _ in range(2):
        with disabled():
            list(Animal.objects.cached())
    assert [event.reason for event in events] == ["caching is disabled"] * 2
    assert redis.keys("sql:*") == []


def test_large_results_are_compressed_on_request(redis: Any, settings: Any) -> None:
    Everything.objects.create(text="x" * 50_000)
    sizes = []
    for above in (0, 1000):
        redis.flushdb()
        settings.CACHE_ASIDE = {"COMPRESS_ABOVE": above}
        for _ in range(2):
            assert Everything.objects.cached().get().text == "x" * 50_000
        (key,) = redis.keys("sql:*")
        sizes.append(redis.strlen(key))
    assert sizes[1] * 10 < sizes[0]
