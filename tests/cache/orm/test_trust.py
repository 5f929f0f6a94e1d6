"""What is remembered of a query with a field or a function of somebody's own: by what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower
from django.test.utils import isolate_apps
from django.utils import translation

from planets.cache import CacheAsideManager
from planets.cache.orm.fingerprint import fingerprint
from planets.cache.reading.plain import is_plain
from tests.support.tables import tables_of

pytestmark = pytest.mark.django_db(transaction=True)


class OurKey(models.BigAutoField):
    def db_type(self, connection: Any) -> Any:
        return super().db_type(connection)


class Fact(models.FloatField):
    def contribute_to_class(self, *args: Any, **kwargs: Any) -> None:
        self.help_text = "In km."
        super().contribute_to_class(*args, **kwargs)

    def deconstruct(self) -> Any:
        return super().deconstruct()


class Sealed(models.CharField):
    """Its values in the database are no words."""

    def from_db_value(self, value: Any, *args: Any) -> Any:
        return value and value[::-1]

    def get_prep_value(self, value: Any) -> Any:
        return value and value[::-1]


class Translated(models.CharField):
    """`English|Deutsch` in the database, one of them in Python."""

    def select_format(self, compiler: Any, sql: str, params: Any) -> Any:
        part = 2 if translation.get_language() == "de" else 1
        return f"CASE WHEN {part} = 1 THEN {sql} ELSE UPPER({sql}) END", [*params, *params]


class Declared(Sealed):
    cache_aside_plain = True


class OfDeclared(Declared):
    """It inherits what was said."""


class Taken(OfDeclared):
    """It does more than what was said."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value)


class Quiet(Lower):
    """It has another name."""


class Loud(Lower):
    def as_mysql(self, *args: Any, **kwargs: Any) -> Any:
        return super().as_sql(*args, **kwargs)


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        *((models.CharField, True), (OurKey, True), (Fact, True), (Sealed, False)),
        *((Translated, False), (Declared, True), (OfDeclared, True), (Taken, False)),
        *((Lower, True), (Quiet, True), (Loud, False), (dict, False), (object, False)),
    ],
)
def test_a_class_is_told_by_what_it_overrides(kind: type, plain: bool) -> None:
    assert is_plain(kind) is plain


def model(name: str, field: Any) -> Any:
    return type(
        name,
        (models.Model,),
        {
            "__module__": __name__,
            "Meta": type("Meta", (), {"app_label": "zoo"}),
            "id": OurKey(primary_key=True),
            "value": field,
            "objects": CacheAsideManager(),
        },
    )


@pytest.fixture
def apart() -> Iterator[None]:
    with isolate_apps("tests.cache.zoo"):
        yield


def test_a_query_on_fields_like_djangos_is_not_compiled_anew(
    redis: Any, apart: None, compiled: list[str]
) -> None:
    fact = model("Height", Fact())
    with tables_of(fact):
        fact.objects.create(value=1.5)
        reads: list[Any] = [
            lambda: [row.value for row in fact.objects.cached().filter(value__gt=1)],
            lambda: fact.objects.cached().get(pk=1).value,
            lambda: list(fact.objects.cached().order_by(F("value").desc()).values_list("value")),
        ]
        first = [read() for read in reads]
        assert [read() for read in reads] == first
        compiled.clear()
        assert [read() for read in reads] == first
        assert compiled == []
        fact.objects.update(value=2.5)
        assert reads[1]() == 2.5


@pytest.mark.parametrize("field", [Sealed(max_length=9), Translated(max_length=9)], ids=str)
def test_what_makes_its_own_values_has_no_fingerprint(apart: None, field: Any) -> None:
    own = model("Own", field)
    other = model("Other", models.ForeignKey(own, models.CASCADE))
    for queryset in (
        own.objects.cached(),  # its columns are selected without being named
        own.objects.cached().filter(pk=1),
        own.objects.cached().values("value"),
        other.objects.cached().select_related("value"),
        other.objects.cached().filter(value__value="a"),
        other.objects.cached().filter(value__in=own.objects.filter(value="a")),
    ):
        assert fingerprint(queryset.query) is None
    assert fingerprint(other.objects.cached().filter(pk=1).query) is not None


def test_each_language_has_its_own_answer(redis: Any, apart: None) -> None:
    word = model("Word", Translated(max_length=9))
    with tables_of(word):
        word.objects.create(value="earth")
        for language in ("en", "en", "en", "de", "de", "en"):
            with translation.override(language):
                truth = word.objects.get().value
                assert [row.value for row in word.objects.cached()] == [truth]
                assert word.objects.cached().get(pk=1).value == truth


def test_a_secret_lies_in_redis_as_in_the_database(redis: Any, apart: None) -> None:
    diary = model("Diary", Sealed(max_length=20))
    with tables_of(diary):
        diary.objects.create(value="my secret")
        for _ in range(3):
            assert [row.value for row in diary.objects.cached()] == ["my secret"]
            assert diary.objects.cached().get(value="my secret").value == "my secret"
        stored = [redis.connection_pool, *redis.keys("sql:*")]
        assert len(stored) > 2
        with redis.__class__.from_url("unix://" + path_of(redis)) as raw:
            everything = b"".join(raw.get(key) for key in stored[1:])
    assert b"terces ym" in everything
    assert b"my secret" not in everything


def path_of(redis: Any) -> str:
    return str(redis.connection_pool.connection_kwargs["path"])
