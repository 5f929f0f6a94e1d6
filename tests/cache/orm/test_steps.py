"""A queryset that is built by the same steps again is the same, and nobody else's."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import models
from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.sql import Query
from django.test import override_settings
from django.test.utils import isolate_apps

from planets.cache import CacheAsideQuerySet
from planets.cache.orm import steps
from planets.cache.orm.steps import step_of
from tests.cache.zoo.models import Animal, Everything
from tests.support.tables import tables_of

pytestmark = pytest.mark.django_db(transaction=True)

# A step is kept at second sight: so often until the longest here is known from end to end.
OFTEN = 9


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which parts of a query Django builds."""
    built: list[str] = []
    with monkeypatch.context() as patch:
        for name in ("add_q", "add_ordering", "set_limits", "clone", "add_fields"):
            whole = getattr(Query, name)

            def part(
                self: Any, *args: Any, _whole: Any = whole, _name: str = name, **kw: Any
            ) -> Any:
                built.append(_name)
                return _whole(self, *args, **kw)

            patch.setattr(Query, name, part)
        yield built


@pytest.fixture
def animals(redis: Any) -> None:
    steps.clear()
    owl = Animal.objects.create(name="Owl", weight=1)
    for weight in (2, 3, 4):
        Animal.objects.create(name="Emu", weight=weight, mother=owl)


READS: dict[str, Callable[[Any], Any]] = {
    "list": lambda rows: list(rows.filter(weight__gt=1).exclude(weight=3).order_by("-id")[:2]),
    "get": lambda rows: rows.get(weight=2),
    "get with Q": lambda rows: rows.get(Q(weight=2) & ~Q(name="Owl")),
    "first": lambda rows: rows.filter(weight__gt=1).first(),
    "last": lambda rows: rows.order_by("weight").last(),
    "one of them": lambda rows: rows.order_by("weight")[1],
    "every other": lambda rows: rows.order_by("weight")[0:4:2],
    "count": lambda rows: rows.filter(name="Emu").count(),
    "exists": lambda rows: rows.filter(name="Emu").exists(),
    "none": lambda rows: rows.filter(name="Emu").none().count(),
    "aggregate": lambda rows: rows.filter(name="Emu").aggregate(n=Count("id")),
    "values": lambda rows: list(rows.order_by("id").values("name", "weight")),
    "tuples": lambda rows: list(rows.order_by("id").values_list("name", "weight")),
    "flat": lambda rows: list(rows.order_by("id").values_list("name", flat=True)),
    "named tuples": lambda rows: list(rows.order_by("id").values_list("name", named=True)),
    "distinct": lambda rows: list(rows.values_list("name").distinct().order_by("name")),
    "joined": lambda rows: [r.mother and r.mother.name for r in rows.select_related("mother")],
    "prefetched": lambda rows: [len(r.children.all()) for r in rows.prefetch_related("children")],
    "only": lambda rows: [r.get_deferred_fields() for r in rows.only("name").order_by("id")],
    "defer": lambda rows: [r.get_deferred_fields() for r in rows.defer("name").order_by("id")],
    "reverse": lambda rows: list(rows.order_by("id").reverse()),
    "annotated": lambda rows: [r.n for r in rows.annotate(n=Count("children")).order_by("id")],
    "by an F": lambda rows: list(rows.annotate(w=F("weight") + Value(1)).filter(w=3)),
    "union": lambda rows: rows.filter(weight=1).union(rows.filter(weight=2)).count(),
    "either": lambda rows: len(rows.filter(weight=1) | rows.filter(weight=2)),
    "in bulk": lambda rows: sorted(rows.in_bulk([1, 2, 3, 4])),
    "contains": lambda rows: rows.filter(weight=1).contains(rows.get(weight=1)),
    "latest": lambda rows: rows.latest("weight"),
    "ordered": lambda rows: (rows.ordered, rows.order_by("id").ordered),
    "iterator": lambda rows: list(rows.order_by("id").iterator()),
    "subquery": lambda rows: rows.filter(pk__in=rows.filter(weight=1).values("pk")).count(),
    "a relation": lambda rows: rows.get(weight=1).children.filter(weight=2).count(),
    "by an instance": lambda rows: rows.filter(mother=rows.get(weight=1)).count(),
    "all": lambda rows: list(rows.filter(weight=1).all().all()),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("rows", [lambda: Animal.objects.cached(), lambda: Animal.objects.all()])
def test_it_gives_what_django_gives(animals: None, rows: Any, read: Callable[[Any], Any]) -> None:
    truth = repr(read(QuerySet(Animal)))
    for _ in range(OFTEN):
        assert repr(read(rows())) == truth
    Animal.objects.filter(name="Emu").update(weight=F("weight") + 1, name="Owl")
    truth = repr(_or_error(read, QuerySet(Animal)))
    for _ in range(2):
        assert repr(_or_error(read, rows())) == truth


def _or_error(read: Callable[[Any], Any], rows: Any) -> Any:
    try:
        return read(rows)
    except (Animal.DoesNotExist, Animal.MultipleObjectsReturned) as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", ["list", "get", "first", "count", "exists", "values", "joined"])
def test_nothing_is_built_again(animals: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if hasattr(QuerySet, "fetch_mode") and name not in ("count", "exists"):
        pytest.skip("Django with fetch modes makes the instances itself, of a query of its own")
    for _ in range(OFTEN):
        READS[name](Animal.objects.cached())
    with counted(monkeypatch) as built:
        READS[name](Animal.objects.cached())
    assert built == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"integer": 1}, {"integer": True}),
        ({"real": 0.0}, {"real": -0.0}),
        ({"decimal": Decimal("1.0")}, {"decimal": Decimal("1.00")}),
        ({"integer__in": [1, 2]}, {"integer__in": [2, 1]}),
        ({"integer__in": [1]}, {"integer__in": (1,)}),
        (
            {"datetime": dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)},
            {"datetime": dt.datetime(2024, 1, 1, 13, tzinfo=dt.timezone(dt.timedelta(hours=1)))},
        ),
    ],
)
def test_what_is_equal_and_not_the_same_is_another_step(
    redis: Any, one: dict[str, Any], other: dict[str, Any]
) -> None:
    for wanted in (one, other) * OFTEN:
        rows = Everything.objects.cached().filter(**wanted)
        assert str(rows.query) == str(QuerySet(Everything).filter(**wanted).query)
        (lookup,) = rows.query.where.children
        (as_djangos,) = QuerySet(Everything).filter(**wanted).query.where.children
        assert repr(lookup.rhs) == repr(as_djangos.rhs)  # type: ignore[union-attr]


