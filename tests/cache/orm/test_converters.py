"""Converters are found out once for each connection, and keep none that its thread has left."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models.sql.compiler import SQLCompiler

from planets.cache.orm.plans import plans
from planets.cache.orm.rows_by_key import RowsByKey
from tests.cache.zoo.models import Everything

pytestmark = pytest.mark.django_db(transaction=True)

by_key = RowsByKey(Everything, ["boolean", "datetime"])
READS: list[Callable[[], Any]] = [
    lambda: list(Everything.objects.cached().filter(integer=1)),
    lambda: by_key.load(DEFAULT_DB_ALIAS, [1]),
]


@pytest.mark.parametrize("read", READS)
def test_they_keep_no_connection_of_a_thread_that_has_ended(
    redis: Any, read: Callable[[], Any]
) -> None:
    Everything.objects.create(integer=1, boolean=True)
    plans.clear()
    left: list[Any] = []

    def work() -> None:
        for _ in range(3):
            read()
        left.append(weakref.ref(connections[DEFAULT_DB_ALIAS]))
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    gc.collect()
    assert [ref() for ref in left] == [None]


@pytest.mark.parametrize("read", READS)
def test_they_are_found_out_once(
    redis: Any, read: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Everything.objects.create(integer=1, boolean=True)
    asked: list[Any] = []
    get_converters = SQLCompiler.get_converters

    def counted(self: Any, expressions: Any) -> Any:
        asked.append(expressions)
        return get_converters(self, expressions)

    for _ in range(3):
        read()
    vars(connections[DEFAULT_DB_ALIAS]).pop("cache_aside_converters", None)
    monkeypatch.setattr(SQLCompiler, "get_converters", counted)
    for _ in range(3):
        read()
    assert len(asked) == 1
