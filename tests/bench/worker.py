"""One contender in a process of its own, driven by lines of JSON.

A request is [name, *arguments] of a method of Worker; the reply is its result.
"""

from __future__ import annotations

import datetime
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
django.setup()

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, models

from planets.cache.storage.near import near

from .contenders import CONTENDERS, KEYS
from .models import TABLES, create_rows

WARM_UP = 50  # reads
# Gates of no table, each written once; its name ends with when.
PUSHED, PUSHES = "gen:pushed", 100


def text(value: Any) -> str:
    """A value as every contender can give it: a text, for some have no types."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime.datetime):
        return str(value.replace(tzinfo=None))
    return str(int(value) if isinstance(value, bool) else value)


def plain(answer: Any) -> Any:
    """An answer in one shape for all contenders."""
    if isinstance(answer, bytes):
        answer = json.loads(answer)
    if isinstance(answer, (list, tuple)):
        return [plain(row) for row in answer]
    if isinstance(answer, models.Model):
        row = {field.attname: getattr(answer, field.attname) for field in answer._meta.fields}
        for name, related in answer._state.fields_cache.items():
            row[f"{name}_name"] = related.name
        answer = row
    if isinstance(answer, dict):
        return {text(name): text(value) for name, value in answer.items() if value is not None}
    return text(answer)


class Worker:
    def __init__(self, contender: Any) -> None:
        self.contender = contender
        # Never used before, in this run or by an entry of an earlier one.
        self.fresh = itertools.count(1)
        self.redis: Any = redis.Redis.from_url(settings.REDIS_URL)

    def offers(self) -> list[str]:
        names = dir(self.contender)
        return [name for name in names if callable(getattr(self.contender, name, None))]

    def setup(self) -> str:
        return " ".join((type(self.contender).__doc__ or "").split())

    def answer(self, work: str) -> Any:
        """What the work gives, twice: from the database at first, and then as a hit.

        With it, how many statements the second time took.
        """
        do = getattr(self.contender, work)
        loaded = [plain(do(n)) for n in range(KEYS)]
        statements: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            statements.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            hits = [plain(do(n)) for n in range(KEYS)]
        return [loaded, hits], len(statements)

    def hits(self, work: str, calls: int) -> float:
        """Microseconds a call, with every entry there."""
        do = getattr(self.contender, work)
        for n in range(KEYS):
            do(n)
        return self.timed(do, [n % KEYS for n in range(calls)])

    def fresh_calls(self, work: str, calls: int) -> float:
        """Microseconds a call, each with a number never used before."""
        return self.timed(getattr(self.contender, work), [next(self.fresh) for _ in range(calls)])

    def stale_calls(self, work: str, calls: int) -> float:
        """Microseconds a call, each after what it reads was written."""
        do, before = getattr(self.contender, work), getattr(self.contender, f"before_{work}")
        took = 0.0
        for _ in range(calls):
            before()
            took += self.timed(do, [0])
        return took / calls

    def timed(self, do: Callable[[int], Any], numbers: list[int]) -> float:
        started = time.perf_counter()
        for n in numbers:
            do(n)
        return (time.perf_counter() - started) / len(numbers) * 1e6

    def invalidation(self, entries: int) -> float:
        """Microseconds to make so many current entries unreachable."""
        self.contender.invalidate()  # its connections and imports
        self.redis.flushdb()
        self.copies(entries)
        for _ in range(WARM_UP):  # to be as awake as a process that serves pages
            self.contender.count(0)
        started = time.perf_counter()
        self.contender.invalidate()
        return (time.perf_counter() - started) * 1e6

    def push(self, busy: bool) -> float:
        """Microseconds from another process's write until this one knows of it: p99 of PUSHES."""
        took: list[float] = []
        all_heard, stop = threading.Event(), threading.Event()
        drop = near.drop

        def dropped(names: Any) -> None:
            drop(names)
            now = time.monotonic_ns()
            took.extend(now - int(name.rpartition(":")[2]) for name in names if PUSHED in name)
            if len(took) == PUSHES:
                all_heard.set()

        def serve() -> None:
            while not stop.is_set():
                self.contender.list_8_kept(0)
            connections.close_all()

        server = threading.Thread(target=serve, daemon=True)
        with mock.patch.object(near.tracking, "_changed", dropped):
            if busy:
                server.start()
            command = [sys.executable, "-m", "tests.bench.pusher", settings.REDIS_URL]
            subprocess.run([*command, PUSHED, str(PUSHES)], check=True)
            if not all_heard.wait(timeout=10):
                raise RuntimeError(f"of {PUSHES} pushes {len(took)} arrived within 10 s")
            stop.set()
            if busy:
                server.join()
        return statistics.quantiles(took, n=100)[-1] / 1000

    def copies(self, entries: int) -> None:
        """One real entry, of the count that the written row is part of, under so many names."""
        band = int(self.contender.written.band)
        before = set(self.redis.keys())
        self.contender.count(band)
        self.contender.count(band)
        # The entry is the largest new string; sets and gates are what it hangs on.
        strings = [
            key for key in set(self.redis.keys()) - before if self.redis.type(key) == b"string"
        ]
        entry = max(strings, key=self.redis.strlen)
        value = self.redis.get(entry)
        sets = [key for key in self.redis.scan_iter() if self.redis.type(key) == b"set"]
        names = [b"%s%08d" % (entry[:-8], n) for n in range(entries - 1)]
        for start in range(0, len(names), 5000):
            batch = names[start : start + 5000]
            pipeline = self.redis.pipeline(transaction=False)
            for name in batch:
                pipeline.set(name, value, ex=3600)
            for key in sets:
                if self.redis.sismember(key, entry):
                    pipeline.sadd(key, *batch)
            pipeline.execute()

    def memory(self, work: str, entries: int) -> float:
        """Bytes of Redis an entry, with all that is kept beside it."""
        do = getattr(self.contender, work)
        self.redis.flushdb()
        for n in range(entries):
            do(n)
        return (
            sum(self.redis.memory_usage(key, samples=0) for key in self.redis.scan_iter()) / entries
        )

    def throughput(self, work: str, threads: int, calls: int) -> float:
        """Calls a second, all threads together."""
        do = getattr(self.contender, work)
        ready = threading.Barrier(threads + 1)
        errors: list[BaseException] = []

        def run() -> None:
            try:
                for n in range(KEYS):
                    do(n)
                ready.wait()
                for n in range(calls):
                    do(n % KEYS)
            except BaseException as error:
                errors.append(error)
                ready.abort()
            finally:
                connections.close_all()

        crew = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
        for thread in crew:
            thread.start()
        ready.wait()
        started = time.perf_counter()
        for thread in crew:
            thread.join()
        elapsed = time.perf_counter() - started
        if errors:
            raise errors[0]
        return threads * calls / elapsed


def prepare() -> None:
    """The database of a run: the site's tables and data, and the bench's own."""
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        for model in TABLES:
            editor.create_model(model)
    create_rows()


def main() -> None:
    name = settings.CONTENDER
    if sys.argv[1:] == ["prepare"]:
        prepare()
        return
    worker = Worker(CONTENDERS[name]())
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(worker, method)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
