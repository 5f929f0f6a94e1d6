"""A cached queryset is a queryset: it writes, is extended, copied and overheard as any other."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.db.models import Count, F
from django.db.models.signals import post_delete, pre_delete
from django.db.models.sql import AggregateQuery, Query

from planets.cache import fetched, invalidated
from planets.cache.events import Fetch
from planets.cache.orm.query import CachedQuery
from planets.cache.orm.queryset import CacheAsideQuerySet
from tests.cache.zoo.models import Animal, Comet, Star, Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def zoo(redis: Any) -> None:
    for name in ("Owl", "Emu", "Eagle"):
        Animal.objects.create(name=name, weight=len(name))


def sets(model: Any = Animal) -> list[Any]:
    return [model.objects.all(), model.objects.cached()]


# --- writing


def test_a_deleted_querysets_own_rows_are_gone_from_it(zoo: None) -> None:
    for owls in (Animal.objects.filter(name="Owl"), Animal.objects.cached().filter(name="Emu")):
        assert len(owls) == 1
        assert owls.delete()[0] == 1
        assert len(owls) == 0


def test_the_origin_of_a_deletion_is_the_queryset_that_was_asked(zoo: None) -> None:
    origins: list[Any] = []

    def hear(origin: Any, **kwargs: Any) -> None:
        origins.append(origin)

    owls = Animal.objects.cached().filter(name="Owl")
    for signal in (pre_delete, post_delete):
        signal.connect(hear, sender=Animal)
    try:
        owls.delete()
    finally:
        for signal in (pre_delete, post_delete):
            signal.disconnect(hear, sender=Animal)
    assert len(origins) == 2
    assert all(origin is owls for origin in origins)


def test_what_a_deletion_collects_is_what_is_in_the_database(
    zoo: None, events: list[Fetch]
) -> None:
    owls = Animal.objects.cached().filter(name="Owl")
    list(owls.all())
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("UPDATE zoo_animal SET name = 'Owl' WHERE name = 'Emu'")
    events.clear()
    assert owls.delete()[0] == 2
    assert events == []


class Counting(CacheAsideQuerySet[Any]):
    calls: list[str] = []  # noqa: RUF012

    def delete(self) -> Any:
        self.calls.append("delete")
        return super().delete()

    def get_or_create(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append("get_or_create")
        return super().get_or_create(*args, **kwargs)

    def update_or_create(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append("update_or_create")
        return super().update_or_create(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self.calls.append("update")
        return super().update(**kwargs)


def test_a_subclass_is_called_as_often_as_without_the_cache(zoo: None) -> None:
    calls = []
    for queryset in (Counting(Animal), Counting(Animal).cached()):
        Counting.calls.clear()
        queryset.get_or_create(name="Kea")
        queryset.update_or_create(name="Kea", defaults={"weight": 1})
        queryset.filter(name="Kea").update(weight=2)
        queryset.filter(name="Kea").delete()
        calls.append([*Counting.calls])
    assert calls[0] == calls[1]


def test_what_reads_in_order_to_write_reads_the_database(zoo: None, events: list[Fetch]) -> None:
    cached = Animal.objects.cached()
    list(cached.filter(name="Owl"))
    with connection.cursor() as cursor:
        events.clear()
        cursor.execute("SELECT 1")
    assert cached.get_or_create(name="Owl")[1] is False
    assert cached.filter(name="Owl").get_or_create(weight=3)[1] is False
    assert cached.update_or_create(name="Owl", defaults={"weight": 9})[0].weight == 9
    cached.in_bulk()
    assert [event.outcome for event in events] == ["miss"]  # the last
    found = list(cached.all())
    events.clear()
    assert list(cached.all()) == found
    assert [event.outcome for event in events] == ["hit"]  # it has written, and is cached


@pytest.mark.asyncio
async def test_the_async_writes(async_database: None, redis: Any) -> None:
    cached = Animal.objects.cached()
    owl, made = await cached.aget_or_create(name="Owl")
    assert made
    assert (await cached.aget_or_create(name="Owl"))[0] == owl
    assert (await cached.aupdate_or_create(name="Owl", defaults={"weight": 4}))[0].weight == 4
    assert await cached.acontains(owl)
    assert await cached.filter(weight=4).aupdate(weight=5) == 1
    assert (await cached.alast()).weight == 5  # type: ignore[union-attr]
    assert (await cached.adelete())[0] == 1
    assert not await cached.aexists()


# --- a Query of somebody's own


class TenantQuery(Query):
    """It may ask anything when it is compiled."""

    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        return super().get_compiler(*args, **kwargs)


def of_tenant() -> Any:
    return CacheAsideQuerySet(Star, query=TenantQuery(Star))


READS: list[Callable[[Any], Any]] = [
    lambda q: [star.pk for star in q.order_by("id")],
    lambda q: q.count(),
    lambda q: q.exists(),
    lambda q: q.order_by("id").first().pk,
    lambda q: q.order_by("id")[:3].aggregate(models.Sum("id")),
    lambda q: list(q.order_by("id").values_list("id", flat=True).iterator()),
    lambda q: [star.pk for star in pickle.loads(pickle.dumps(q.all()))],
    lambda q: [star.pk for star in copy.deepcopy(q)],
    lambda q: [star.pk for star in q.union(Star.objects.filter(pk=1)).order_by("id")],
]


@pytest.mark.parametrize("read", READS)
def test_it_is_not_cached_and_says_why(
    redis: Any, sky: None, events: list[Fetch], read: Callable[[Any], Any]
) -> None:
    truth = read(of_tenant())
    for _ in range(2):
        assert read(of_tenant().cached()) == truth
    reasons = {event.reason for event in events}
    assert reasons == {"its query is a TenantQuery, which is not Django's own"}
    assert redis.keys("sql:*") == []


def test_its_class_comes_back(redis: Any) -> None:
    cached = of_tenant().cached(ttl=5).cached(ttl=6)
    assert isinstance(cached.query, TenantQuery)
    assert isinstance(cached.query, CachedQuery)
    assert type(cached.uncached().query) is TenantQuery
    assert type(Star.objects.cached().uncached().query) is Query


# --- pickles, unions, and what is asked in one query of another


def test_a_pickled_queryset_is_cached_and_has_its_rows(zoo: None, events: list[Fetch]) -> None:
    cached: Any = Animal.objects.cached(ttl=50).order_by("id").annotate(n=Count("tags"))
    rows = [(animal.name, animal.n) for animal in cached]
    events.clear()
    again = pickle.loads(pickle.dumps(cached))
    assert [(animal.name, animal.n) for animal in again] == rows
    assert events == []  # they came along
    again = pickle.loads(pickle.dumps(Animal.objects.cached(ttl=50).order_by("id")))
    assert again.query.lifetime.ttl == 50
    assert [animal.name for animal in again] == ["Owl", "Emu", "Eagle"]
    query: Any = Animal.objects.all()
    query.query = pickle.loads(pickle.dumps(Animal.objects.cached().filter(name="Owl").query))
    assert query.get().name == "Owl"
    assert len(events) == 2


def test_raw_queries_and_explain_leave_the_cache_alone(zoo: None, events: list[Fetch]) -> None:
    told: list[Any] = []

    def hear(event: Any, **kwargs: Any) -> None:
        told.append(event)

    cached = Animal.objects.cached()
    before = list(cached.order_by("id"))
    events.clear()
    invalidated.connect(hear)
    try:
        assert [a.name for a in cached.raw("SELECT * FROM zoo_animal ORDER BY id LIMIT 1")]
        for _ in range(2):
            assert cached.filter(name="Owl").explain()
        list(cached.filter(name="Owl"))
        assert cached.filter(name="Owl").explain()
    finally:
        invalidated.disconnect(hear)
    assert told == []
    events[:] = [event for event in events if event.outcome != "bypass"]
    list(cached.order_by("id"))
    assert [event.outcome for event in events] == ["miss", "hit"]
    assert list(cached.order_by("id")) == before


@pytest.mark.mysql
def test_explain_that_runs_the_query_is_no_fetch(zoo: None, events: list[Fetch]) -> None:
    if not getattr(connection.features, "supports_explain_analyze", True):  # Django 6.1 has no such
        pytest.skip("this server has none")
    owls = Animal.objects.cached().filter(name="Owl")
    list(owls)
    events.clear()
    owls.explain(analyze=True)
    assert {event.outcome for event in events} <= {"bypass"}
    assert len(list(owls.all())) == 1


# --- receivers of events that ask, while a count is being asked


def of_subquery(queryset: Any) -> Any:
    return queryset.values("weight").distinct()


def test_a_receiver_that_counts_while_a_count_is_counted(zoo: None, events: list[Fetch]) -> None:
    counts: list[int] = []
    deep = 0

    def count(**kwargs: Any) -> None:
        nonlocal deep
        if deep < 3:
            deep += 1
            counts.append(of_subquery(Animal.objects.cached().filter(weight__lt=deep + 3)).count())

    fetched.connect(count)
    try:
        for _ in range(2):
            deep = 0
            assert of_subquery(Animal.objects.cached()).count() == 2
    finally:
        fetched.disconnect(count)
    assert counts == [2, 1, 1] * 2
    assert "compiler" not in vars(connection.ops)


def test_a_receiver_that_reads_and_writes_meanwhile_is_not_cached(
    zoo: None, redis: Any, events: list[Fetch]
) -> None:
    def act(**kwargs: Any) -> None:
        fetched.disconnect(act)
        list(Tag.objects.all())
        of_subquery(Animal.objects.all()).count()
        Animal.objects.filter(name="Owl").update(weight=F("weight") + 1)
        Tag.objects.create(word="new")

    fetched.connect(act)
    try:
        of_subquery(Animal.objects.cached()).count()
    finally:
        fetched.disconnect(act)
    assert len(events) == 1
    assert len(redis.keys("sql:*")) == 1
    assert of_subquery(Animal.objects.cached()).count() == 3  # its own write is seen


def test_an_aggregate_that_fails_leaves_nothing_behind(zoo: None, events: list[Fetch]) -> None:
    with pytest.raises(Exception, match="column"):
        Animal.objects.cached().extra(select={"x": "no_such_column"}).distinct().count()
    events.clear()
    assert of_subquery(Animal.objects.all()).count() == 2
    assert events == []


def test_only_aggregates_over_a_cached_query_are_cached(zoo: None) -> None:
    for queryset, is_cached in zip(sets(), (False, True), strict=True):
        compiler = AggregateQuery(Animal, queryset.query.clone()).get_compiler("default")
        assert type(compiler).__name__.startswith("Cached") is is_cached


def test_comets_of_stars_are_as_any(sky: None, redis: Any) -> None:
    stars = Star.objects.filter(pk__in=Comet.objects.cached().values("star_id")).order_by("id")
    assert list(stars.values_list("pk", flat=True)) == [3, 4, 5]
