"""The races of what is computed, on a Redis Cluster: its gates and records lie on every node."""

from tests.support.on_a_cluster import primaries, redis  # noqa: F401  fixtures

from . import test_computed_races
from .test_computed_races import (  # noqa: F401
    test_a_browser_is_not_told_that_nothing_has_changed,
    test_a_flush_while_it_is_computed,
    test_a_kill_between_commit_and_open,
    test_a_read_between_commit_and_open,
    test_a_savepoint_that_is_rolled_back,
    test_a_write_between_load_and_fill,
    test_a_write_between_two_reads,
    test_a_write_while_an_inner_one_is_filled,
    test_generations_are_asked_before_the_read,
    test_what_is_not_committed_is_seen_by_its_writer_alone,
)

pytestmark = test_computed_races.pytestmark
