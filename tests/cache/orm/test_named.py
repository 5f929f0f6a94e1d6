"""A read by name is built once for the same arguments, and never stands for another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.test import override_settings
from django.test.utils import CaptureQueriesContext, isolate_apps

from planets.cache import CacheAsideQuerySet, named
from tests.support.tables import tables_of

pytestmark = pytest.mark.django_db(transaction=True)

built: list[Any] = []


class Shelf(CacheAsideQuerySet[Any]):
    @named
    def listed(self, *, least: Any = 0, sort: str = "id") -> Any:
        built.append((least, sort))
        return self.cached().filter(pages__gte=least).order_by(sort)

    @named
    def plainly(self) -> Any:
        built.append("plainly")
        return self.filter(pages=1)


class Other(Shelf):
    """The same reads of another class."""


@pytest.fixture
def book(redis: Any) -> Iterator[Any]:
    built.clear()
    with isolate_apps("tests.cache.zoo"):
        attributes: dict[str, Any] = {
            "__module__": __name__,
            "Meta": type("Meta", (), {"app_label": "zoo"}),
            "pages": models.IntegerField(),
            "objects": models.Manager.from_queryset(Shelf)(),
            "others": models.Manager.from_queryset(Other)(),
        }
        made: Any = type("Book", (models.Model,), attributes)
    with tables_of(made):
        made.objects.bulk_create([made(pages=n) for n in (1, 2, 3)])
        yield made


def pages(queryset: Any) -> list[int]:
    return [row.pages for row in queryset]


def test_the_same_arguments_build_nothing(book: Any) -> None:
    for _ in range(4):
        assert pages(book.objects.listed(least=2)) == [2, 3]
        assert pages(book.objects.listed(least=2, sort="-id")) == [3, 2]
    assert built == [(2, "id"), (2, "-id")]
    book.objects.create(pages=4)
    assert pages(book.objects.listed(least=2)) == [2, 3, 4]


def test_what_is_equal_and_not_the_same_is_another(book: Any) -> None:
    for least in (1, True, "1"):
        assert pages(book.objects.listed(least=least)) == [1, 2, 3]
    assert built == [(1, "id"), (True, "id"), ("1", "id")]


@pytest.mark.parametrize(
    "other",
    [
        lambda book: book.others.listed(),
        lambda book: book.objects.using("default").listed(),
        lambda book: book.objects.filter(pages=2).listed(),
        lambda book: book.objects.distinct().listed(),
        lambda book: book.objects.values("pages").listed(),
        lambda book: book.objects.listed(least=models.F("id")),
    ],
)
def test_another_queryset_class_or_alias_is_built_anew(book: Any, other: Any) -> None:
    list(book.objects.listed())
    list(other(book))
    assert len(built) == 2


def test_a_change_of_settings_builds_anew(book: Any) -> None:
    list(book.objects.listed())
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        list(book.objects.listed())
    assert len(built) == 2


def test_what_a_caller_does_to_his_own_is_not_the_next_ones(book: Any) -> None:
    for _ in range(3):
        mine = book.objects.listed()
        mine.query.add_q(models.Q(pages=3))
        mine.query.clear_ordering(force=True)
        assert pages(mine) == [3]
        assert pages(book.objects.listed().filter(pages=2)) == [2]
        assert pages(book.objects.listed()) == [1, 2, 3]


def test_what_is_not_cached_is_built_once_and_asked_each_time(book: Any) -> None:
    for _ in range(3):
        assert pages(book.objects.plainly()) == [1]
    assert built == ["plainly"]
    with CaptureQueriesContext(connection) as asked:
        assert pages(book.objects.plainly()) == [1]
    assert len(asked) == 1
