"""What a write costs more where the database has replicas, and what a miss takes by each road.

    python -m tests.bench.replicas [mariadb|mysql]

A primary and a replica on loopback, one process. With and without are interleaved, so that whatever
else the machine does slows both alike. Only the ratios travel.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from ..support import servers
from ..support.primary import Primary

ROUNDS = 400
SAME_AS = {"replica": "default"}


@contextmanager
def ready(flavor: str) -> Iterator[Any]:
    with (
        Primary(flavor) as primary,
        Primary(flavor, server_id=2) as replica,
        servers.Redis() as redis,
    ):
        os.environ.update(
            DJANGO_SETTINGS_MODULE="tests.settings", TEST_SERVERS_ARE_UP="1",
            DB_HOST=primary.socket, DB_PORT="", DB_USER="root", DB_PASS="", DB_NAME="watched",
            REDIS_URL=redis.url,
            ENV_FILE="/dev/null", SECRET_KEY="only-for-tests", HTTPS="off",
        )  # fmt: skip
        import django

        django.setup()
        from tests.cache.zoo import sky
        from tests.support import replicated, watched

        pair = replicated.Pair(primary, replica)
        replicated.follow(pair)
        blocker = type("NoBlocker", (), {"unblock": staticmethod(nullcontext)})
        with watched.used(primary, blocker):
            replicated.migrate(pair)
            sky.fill()
            with replicated.used_replica("replica", replica):
                yield pair


def questions() -> int:
    """How many statements this session has sent to the primary."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])


def timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - started)


def writes() -> dict[str, Callable[[], Any]]:
    from django.db import transaction

    from tests.cache.zoo.models import Comet, Star

    numbers = iter(range(1, 10**9))

    def update() -> None:
        Star.objects.filter(pk=3).update(mass=next(numbers))

    def several() -> None:
        with transaction.atomic():
            update()
            Star.objects.filter(pk=4).update(mass=next(numbers))
            Comet.objects.filter(pk=1).update(radius=next(numbers))

    return {"an update": update, "a transaction of three": several}


def cost_of_writes() -> None:
    from django.test import override_settings

    for what, write in writes().items():
        times: dict[bool, list[float]] = {False: [], True: []}
        sent: dict[bool, int] = {}
        for number in range(2 * ROUNDS):
            on = bool(number % 2)
            with override_settings(CACHE_ASIDE={"HISTORY": 0, "SAME_AS": SAME_AS if on else {}}):
                if number < 20:
                    before = questions()
                    write()
                    sent[on] = questions() - before - 1
                else:
                    times[on].append(timed(write))
        off, on_ = (statistics.median(times[on]) for on in (False, True))
        print(
            f"{what:24} {off:6.3f} ms, {sent[False]} statements; with replicas {on_:6.3f} ms, "
            f"{sent[True]}; ratio {on_ / off:.2f}"
        )


def cost_of_misses(pair: Any) -> None:
    """A load of one row, after the gate's position changed: by the primary, by the replica."""
    from django.test import override_settings

    from tests.cache.zoo.models import Star

    update = writes()["an update"]
    with override_settings(CACHE_ASIDE={"HISTORY": 0, "SAME_AS": SAME_AS}):
        times: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            for how in ("default", "replica"):
                update()
                pair.wait_until_applied()
                read = Star.objects.using(how).cached().filter(pk=3).values_list("mass", flat=True)
                took = timed(lambda read=read: read[0])
                if number > 10:
                    times.setdefault(how, []).append(took)
    for how, found in times.items():
        print(f"a miss by {how:14} {statistics.median(found):6.3f} ms")


def cost_of_lag(pair: Any) -> None:
    """From the return of a write to its first fetch by the replica, while that applies."""
    from django.test import override_settings

    from tests.cache.zoo.models import Star

    update = writes()["an update"]
    with override_settings(CACHE_ASIDE={"HISTORY": 0, "SAME_AS": SAME_AS}):
        times = []
        for _ in range(ROUNDS):
            update()
            read = (
                Star.objects.using("replica").cached().filter(pk=3).values_list("mass", flat=True)
            )
            times.append(timed(lambda read=read: read[0]))
    print(
        f"a miss right after a write {statistics.median(times):6.3f} ms, "
        f"99 in 100 {statistics.quantiles(times, n=100)[98]:6.3f} ms"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.replicas", description=__doc__)
    parser.add_argument("flavor", nargs="?", default="mariadb", choices=["mariadb", "mysql"])
    with ready(parser.parse_args().flavor) as pair:
        cost_of_writes()
        cost_of_misses(pair)
        cost_of_lag(pair)
    return 0


if __name__ == "__main__":
    sys.exit(main())
