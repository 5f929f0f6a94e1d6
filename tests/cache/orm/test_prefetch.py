"""prefetch_related() of a cached queryset: Django's own walk, with what it asks on it fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db import connection, models
from django.db.models import Prefetch
from django.test.utils import CaptureQueriesContext, isolate_apps

from planets.cache import CacheAsideManager, CacheAsideQuerySet
from planets.cache.events import Fetch
from tests.cache.zoo.models import Animal, Comet, Star, Tag
from tests.support.tables import tables_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


class OfKind(CacheAsideManager):
    """A manager that leaves rows out, and takes arguments."""

    def __init__(self, kind: str = "hidden") -> None:
        super().__init__()
        self.kind = kind

    def get_queryset(self) -> Any:
        return super().get_queryset().exclude(word=self.kind)


@pytest.fixture
def marks() -> Iterator[Any]:
    """Words about anything, and things that have words."""
    meta = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "zoo"})}
    with isolate_apps("tests.cache.zoo"):
        mark: Any = type(
            "Mark",
            (models.Model,),
            {
                **meta,
                "word": models.CharField(max_length=20),
                "content_type": models.ForeignKey(ContentType, models.CASCADE),
                "object_id": models.PositiveIntegerField(),
                "target": GenericForeignKey(),
                "thing": models.ForeignKey(
                    "Thing", models.CASCADE, null=True, related_name="own_marks"
                ),
                "objects": OfKind(),
                "everything": CacheAsideManager(),
            },
        )
        thing: Any = type(
            "Thing",
            (models.Model,),
            {
                **meta,
                "name": models.CharField(max_length=20),
                "marks": GenericRelation(mark),
                "up": models.ForeignKey("self", models.CASCADE, null=True, related_name="down"),
                "objects": CacheAsideManager(),
            },
        )
        with tables_of(thing, mark):
            top = thing.objects.create(name="top")
            low = thing.objects.create(name="low", up=top)
            for word in ("good", "old", "hidden"):
                mark.everything.create(word=word, target=low, thing=low)
            mark.everything.create(word="bright", target=Star.objects.get(pk=3))
            mark.everything.create(word="far", target=Comet.objects.get(name="Encke"))
            ContentType.objects.clear_cache()
            yield thing
    ContentType.objects.clear_cache()


def words(rows: Any) -> list[str]:
    return sorted(row.word for row in rows)


def about_sky(mark: Any) -> Any:
    return mark.everything.filter(word__in=["bright", "far"]).order_by("id")


READS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "generic relation": lambda thing, mark, c: [
        words(each.marks.all()) for each in c(thing.objects).prefetch_related("marks")
    ],
    "a manager that filters": lambda thing, mark, c: [
        words(each.own_marks.all()) for each in c(thing.objects).prefetch_related("own_marks")
    ],
    "another manager, to_attr": lambda thing, mark, c: [
        words(each.found)
        for each in c(thing.objects).prefetch_related(
            Prefetch("own_marks", mark.everything.all(), to_attr="found")
        )
    ],
    "to_attr of a cached queryset": lambda thing, mark, c: [
        words(each.found)
        for each in c(thing.objects).prefetch_related(
            Prefetch("own_marks", c(mark.objects), to_attr="found")
        )
    ],
    "generic foreign key": lambda thing, mark, c: [
        str(each.target) for each in c(about_sky(mark)).prefetch_related("target")
    ],
    "generic foreign key and on": lambda thing, mark, c: [
        sorted(comet.name for comet in each.target.comets.all())
        for each in c(about_sky(mark).filter(word="bright")).prefetch_related("target__comets")
    ],
    "generic prefetch": lambda thing, mark, c: [
        str(each.target)
        for each in c(about_sky(mark)).prefetch_related(
            GenericPrefetch("target", [c(Star.objects), Comet.objects.all()])
        )
    ],
    "nested": lambda thing, mark, c: [
        [words(low.marks.all()) for low in top.down.all()]
        for top in c(thing.objects).order_by("id").prefetch_related("down__marks")
    ],
    "a prefetch in a prefetch": lambda thing, mark, c: [
        [words(low.marks.all()) for low in top.down.all()]
        for top in c(thing.objects)
        .order_by("id")
        .prefetch_related(Prefetch("down", c(thing.objects).prefetch_related("marks")))
    ],
    "the same name twice": lambda thing, mark, c: [
        each.up and (each.up.name, each.up.up)
        for each in c(thing.objects)
        .order_by("id")
        .prefetch_related(Prefetch("up", c(thing.objects).prefetch_related("up")))
    ],
    "a foreign key": lambda thing, mark, c: [
        comet.star.name for comet in c(Comet.objects).order_by("id").prefetch_related("star")
    ],
    "filtered and ordered": lambda thing, mark, c: [
        [each.name for each in star.comets.all()]
        for star in c(Star.objects)
        .order_by("id")
        .prefetch_related(Prefetch("comets", Comet.objects.filter(radius__gt=2).order_by("name")))
    ],
}

# What Django asks through the base manager of a model, which is its own here and caches nothing.
BY_BASE_MANAGER = {"generic foreign key": 2, "generic foreign key and on": 1, "a foreign key": 1}


@pytest.mark.parametrize("name", READS)
def test_the_answers_are_djangos_and_come_from_the_cache(redis: Any, marks: Any, name: str) -> None:
    thing, mark = marks, marks._meta.get_field("marks").related_model
    read = READS[name]
    truth = read(thing, mark, lambda rows: rows.all())
    assert read(thing, mark, lambda rows: rows.cached()) == truth
    with CaptureQueriesContext(connection) as asked:
        assert read(thing, mark, lambda rows: rows.cached()) == truth
    assert len(asked.captured_queries) == BY_BASE_MANAGER.get(name, 0)


def both(outer: Any, inner: Any) -> Any:
    return outer.order_by("id").prefetch_related(Prefetch("comets", inner))


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        (lambda: both(Star.objects.cached(), Comet.objects.all()), 0),
        (lambda: both(Star.objects.cached(), Comet.objects.cached()), 0),
        (lambda: both(Star.objects.cached(), Comet.objects.uncached()), 1),
        (lambda: both(Star.objects.cached(), Comet.objects.cached().uncached()), 1),
        (lambda: both(Star.objects.cached(), Comet.objects.uncached().cached()), 0),
        (lambda: both(Star.objects.all(), Comet.objects.cached()), 1),
        (lambda: both(Star.objects.uncached(), Comet.objects.all()), 2),
        (lambda: both(Star.objects.cached().uncached(), Comet.objects.all()), 2),
    ],
)
def test_each_queryset_says_for_itself_whether_it_is_cached(
    redis: Any, rows: Any, asked: int, django_assert_num_queries: Any
) -> None:
    truth = [[c.name for c in star.comets.all()] for star in rows()]
    with django_assert_num_queries(asked):
        assert [[c.name for c in star.comets.all()] for star in rows()] == truth


def test_a_prefetched_queryset_is_no_other_afterwards(redis: Any, events: list[Fetch]) -> None:
    inner = Comet.objects.order_by("id")
    for _ in range(2):
        list(both(Star.objects.cached(), inner))
    events.clear()
    list(inner)  # outside of any walk
    assert events == []


def test_what_is_prefetched_has_the_ttl_of_who_asks_or_its_classs(redis: Any) -> None:
    class Hasty(CacheAsideQuerySet[Any]):
        cache_ttl = 20

    list(both(Star.objects.cached(ttl=1000), Comet.objects.all()))
    assert {redis.ttl(key) > 800 for key in redis.keys("sql:*")} == {True}
    redis.flushdb()
    list(both(Star.objects.cached(), Hasty(Comet)))
    assert sorted(redis.ttl(key) < 25 for key in redis.keys("sql:*")) == [False, True]


def test_many_to_many_through_its_own_manager(redis: Any, django_assert_num_queries: Any) -> None:
    owl = Animal.objects.create(name="Owl")
    owl.tags.add(Tag.objects.create(word="b"), Tag.objects.create(word="a"))
    for queries in (2, 0):
        with django_assert_num_queries(queries):
            (found,) = Animal.objects.cached().prefetch_related("tags")
            assert words(found.tags.all()) == ["a", "b"]
    owl.tags.add(Tag.objects.create(word="c"))
    (found,) = Animal.objects.cached().prefetch_related("tags")
    assert words(found.tags.all()) == ["a", "b", "c"]


def test_an_error_on_the_way_leaves_no_walk_behind(redis: Any, events: list[Fetch]) -> None:
    with pytest.raises(AttributeError):
        list(Star.objects.cached().prefetch_related("nothing"))
    events.clear()
    list(Star.objects.all())
    assert events == []
