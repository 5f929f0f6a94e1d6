"""A compiled query is used again for an unchanged clone, and never for a changed one."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower
from django.test.utils import isolate_apps

from planets.cache import CacheAsideManager, stats
from planets.cache.orm.plans import plans
from tests.cache.zoo.models import Animal, Everything
from tests.cache.zoo.rows import parts
from tests.cache.zoo.shapes import READS

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_fetch_compiles_once_and_an_unchanged_clone_not_at_all(
    redis: Any, compiled: list[str]
) -> None:
    queryset = Animal.objects.cached().filter(weight=3)
    assert list(queryset.all()) == []  # a miss
    assert len(compiled) == 1
    for _ in range(3):
        assert list(queryset.all()) == list(queryset.all().all()) == []
    assert len(compiled) == 1


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_every_way_to_another_query_compiles_it(
    rows: None,
    read: Callable[[Any], Any],
) -> None:
    queryset = Everything.objects.cached()
    list(queryset.all())
    truth = parts(read(Everything.objects.all()))
    for _ in range(2):
        assert parts(read(queryset.all())) == truth
        assert parts(read(queryset)) == truth
        assert [row.pk for row in queryset.all()] == [row.pk for row in Everything.objects.all()]


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.add_q(Q(name="Owl")),
        lambda query: query.clear_ordering(force=True),
        lambda query: query.add_ordering("-name"),
        lambda query: query.set_limits(0, 1),
        lambda query: query.set_limits(1, None),
        lambda query: query.add_annotation(Lower("name"), "n"),
        lambda query: setattr(query, "distinct", True),
        lambda query: query.add_deferred_loading(["weight"]),
        lambda query: query.add_select_related(["mother"]),
        lambda query: (
            query.reverse_ordering()
            if hasattr(query, "reverse_ordering")
            else setattr(query, "standard_ordering", False)
        ),
        lambda query: query.set_empty(),
        lambda query: query.where.add(Q(weight=5).resolve_expression(query), "AND"),
        lambda query: query.add_extra({"two": "1 + 1"}, None, None, None, None, None),
    ],
)
def test_a_query_that_is_changed_in_place_is_compiled_anew(
    redis: Any, change: Callable[[Any], Any]
) -> None:
    for name, weight in (("Owl", 5), ("Eagle", 5), ("Emu", 50)):
        Animal.objects.create(name=name, weight=weight)

    def names(queryset: Any) -> list[Any]:
        return [vars(a).keys() - {"_state"} and (a.name, sorted(vars(a))) for a in queryset]

    for how in ("the queryset itself", "a clone", "the source of a clone"):
        plain, cached = Animal.objects.order_by("name"), Animal.objects.cached().order_by("name")
        list(cached.all())
        if how == "a clone":
            plain, cached = plain.all(), cached.all()
        change(plain.query)
        change(cached.query)
        if how == "the source of a clone":
            plain, cached = plain.all(), cached.all()
        assert names(cached) == names(plain), how


def test_a_plan_is_for_one_database_and_any_thread(redis: Any, compiled: list[str]) -> None:
    queryset = Animal.objects.cached().filter(weight__gt=1).order_by("id")
    Animal.objects.create(name="Owl", weight=2)
    list(queryset.all())
    seen: list[Any] = []

    def read() -> None:
        seen.append([animal.name for animal in queryset.all()])
        connections.close_all()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["Owl"]] * 4
    assert len(compiled) == 1


def test_a_plan_does_not_travel_in_a_pickle_or_a_deep_copy(redis: Any) -> None:
    queryset = Animal.objects.cached().annotate(double=F("weight") * 2)
    Animal.objects.create(name="Owl", weight=2)
    list(queryset.all())
    other: Any
    for other in (pickle.loads(pickle.dumps(queryset.query)), copy.deepcopy(queryset.query)):
        assert other.plan.compiler is None
        again = Animal.objects.cached()
        again.query = other
        assert again.filter(double=4).count() == 1


class Visitor(Func):
    """An expression of somebody's own: who asks, as a time zone or a tenant would be."""

    output_field = models.CharField()
    name = "Owl"

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        return "%s", [Visitor.name]


def test_what_compiles_to_other_parameters_for_each_visitor_is_compiled_for_each(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Owl", "Emu"):
        Animal.objects.create(name=name)
    queryset = Animal.objects.cached().filter(name=Visitor())
    for name in ("Owl", "Emu", "Owl"):
        monkeypatch.setattr(Visitor, "name", name)
        assert [animal.name for animal in queryset.all()] == [name]


def test_each_of_two_composite_keys_has_its_own_converters(redis: Any) -> None:
    app = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "zoo"})}
    with isolate_apps("tests.cache.zoo"):
        made: Any = [type("Hive", (models.Model,), {**app, "objects": CacheAsideManager()})]
        for name, part in (("Bee", models.BooleanField()), ("Cell", models.UUIDField())):
            fields = {"hive": models.ForeignKey(made[0], models.CASCADE), "part": part}
            key = models.CompositePrimaryKey("hive_id", "part")
            made.append(type(name, (models.Model,), {**app, **fields, "pk": key}))
        with connection.schema_editor() as editor:
            for model in made:
                editor.create_model(model)
    hive, bee, cell = made
    nest = hive.objects.create()
    bee.objects.create(hive=nest, part=True)
    cell.objects.create(hive=nest, part=uuid.UUID(int=1))
    for _ in range(2):
        assert list(hive.objects.cached().values_list("bee__pk", "cell__pk")) == [
            ((nest.pk, True), (nest.pk, uuid.UUID(int=1)))
        ]
    with connection.schema_editor() as editor:
        for model in reversed(made):
            editor.delete_model(model)


@pytest.mark.parametrize("held", [plans, stats])
def test_a_process_that_is_forked_while_a_lock_is_held_is_not_held_up(
    redis: Any, held: Any
) -> None:
    with held._lock:
        child = multiprocessing.get_context("fork").Process(
            target=lambda: (stats.counts(), Animal.objects.cached().query.get_compiler("default"))
        )
        child.start()
    child.join(10)
    child.kill()
    child.join()
    assert child.exitcode == 0
