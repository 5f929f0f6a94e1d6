"""Unwatched means uncached: where writes are not heard, nothing is served and nothing is filled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection

from planets.cache import fetch, remember
from planets.cache.events import Fetch
from planets.cache.writing import hooks
from tests.cache.zoo.models import Keeper, Visitor
from tests.support.program import Program, set_up

pytestmark = pytest.mark.django_db(transaction=True)

READS: dict[str, Callable[[], Any]] = {
    "queryset": lambda: list(Keeper.objects.cached().values_list("name", flat=True)),
    "record": lambda: Visitor.records.get(1).name,  # type: ignore[union-attr]
    "fetch": lambda: fetch("SELECT name FROM zoo_keeper"),
}


@pytest.fixture
def deaf(redis: Any) -> Iterator[None]:
    """This thread's connection as it is when somebody has emptied its execute_wrappers."""
    Keeper.objects.create(name="Ann")
    Visitor.objects.create(pk=1, name="Ann")
    redis.flushdb()
    kept = connection.execute_wrappers[:]
    connection.execute_wrappers.clear()
    yield
    connection.execute_wrappers[:] = kept


def messages() -> list[str]:
    return [str(m.msg) for m in run_checks() if m.id == "cache_aside.E007"]


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_an_unwatched_connection_fills_nothing(
    redis: Any, events: list[Fetch], deaf: None, read: Callable[[], Any]
) -> None:
    read()
    assert redis.keys() == []
    assert [(event.outcome, event.reason) for event in events] == [("bypass", hooks.UNWATCHED)]


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_an_unwatched_connection_is_served_nothing(
    redis: Any, events: list[Fetch], read: Callable[[], Any]
) -> None:
    Keeper.objects.create(name="Ann")
    Visitor.objects.create(pk=1, name="Ann")
    truth = read()
    kept = connection.execute_wrappers[:]
    connection.execute_wrappers.clear()
    try:
        # Unheard, as the layer would hear of it only by the wrapper.
        Keeper.objects.update(name="Anna")
        Visitor.objects.update(name="Anna")
        assert "Anna" in str(read())
    finally:
        connection.execute_wrappers[:] = kept
    assert "Anna" not in str(truth)
    assert [event.outcome for event in events] == ["miss", "bypass"]


def test_a_wrapper_beside_ours_does_not_matter(redis: Any, events: list[Fetch]) -> None:
    Keeper.objects.create(name="Ann")
    with connection.execute_wrapper(lambda execute, *args: execute(*args)):
        READS["queryset"]()
    READS["queryset"]()
    assert [event.outcome for event in events] == ["miss", "hit"]


def test_it_is_logged_once(
    deaf: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_told", set())
    with caplog.at_level(logging.ERROR, "planets.cache"):
        for read in READS.values():
            read()
            read()
    assert [record.getMessage() for record in caplog.records] == [
        "Nothing is cached: a database connection is not watched, so its writes would leave old "
        "entries behind. Put the cache's app into INSTALLED_APPS."
    ]


def test_the_check_names_the_connection(deaf: None) -> None:
    assert messages() == ["The connection 'default' is open, and not watched."]


def test_a_connection_that_is_not_open_is_no_news(deaf: None) -> None:
    connection.close()
    connection.execute_wrappers.append(connection.cache_aside_execute)
    assert messages() == []


# --- without the app


@pytest.fixture
def without_app(redis: Any) -> Iterator[Program]:
    """A program that has imported cached() and forgotten the line in INSTALLED_APPS."""
    Keeper.objects.create(name="Ann")
    Visitor.objects.create(pk=1, name="Ann")
    redis.flushdb()
    with Program() as program:
        program(set_up(INSTALLED_APPS=["tests.cache.zoo"], CACHES=settings.CACHES))
        program("from tests.cache.zoo.models import *")
        program("from planets.cache import fetch, fetched")
        program(
            "heard = []\n"
            "def hear(event, **kwargs):\n"
            "    heard.append((event.outcome, event.reason))\n"
            "fetched.connect(hear)"
        )
        yield program


def test_without_the_app_nothing_is_cached(redis: Any, without_app: Program) -> None:
    assert without_app("[str(keeper.name) for keeper in Keeper.objects.cached()]") == ["Ann"]
    assert without_app("Visitor.records.get(1).name") == "Ann"
    assert without_app("fetch('SELECT name FROM zoo_keeper')") == [{"name": "Ann"}]

    assert redis.keys() == []
    assert without_app("heard") == [["bypass", hooks.UNWATCHED]] * 3


def test_without_the_app_nothing_is_served(redis: Any, without_app: Program) -> None:
    for read in READS.values():
        read()
    without_app("Keeper.objects.update(name='Anna')")
    assert without_app("Keeper.objects.cached().get().name") == "Anna"
    assert without_app("heard") == [["bypass", hooks.UNWATCHED]]


def test_without_the_app_nothing_that_was_computed_is_stored(
    redis: Any, without_app: Program
) -> None:
    """Nobody hears what it reads, so nobody could tell what it depends on."""
    without_app("from planets.cache import remember")
    count = "remember('keepers', lambda: Keeper.objects.count())"
    assert without_app(count) == 1  # before any connection is open

    without_app("Keeper.objects.create(name='Ben')")

    assert without_app(count) == 2
    assert redis.keys() == []
    assert without_app("heard") == [["bypass", hooks.UNWATCHED]] * 2


def test_what_is_computed_over_an_unwatched_connection_is_not_stored(
    redis: Any, events: list[Fetch]
) -> None:
    kept = connection.execute_wrappers[:]

    def compute() -> int:
        connection.execute_wrappers.clear()
        return Keeper.objects.count()

    try:
        remember("keepers", compute)
    finally:
        connection.execute_wrappers[:] = kept
    assert redis.keys("value:*") == []
    assert [event.reason for event in events] == [hooks.UNWATCHED]


def test_without_the_app_the_check_names_who_can_be_cached(without_app: Program) -> None:
    without_app("from django.core.checks import run_checks")
    found = without_app("[(m.id, m.msg, m.hint) for m in run_checks(databases=[])]")
    (number, message, hint), *others = found
    assert number == "cache_aside.E007"
    assert message.startswith("zoo.Animal, zoo.Bird, zoo.Comet and ")
    assert message.endswith(
        " more would use the cache, and 'planets.cache' is not in INSTALLED_APPS."
    )
    assert "add 'planets.cache' there" in hint
    assert others == []


def test_an_app_config_of_ones_own_must_call_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_installed", False)
    assert apps.is_installed("planets.cache")
    assert messages() == ["'planets.cache' is in INSTALLED_APPS, and its ready() has not run."]


def test_our_middleware_without_the_app_is_told_of() -> None:
    name = "planets.cache.instruments.cache_status.CacheStatusMiddleware"
    with Program() as program:
        program(set_up(INSTALLED_APPS=["django.contrib.contenttypes"], MIDDLEWARE=[name]))
        program("import planets.cache; from django.core.checks import run_checks")
        (message,) = program("[m.msg for m in run_checks(databases=[])]")
    assert message.startswith(f"{name} would use the cache")


def test_who_caches_nothing_needs_no_app() -> None:
    with Program() as program:
        program(set_up(INSTALLED_APPS=["django.contrib.contenttypes"]))
        program("import planets.cache; from django.core.checks import run_checks")
        assert program("[m.id for m in run_checks(databases=[])]") == []