def test_what_a_caller_does_to_his_query_is_not_the_next_ones(animals: None) -> None:
    def owls() -> Any:
        return Animal.objects.cached().filter(weight=1)

    for _ in range(OFTEN):
        assert [animal.name for animal in owls()] == ["Owl"]
    mine = owls()
    mine.query.where.children[0].rhs = 2
    assert [animal.name for animal in mine] == ["Emu"]
    mine = owls()
    mine.query.add_q(Q(name="Emu"))
    mine.query.clear_ordering(force=True)
    assert list(mine) == []
    mine = owls()
    mine.query = Query(Animal)
    assert mine.count() == 4
    mine = owls()
    mine._hints["x"] = mine._known_related_objects["x"] = 1
    assert owls()._hints == owls()._known_related_objects == {}
    assert [animal.name for animal in owls()] == ["Owl"]


def test_what_was_changed_in_place_is_at_no_step(animals: None) -> None:
    for _ in range(OFTEN):
        rows = Animal.objects.cached().filter(weight=1)
        assert list(rows)
    assert step_of(rows) is None  # it has a result
    rows = Animal.objects.cached().filter(weight=1)
    assert step_of(rows) is not None
    rows._for_write = True
    assert step_of(rows) is None
    rows = Animal.objects.cached().filter(weight=1)
    rows.of_somebody = "else"
    assert step_of(rows) is None
    rows = Animal.objects.cached().filter(weight=1)
    assert rows.query is rows.query
    assert step_of(rows) is None


def test_a_copy_has_a_query_of_its_own(animals: None) -> None:
    for _ in range(OFTEN):
        rows = Animal.objects.cached().filter(weight=1)
        names = [[a.name for a in made] for made in (copy.deepcopy(rows), copy.copy(rows), rows)]
        assert names == [["Owl"]] * 3
        (revived,) = pickle.loads(pickle.dumps(Animal.objects.cached().filter(weight=1)))
        assert revived.name == "Owl"
        pickled: Any = pickle.loads(pickle.dumps(Animal.objects.cached().filter(weight=1).query))
        again = Animal.objects.all()
        again.query = pickled
        assert [animal.name for animal in again] == ["Owl"]


