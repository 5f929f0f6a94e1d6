"""The races of test_races.py on a Redis Cluster, where gates, entries and leases lie apart.

Those that are about a server which forgets are in tests/cache/storage/test_cluster_faults.py.
"""

from tests.support.on_a_cluster import primaries, redis  # noqa: F401  fixtures

from . import test_races
from .test_races import (  # noqa: F401
    test_a_user_hook_on_commit_sees_the_new_state,
    test_a_write_longer_than_its_deadline_closes_again_before_commit,
    test_r1_a_bulk_write_between_load_and_fill_of_a_record,
    test_r1_a_write_between_load_and_fill_of_a_query,
    test_r1_a_write_between_load_and_fill_of_a_record,
    test_r2_a_read_between_close_and_commit_is_not_kept,
    test_r3_a_read_between_commit_and_open_sees_what_was_committed,
    test_r4_an_old_snapshot_is_not_kept,
    test_r4_between_transactions_any_isolation_may_fill,
    test_r5_two_writers_and_a_filler_of_a_query,
    test_r5_two_writers_and_a_filler_of_a_record,
    test_r6_a_flush_between_gate_read_and_fill,
    test_r6_a_flush_while_a_write_is_in_flight,
    test_r8_a_refused_begin_leaves_nothing_behind,
    test_r9_a_holder_that_outlived_its_lease_cannot_store,
    test_r10_an_absence_and_a_creation_at_once,
    test_r12_a_savepoint_is_rolled_back_and_the_rest_commits,
    test_r13_a_save_of_two_tables_that_fails_in_the_second,
    test_r13_a_save_that_fails_after_its_statement,
    test_r14_clocks_of_two_clients_ten_minutes_apart,
    test_r15_a_kill_between_commit_and_open,
    test_r15_what_the_dead_left_closed_opens_at_its_deadline,
    test_two_writers_at_once_keep_the_gate_closed_until_the_last_one_ends,
    tokens,
)

pytestmark = test_races.pytestmark
