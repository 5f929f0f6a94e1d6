"""Django's and redis-py's inner parts that the layer relies on: an upgrade that changes one of them
fails here, by its name."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.base import ModelState
from django.db.models.query_utils import DeferredAttribute
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.http import HttpRequest
from django.test import RequestFactory
from redis.connection import Connection, ConnectionPool

from planets.cache.orm import plans
from planets.cache.writing import hooks
from tests.cache.zoo.models import Comet, Star


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


# --- the connection: writing/hooks


@pytest.mark.parametrize("name", hooks.WRAPPED)
def test_a_connection_has_the_methods_that_are_wrapped(name: str) -> None:
    assert callable(getattr(BaseDatabaseWrapper, name))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        *("alias", "vendor", "autocommit", "in_atomic_block", "needs_rollback", "execute_wrappers"),
        *("settings_dict", "connection"),
    ],
)
def test_a_connection_has_the_attributes_that_are_read(name: str) -> None:
    connection.ensure_connection()
    assert hasattr(connection, name)


def test_an_execute_wrapper_is_handed_five_things() -> None:
    """execute, sql, params, many, context."""
    from django.db.backends.utils import CursorWrapper

    source = inspect.getsource(CursorWrapper._execute_with_wrappers)
    assert "executor(sql, params, many, context)" in source
    assert "functools.partial(wrapper, executor)" in source
    assert 'context = {"connection": self.db, "cursor": self}' in source


@pytest.mark.django_db
def test_the_driver_tells_of_transactions() -> None:
    names = {
        "mysql": ("get_autocommit", "get_server_info", "more_results"),
        "sqlite": ("in_transaction", "isolation_level"),
    }
    connection.ensure_connection()
    for name in names[connection.vendor]:
        assert hasattr(connection.connection, name)
    with connection.cursor() as cursor:
        assert callable(cursor.close)


# --- the query and its compiler: orm


@pytest.mark.parametrize("part", plans._PARTS.__reduce__()[1])  # what attrgetter was given
def test_a_query_has_the_parts_that_mark_it(part: str) -> None:
    query: Any = Star.objects.cached().query
    assert hasattr(query, part)


def test_every_method_that_changes_a_query_in_place_changes_what_marks_it() -> None:
    """A new attribute of Query would be one that no mark and no fingerprint knows."""
    known = {
        *plans._PARTS.__reduce__()[1],
        *("model", "alias_refcount", "alias_map", "alias_cols", "external_aliases", "table_map"),
        *("used_aliases", "filter_is_sticky", "subquery", "contains_aggregate"),
        *("select_for_update_nowait", "select_for_update_skip_locked", "select_for_update_of"),
        *("select_for_no_key_update", "max_depth", "combinator_all", "annotations"),
        *("_filtered_relations", "has_select_fields", "base_table", "identity"),
        *("lifetime", "plan", "mark", "sought", "_annotation_select_cache", "_lookup_joins"),
        *("settled", "told"),
    }
    names = set(vars(Star.objects.cached().filter(pk=1).query))
    assert names <= known, names - known


@pytest.mark.parametrize(
    ("method", "given"),
    [
        (SQLCompiler.execute_sql, ["self", "result_type", "chunked_fetch", "chunk_size"]),
        (SQLCompiler.get_converters, ["self", "expressions"]),
        (SQLCompiler.apply_converters, ["self", "rows", "converters"]),
        (Query.get_compiler, ["self", "using", "connection", "elide_empty"]),
        (Query.chain, ["self", "klass"]),
        (QuerySet.__init__, ["self", "model", "query", "using", "hints"]),
        (QuerySet._check_ordering_first_last_queryset_aggregation, ["self", "method"]),
        (QuerySet._fetch_all, ["self"]),
        (QuerySet._prefetch_related_objects, ["self"]),
    ],
)
def test_a_method_takes_what_ours_passes_on(method: Any, given: list[str]) -> None:
    assert parameters(method) == given


def test_what_a_queryset_has_is_known() -> None:
    """A new attribute may be one that Django changes in place, as the hints: see Step.here()."""
    known = {
        *("model", "_db", "_hints", "_query", "_result_cache", "_sticky_filter", "_for_write"),
        *("_prefetch_related_lookups", "_prefetch_done", "_known_related_objects", "_fields"),
        *("_iterable_class", "_defer_next_filter", "_deferred_filter", "_fetch_mode"),
        "_cloning_enabled",
    }
    names = set(vars(QuerySet(Star)))
    assert names <= known, names - known
    assert isinstance(QuerySet.query, property)
    assert isinstance(QuerySet.ordered, property)


@pytest.mark.django_db
def test_a_compiler_tells_how_rows_become_instances() -> None:
    compiler: Any = Comet.objects.select_related("star").query.get_compiler("default")
    compiler.as_sql()
    info = compiler.klass_info
    assert info["model"] is Comet
    assert info["related_klass_infos"][0]["model"] is Star
    assert (compiler.col_count, compiler.has_extra_select) == (None, False) or compiler.col_count
    assert isinstance(compiler.select, list)


def test_an_instance_is_its_state_and_its_dict() -> None:
    assert {"adding", "db"} <= {name for name in dir(ModelState) if not name.startswith("_")}
    assert isinstance(inspect.getattr_static(Star, "name"), DeferredAttribute)
    names = parameters(models.Model.from_db)
    assert names[:3] == ["db", "field_names", "values"]
    assert set(names[3:]) <= {"fetch_mode"}


# --- the request: pages


def test_a_request_can_be_watched() -> None:
    request: HttpRequest = RequestFactory().get("/", headers={"X-Own": "1"})
    assert {"META", "environ"} <= vars(request).keys()
    request.__dict__["headers"] = {"X-Own": "2"}  # a cached property
    assert request.headers["X-Own"] == "2"


# --- redis-py: storage/wire, storage/tracking


@pytest.mark.parametrize(
    "name",
    [
        *("send_packed_command", "read_response", "can_read", "disconnect"),
        *("register_connect_callback", "deregister_connect_callback", "connect", "send_command"),
    ],
)
def test_a_connection_to_redis_has_the_methods_that_are_used(name: str) -> None:
    assert callable(getattr(Connection, name))


def test_a_pool_lends_connections_and_takes_them_back() -> None:
    assert callable(ConnectionPool.get_connection)
    assert callable(ConnectionPool.release)
    pool = ConnectionPool()
    assert {"connection_kwargs", "connection_class", "max_connections"} <= set(dir(pool))
