"""The races of test_replica_races.py on a Redis Cluster: gates lie apart, each with its own run.

Those of a failover in their middle are in test_replica_races_at_a_failover.py.
"""

from tests.support.on_a_cluster import primaries, redis  # noqa: F401  fixtures

from . import test_replica_races
from .test_replica_races import (  # noqa: F401
    other,
    test_a_replica_that_catches_up_in_time_is_waited_for,
    test_a_replica_that_has_caught_up_is_read,
    test_a_replica_that_lags_is_not_read,
    test_p1_a_write_that_the_replica_has_not_applied,
    test_p2_a_fill_that_began_before_the_write,
    test_p2_a_fill_that_looked_before_the_write_and_loads_after_it,
    test_p3_of_two_of_whom_one_knows_no_position_the_gate_keeps_none,
    test_p3_two_writers_of_whom_the_earlier_one_opens_last,
    test_p4_a_writer_that_is_killed_between_commit_and_open,
    test_p5_a_position_of_before_a_failover_gives_way_to_the_primarys_own,
    test_p5_after_a_flush_nothing_is_known,
    test_p5_what_has_no_position_is_the_primarys_and_gets_one,
    test_p6_of_a_replica_that_has_caught_up_it_is_kept,
    test_p6_what_is_made_of_a_plain_read_of_a_replica_that_lags_is_not_kept,
    test_what_only_another_table_waits_for_is_read_of_the_replica,
    urlpatterns,
)

pytestmark = test_replica_races.pytestmark
