"""Where no thread can be started, a page does without what a thread would have done for it."""

from __future__ import annotations

import resource
import threading
from pathlib import Path

import pytest

from planets.cache.storage.client import client
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.another_process import another_process
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

MIB = 2**20


def run_out_of_threads() -> None:
    """No room for the stack of one more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    room = pages * resource.getpagesize() + 200 * MIB
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    threading.stack_size(512 * MIB)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        threading.Thread(target=print).start()


def have_threads_again() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    threading.stack_size(0)


def standing() -> tuple[bool, int, bool]:
    """Whether Redis is left alone, what is owed, and whether anything recovers or follows."""
    works = [client.breaker.recovery, client.pace.recovery, near.tracking.thread]
    return client.away, client.debt, any(works)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it reads Linux's /proc")
@pytest.mark.parametrize("near_tier", [False, True], ids=["", "near"])
def test_pages_and_writes_do_without(
    own: Redis,
    near_tier: bool,
) -> None:
    with another_process(NEAR=near_tier) as process:
        process.do(run_out_of_threads)
        assert process.do(both) == process.do(both) == {OLD}
        own.stop()
        for _ in range(4):
            assert process.do(both) == {OLD}
        process.do(rename)
        assert process.do(both) == {NEW}
        away, debt, works = process.do(standing)
        assert away
        assert debt
        assert not works
        own.start()
        assert process.do(both) == {NEW}

        # The next one who asks tries again.
        process.do(have_threads_again)
        wait_until(lambda: process.do(both) == {NEW} and process.do(standing)[:2] == (False, 0))
