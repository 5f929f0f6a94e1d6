"""What test_foresight.py says, on a Redis Cluster: leases, entries and gates lie apart."""

from tests.support.on_a_cluster import primaries, redis  # noqa: F401  fixtures

from . import test_foresight
from .test_foresight import (  # noqa: F401
    missed,
    test_a_miss_after_a_miss_waits_for_one_round_trip,
    test_a_record_too,
    test_after_one_that_met_a_writer,
    test_behind_a_closed_gate_no_lease_is_kept,
    test_gates_that_are_gone_are_opened_under_the_same_lease,
    test_many_records_of_which_some_are_there,
    test_what_another_is_loading_is_waited_for,
    test_what_is_there_is_served_and_the_lease_given_back,
)

pytestmark = test_foresight.pytestmark
