"""What the tests of a project that caches need.

    with assert_cached():                   every fetch within was a hit
    with assert_not_cached():               no fetch within was a hit
    with assert_round_trips(1):             Redis was asked once
    with fetches() as heard:                what was fetched, with outcome and reason
    with isolated():                        a key space of one's own, empty before and after
    with configured(NEAR=True):             another setting, and all the others as they are
    with disabled():                        no fetch asks the cache
    class CityTest(IsolatedCache, TransactionTestCase)

The fixtures of pytest that do the same are in plugin. All of it needs the Redis of CACHES; without
one, every fetch is a bypass.
"""

from ..reading.permission import disabled
from .fetching import assert_cached, assert_not_cached, fetches
from .isolation import IsolatedCache, configured, isolated
from .round_trips import assert_round_trips, round_trips

__all__ = [
    "IsolatedCache",
    "assert_cached",
    "assert_not_cached",
    "assert_round_trips",
    "configured",
    "disabled",
    "fetches",
    "isolated",
    "round_trips",
]
