"""How long the near tier may be trusted: from the sending of a ping that was answered."""

from __future__ import annotations

import os
import signal
import time

import pytest

from planets.cache.events import Fetch, fetched
from planets.cache.storage import clock
from planets.cache.storage.ear import SILENCE
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, by_record, rename
from tests.support.another_process import another_process
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def read(times: int) -> set[tuple[str, str]]:
    """What a stone was called, and where that was read, in so many reads."""
    seen: list[str] = []

    def hear(event: Fetch, **kwargs: object) -> None:
        seen.append(event.tier)

    fetched.connect(hear)
    names = [by_record() for _ in range(times)]
    fetched.disconnect(hear)
    return set(zip(names, seen, strict=True))


def pid() -> int:
    return os.getpid()


def test_a_process_that_was_stopped_serves_nothing_old_while_it_reads_what_was_pushed(
    own: Redis,
) -> None:
    with another_process(NEAR=True) as reader, own.client() as direct:
        wait_until(lambda: reader.do(read, 10) == {(OLD, "near")})
        number = reader.do(pid)
        os.kill(number, signal.SIGSTOP)
        os.waitid(os.P_PID, number, os.WSTOPPED)
        time.sleep(SILENCE)  # as long as it may trust what it knew before
        for _ in range(30):
            pipeline = direct.pipeline(transaction=False)
            for name in range(1000):
                pipeline.set(f"sql:noise{name}", "", ex=60)
            pipeline.execute()
        rename()
        os.kill(number, signal.SIGCONT)
        seen = reader.do(read, 3000)
        assert {name for name, _ in seen} == {NEW}
        wait_until(lambda: reader.do(read, 10) == {(NEW, "near")})


def test_the_clock_goes_on_while_the_machine_is_suspended() -> None:
    elapsed = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    assert time.clock_gettime(elapsed) <= clock.now() <= time.clock_gettime(elapsed)


def test_what_was_never_answered_is_not_trusted() -> None:
    assert not near.tracking.trusted(float("-inf"))