def test_an_error_comes_where_django_raises_it(animals: None) -> None:
    for _ in range(OFTEN):
        with pytest.raises(FieldError):
            Animal.objects.cached().filter(wings=2)
        with pytest.raises(TypeError):
            Animal.objects.cached()[:1].filter(weight=2)
        with pytest.raises(ValueError, match="Negative indexing"):
            Animal.objects.cached()[-1]
        with pytest.raises(TypeError):
            Animal.objects.cached()["a"]  # type: ignore[call-overload]


class Louder(CacheAsideQuerySet[Any]):
    """A class that builds in its own way: what a method of its own asks may be another's."""

    tenant = 1

    def filter(self, *args: Any, **kwargs: Any) -> Any:
        return super().filter(Q(pages=Louder.tenant), *args, **kwargs)


class Mixed:
    def order_by(self, *names: str) -> Any:
        return super().order_by(*names)[: Louder.tenant]


class WithMixin(Mixed, CacheAsideQuerySet[Any]):
    """The same from a class that is no queryset."""


class Ours(CacheAsideQuerySet[Any]):
    """One that only adds to it."""

    def of_tenant(self) -> Any:
        return self.filter(pages=Louder.tenant)


class OfTenant(models.Manager.from_queryset(Ours)):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(pages=Louder.tenant)


@pytest.fixture
def book(redis: Any) -> Iterator[Any]:
    with isolate_apps("tests.cache.zoo"):
        attributes: dict[str, Any] = {
            "__module__": __name__,
            "Meta": type("Meta", (), {"app_label": "zoo"}),
            "pages": models.IntegerField(),
            **{
                kind.__name__.lower(): models.Manager.from_queryset(kind)()
                for kind in (Louder, WithMixin, Ours)
            },
            "of_tenant": OfTenant(),
        }
        made: Any = type("Book", (models.Model,), attributes)
    with tables_of(made):
        made.ours.bulk_create([made(pages=n) for n in (1, 2, 3)])
        yield made


@pytest.mark.parametrize(
    "read",
    [
        lambda book: [b.pages for b in book.louder.cached().filter()],
        lambda book: [book.louder.cached().get().pages],
        lambda book: [b.pages for b in book.withmixin.cached().order_by("-pages")][-1:],
        lambda book: [b.pages for b in book.ours.cached().of_tenant()],
        lambda book: [b.pages for b in book.of_tenant.cached()],
        lambda book: [book.of_tenant.cached().get().pages],
        lambda book: [b.pages for b in book.of_tenant.filter(pages__gt=0).cached()],
    ],
)
def test_what_a_method_of_somebodys_own_asks_is_asked_each_time(book: Any, read: Any) -> None:
    for _ in range(3):
        for Louder.tenant in (1, 2):
            for _ in range(OFTEN):
                expected = [4 - Louder.tenant] if "withmixin" in read.__code__.co_names else None
                assert read(book) == (expected or [Louder.tenant])


def test_settings_are_part_of_what_was_built(redis: Any) -> None:
    def read() -> str:
        noon = dt.date(2024, 1, 1)
        return str(Everything.objects.cached().filter(datetime__date=noon).query)

    usual = [read() for _ in range(OFTEN)]
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        rows = [read() for _ in range(OFTEN)]
        assert set(rows) == {
            str(QuerySet(Everything).filter(datetime__date=dt.date(2024, 1, 1)).query)
        }
    assert len(set(usual)) == 1


def test_only_what_comes_again_is_kept_and_only_so_much(
    animals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for weight in range(200):
        list(Animal.objects.cached().filter(weight=weight))
    kept = len(steps._steps)
    assert kept < 10
    for weight in range(3 * steps.MAX_STEPS):
        for _ in range(3):
            Animal.objects.cached().filter(weight=weight)
    assert kept < len(steps._steps) <= steps.MAX_STEPS


def test_threads_share_steps(animals: None) -> None:
    begin, wrong = threading.Barrier(4), list[Any]()

    def read() -> None:
        from django.db import connection

        begin.wait()
        for number in range(200):
            weight = number % 4 + 1
            found = [
                a.weight for a in Animal.objects.cached().filter(weight=weight).order_by("id")[:3]
            ]
            if found != [weight]:
                wrong.append(found)
        connection.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_aggregate_is_known_at_a_step(animals: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> Any:
        rows = Animal.objects.cached().filter(name="Emu")
        return rows.aggregate(Count("id"), heaviest=models.Max("weight"))

    for _ in range(OFTEN):
        assert read() == {"id__count": 3, "heaviest": 4}
    with counted(monkeypatch) as built:
        assert read() == {"id__count": 3, "heaviest": 4}
    assert built == []
