"""Hunts for stale reads: processes read and write at random, chaos strikes, none may see the past.

    python -m tests.hunt --seconds 600 --seed 1

Each row that is written holds a number that only grows. A writer publishes it in memory that the
processes share, after its write has returned and its invalidation has landed. A reader notes what
is published, then fetches: a lower number is a stale read, a fraction was never committed, and
either is printed with the history before it and ends the run with status 1. With `--near` a reader
may be late by what the docs say: it is held to what was published a second ago. For a second and a
half after a failover there and back, of which connections that last hear by their next greeting,
what is read is not judged.

A writer that is killed publishes nothing; what it committed is published for it, unless Redis lost
its memory or its connections while that write ran, or could not be reached to close the gates.
Those kills are counted as not judged: two failures at once are a bound that the docs name.

With --served pages are asked of gunicorn, whose workers have each a memory of their own.

With --watched the last writer is a plain SQL client that is not Django, and the watcher of the
binlog runs, and is killed like the others. What that client wrote is published as soon as the
watcher has stored a position behind it.

With --cluster the cache lies on three primaries with a replica each: see cluster.py.

With --replica the readers' fetches are loaded from a replica of the database, which lags: see
replicas.py.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import MySQLdb

from ..support import servers
from ..support.primary import Primary
from ..support.redis_replica import follow
from .board import DEADLINE, GREETED, NEAR_LATENESS, OUTCOMES, Board, Diary, history

STALLED = 20  # seconds without a write after which the run is worth nothing
# To see that the hunter finds what there is to find: tests.support.interleave.without_<name>().
PROTECTIONS = ("closing", "opening", "generations", "lease_check", "recall", "waiting")


def start(target: Any, *args: Any) -> multiprocessing.process.BaseProcess:
    # Forked from a parent without threads or connections.
    process = multiprocessing.get_context("fork").Process(target=target, args=args, daemon=True)
    process.start()
    return process


class Hunt:
    def __init__(
        self,
        board: Board,
        seconds: float,
        seed: int,
        naive: str,
        *,
        watched: bool = False,
        replicated: bool = False,
    ) -> None:
        self.watched = watched
        self.board, self.seconds, self.seed, self.naive = board, seconds, seed, naive
        self.random = random.Random(seed)
        self.chaos: Counter[str] = Counter()
        self.diary = Diary(board, "chaos")
        self.disturbed = 0.0  # when Redis was last in trouble
        self.children: dict[int, multiprocessing.process.BaseProcess] = {}
        self.lives = 0
        self.mariadb: Any = Primary() if watched or replicated else servers.MariaDB()
        self.redis = servers.Redis(tcp=True, dbfilename="dump.rdb")
        self.servers = contextlib.ExitStack()  # those that a kind of hunt has besides
        self.replica: Any = None
        if replicated:
            from .replicas import LaggingReplica

            self.replica = LaggingReplica(self.mariadb)  # type: ignore[arg-type]  # it is one
            self.servers.enter_context(self.replica.server)
            board.replica = self.replica.server.socket
        self.told = 0
        # Processes that end when they are told to.
        self.watcher: multiprocessing.process.BaseProcess | None = None
        self.site: multiprocessing.process.BaseProcess | None = None

    # --- the run

    def run(self) -> int:
        import django

        django.setup()
        from . import readers, served

        readers.prepare(self.board)
        if self.board.is_served:
            self.site = start(served.serve, self.board.site)
            served.wait_until_served(self.board.site)
        for number in range(self.board.readers):
            start(readers.read_until_stopped, self.board, number, self.seed, self.naive)
        for number in self.insiders:
            self.begin_writer(number)
        if self.watched:
            from . import outside

            self.watcher = start(outside.watch)
            start(outside.write_until_stopped, self.board, self.seed)
        began = self.busy_at = time.monotonic()
        self.wrote = 0
        while time.monotonic() < began + self.seconds:
            time.sleep(self.random.uniform(0.1, 0.8))
            self.strike()
            self.tell()
            if wrote := sum(self.board.writes) > self.wrote:
                self.wrote, self.busy_at = wrote, time.monotonic()
            if time.monotonic() > self.busy_at + STALLED:
                print("nobody writes any more", flush=True)
                return 1
        self.board.stopping.value = 1
        for child in multiprocessing.active_children():
            if child not in (self.watcher, self.site):
                child.join(30)
        if self.site:
            served.end(self.site)
        self.tell()
        self.report(time.monotonic() - began)
        return 1 if sum(self.board.wrong) else 0

    @property
    def insiders(self) -> range:
        """The writers that are Django."""
        return range(self.board.writers - self.watched)

    def begin_writer(self, number: int) -> None:
        from . import writers

        self.lives += 1
        seed = self.seed * 1000 + self.lives
        self.children[number] = start(
            writers.write_until_stopped, self.board, number, seed, self.naive
        )

    # --- chaos

    def blows(self) -> list[Callable[[], None]]:
        """What may strike."""
        return [
            self.kill_a_writer, self.kill_a_writer_after_commit, self.cut_a_database_connection,
            self.flush, self.cut_connections, self.pause, self.restart,
            self.save_and_lose_what_follows, self.lose_everything,
            self.refuse_writes, self.be_slow, self.evict, self.fail_over_and_back,
            *([self.kill_the_watcher] if self.watched else []),
        ]  # fmt: skip

    def strike(self) -> None:
        blow = self.random.choice(self.blows() + (self.replica.blows() if self.replica else []))
        self.diary.note(blow.__name__)
        self.chaos[blow.__name__.replace("_", " ")] += 1
        blow()

    def kill_a_writer(self) -> None:
        number = self.random.choice(self.insiders)
        self.children[number].kill()
        self.bury(number)

    def kill_a_writer_after_commit(self) -> None:
        number = self.random.choice(self.insiders)
        self.board.condemned[number] = 1
        self.bury(number)

    def kill_the_watcher(self) -> None:
        from . import outside

        assert self.watcher
        self.watcher.kill()
        self.watcher.join()
        self.watcher = start(outside.watch)

    def bury(self, number: int) -> None:
        """Publish what the dead has committed, and begin another in its place."""
        board, victim = self.board, self.children[number]
        victim.join(STALLED)
        victim.kill()
        victim.join()
        board.condemned[number] = 0
        board.quiet.value = 1  # or the next write would hide what this one left
        with self.database() as database:
            self.wait_until_gone(database, board.connection[number])
            gone = time.monotonic()
            sound = board.closed[number] and self.disturbed < board.began[number]
            if sound and gone - board.began[number] < DEADLINE:
                self.chaos["of these judged"] += 1
                self.publish_for_the_dead(database, number)
            else:
                self.chaos["of these not judged"] += 1
        time.sleep(0.1)
        board.quiet.value = 0
        self.begin_writer(number)

    def publish_for_the_dead(self, database: Any, number: int) -> None:
        cursor = database.cursor()
        board, pks = self.board, self.board.owned(number)
        cursor.execute("SELECT id, mass FROM planet WHERE id <= 8")
        for pk, mass in cursor.fetchall():
            if pk in pks:
                board.planets[pk - 1] = mass
        cursor.execute("SELECT planet_id, radius FROM moon WHERE planet_id <= 8")
        for pk, radius in cursor.fetchall():
            if pk in pks:
                board.moons[pk - 1] = radius
        self.diary.note(f"published for writer {number}: {list(board.planets)}")

    def cut_a_database_connection(self) -> None:
        with self.database() as database:
            cursor = database.cursor()
            number = self.board.connection[self.random.choice(self.insiders)]
            try:
                cursor.execute(f"KILL {number}")
            except Exception:
                self.diary.note(f"connection {number} was gone")

    def flush(self) -> None:
        with self.redis.client() as client:
            client.flushall()
        self.disturbed = time.monotonic()

    def cut_connections(self) -> None:
        with self.redis.client() as client:
            client.execute_command("CLIENT KILL TYPE normal")
        self.disturbed = time.monotonic()

    def pause(self) -> None:
        self.redis.pause()
        time.sleep(self.random.uniform(0.05, 1))
        self.redis.resume()
        self.disturbed = time.monotonic()

    def restart(self) -> None:
        """With all that it knew."""
        with self.redis.client() as client:
            client.save()
        self.redis.stop(signal.SIGTERM)
        time.sleep(self.random.uniform(0, 0.5))
        self.redis.start()
        self.disturbed = time.monotonic()

    def save_and_lose_what_follows(self) -> None:
        """As a failover to a replica that lags does."""
        with self.redis.client() as client:
            client.save()
        time.sleep(self.random.uniform(0.05, 0.5))
        self.redis.stop(signal.SIGKILL)
        self.redis.start()
        self.disturbed = time.monotonic()

    def fail_over_and_back(self) -> None:
        """To a replica and back: what was written meanwhile is lost, and connections last.

        Who is on one notices with its next greeting, as the docs say; until then it is pardoned.
        """
        with servers.Redis(tcp=True) as other, other.client() as b, self.redis.client() as a:
            follow(b, self.redis)
            b.replicaof("NO", "ONE")
            time.sleep(self.random.uniform(0.05, 0.3))
            self.board.pardoned.value = float("inf")
            follow(a, other)
            a.replicaof("NO", "ONE")
        self.disturbed = time.monotonic()
        lateness = NEAR_LATENESS if self.board.near else 0
        self.board.pardoned.value = self.disturbed + GREETED + lateness

    def lose_everything(self) -> None:
        self.redis.stop(signal.SIGKILL)
        (self.redis.directory / "dump.rdb").unlink(missing_ok=True)
        self.redis.start()
        self.disturbed = time.monotonic()

    def refuse_writes(self) -> None:
        """As a primary does that has lost its replicas: it goes on to serve reads."""
        with self.configured(min_replicas_to_write=1):
            time.sleep(self.random.uniform(0.05, 2))

    def be_slow(self) -> None:
        for _ in range(8):
            self.redis.pause()
            time.sleep(self.random.uniform(0.05, 0.2))
            self.redis.resume()
            time.sleep(0.01)
        self.disturbed = time.monotonic()

    def evict(self) -> None:
        """Hardly anything fits, so any key may go at any time."""
        with self.configured(maxmemory=1, maxmemory_policy="allkeys-random"):
            time.sleep(self.random.uniform(0.05, 1))

    @contextlib.contextmanager
    def configured(self, **options: Any) -> Iterator[None]:
        """The Redis is configured so for a while. Writes meanwhile are in trouble."""
        with self.redis.client(decode_responses=True) as client:
            names = {name.replace("_", "-"): value for name, value in options.items()}
            before = {name: client.config_get(name)[name] for name in names}
            for name, value in names.items():
                client.config_set(name, value)
            yield
            for name, value in before.items():
                client.config_set(name, value)
        self.disturbed = time.monotonic()

    # --- the database, behind Django's back

    def database(self) -> Any:
        return contextlib.closing(
            MySQLdb.connect(
                unix_socket=self.mariadb.socket, user="root", database="planets", autocommit=True
            )
        )

    def wait_until_gone(self, database: Any, number: int) -> None:
        cursor = database.cursor()
        while cursor.execute(
            "SELECT 1 FROM information_schema.processlist WHERE id = %s", [number]
        ):
            cursor.fetchall()
            time.sleep(0.002)

    # --- what came of it

    def tell(self) -> None:
        """Print what the readers found since, with its history."""
        for path in sorted(self.board.folder.glob("wrong-*")):
            lines = path.read_text().splitlines()
            for line in lines:
                self.told += 1
                if self.told <= 5:
                    print(f"\n{line}\nBefore it:", flush=True)
                    print(*history(self.board, float(line.split()[0]))[-60:], sep="\n", flush=True)
            path.unlink()

    def report(self, seconds: float) -> None:
        board, outcomes = self.board, Counter[str]()
        for number, count in enumerate(board.outcomes):
            outcomes[OUTCOMES[number % len(OUTCOMES)]] += count
        fetches = sum(outcomes.values())
        shares = ", ".join(f"{name} {outcomes[name] / max(1, fetches):.1%}" for name in OUTCOMES)
        print(
            f"{seconds:.0f} s, seed {self.seed}, {board.readers} readers, {board.writers} writers"
            + (", near" if board.near else "")
            + (", hot columns" if board.hot else "")
            + (", a replica" if board.replica else "")
            + (f", {sum(board.served):,} pages from gunicorn" if board.is_served else "")
        )
        print(f"fetches      {fetches:,}: {shares}")
        print(f"writes       {sum(board.writes):,}, {sum(board.owed):,} of them owed for a while")
        print("chaos        " + ", ".join(f"{n} {c}" for n, c in sorted(self.chaos.items())))
        print(f"stale reads  {sum(board.wrong)}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hunt", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--near", action="store_true", help="with the near tier")
    parser.add_argument("--hot", action="store_true", help="with hot columns")
    parser.add_argument("--naive", choices=PROTECTIONS, default="", help="switch a protection off")
    parser.add_argument("--watched", action="store_true", help="one writer more, not of Django")
    parser.add_argument("--served", action="store_true", help="pages over HTTP, from gunicorn")
    parser.add_argument("--cluster", action="store_true", help="on a Redis Cluster")
    parser.add_argument("--replica", action="store_true", help="read a database that lags")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hunt-") as folder:
        writers = options.writers + options.watched
        board = Board(
            options.readers, writers, Path(folder),
            near=options.near, hot=options.hot, is_served=options.served,
        )  # fmt: skip
        kind = Hunt
        if options.cluster:
            from .cluster import ClusterHunt

            kind = ClusterHunt
        hunt = kind(
            board, options.seconds, options.seed, options.naive,
            watched=options.watched, replicated=options.replica,
        )  # fmt: skip
        with hunt.mariadb, hunt.redis, hunt.servers:
            os.environ.pop("TEST_SERVERS_ARE_UP", None)
            os.environ.update(
                DJANGO_SETTINGS_MODULE="tests.settings",
                TEST_DATABASE="mysql",
                TEST_DB_HOST=hunt.mariadb.socket,
                TEST_DB_PORT="",
                TEST_DB_USER="root",
                TEST_DB_PASS="",
                TEST_DB_NAME="planets",
                TEST_REDIS_URL=hunt.redis.url,
            )
            try:
                return hunt.run()
            finally:
                for child in multiprocessing.active_children():
                    child.kill()
                    child.join()


if __name__ == "__main__":
    sys.exit(main())
