"""Which tests of Django's suite cannot pass here. None of the reasons is a wrong value."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch

# By fnmatch. A test that fails with commits and without the cache, too, need not be listed.
KNOWN: dict[str, tuple[str, ...]] = {
    "it counts calls of an inner part of Django's, and each read is made in four ways": (
        "queries.test_iterator.QuerySetIteratorTests.test_default_iterator_chunk_size",
        "queries.test_iterator.QuerySetIteratorTests.test_iterator_chunk_size",
        "prefetch_related.tests.*PrefetchRelatedTests.test_filter_deferred",
        "prefetch_related.tests.CustomPrefetchTests.test_filter_deferred",
        "multiple_database.tests.QueryTestCase.test_refresh_router_instance_hint",
    ),
    "it looks for what Django notes on a query as it compiles it, and copies are compiled": (
        "queries.tests.Queries1Tests.test_tickets_2076_7256",
    ),
    "Django cannot compile two copies of a union in values_list() that is ordered by another": (
        "queries.test_qs_combinators.QuerySetSetOperationTests.test_union_multiple_models_with_*",
        "queries.test_qs_combinators.QuerySetSetOperationTests.test_union_with_values_list_and_*",
    ),
    "it lists the methods of a manager, which has cached() and uncached() here": (
        "basic.tests.ManagerTest.test_manager_methods",
    ),
    "it measures how long something takes, on a machine that does other things": (
        "serializers.test_deserialization.TestDeserializer.test_crafted_xml_performance",
    ),
}


def reason(test: str) -> str:
    """Why it is known to fail; "" where it is not."""
    return next((why for why, names in KNOWN.items() if _matches(test, names)), "")


def _matches(test: str, names: Iterable[str]) -> bool:
    return any(fnmatch(test, name) for name in names)
