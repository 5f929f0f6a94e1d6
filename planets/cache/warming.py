"""Filling the cache before visitors come: all records, and what the site names in READS.

Records come first and pages last, for pages are made from what is warm by then.

What is warm already is only looked at, so to run it again is to go on where it ended.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from itertools import islice
from queue import SimpleQueue
from typing import Any

from django.db import connections

from . import reads
from .conf import conf
from .events import Fetch, fetched
from .records import BY_TABLE
from .storage.client import client
from .storage.errors import Unavailable
from .visit import Visitor

BATCH = 100  # records of one round trip

Job = Callable[[], Any]


@dataclass
class Warmed:
    """Fetches by what came of them. Workers add to it at once, hence the lock."""

    warm: int = 0  # were there
    filled: int = 0
    missed: Counter[str] = field(default_factory=Counter)  # by reason: they are not in the cache
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def hear(self, event: Fetch, **kwargs: Any) -> None:
        """Receiver of `fetched`."""
        with self._lock:
            if event.outcome == "hit":
                self.warm += 1
            elif event.outcome == "miss" and not event.reason:
                self.filled += 1
            else:
                self.missed[event.reason or event.cause] += 1

    def as_dict(self) -> dict[str, Any]:
        return {"warm": self.warm, "filled": self.filled, "missed": dict(self.missed)}


def record_jobs() -> Iterator[Job]:
    """The records of every table that has them, BATCH at a time."""
    for records in BY_TABLE.values():
        pks = records.model._default_manager.order_by("pk").values_list("pk", flat=True).iterator()
        while batch := list(islice(pks, BATCH)):
            yield partial(records.get_many, batch)


def read_jobs() -> Iterator[Job]:
    """What the site itself wants warmed."""
    yield from reads.warmed()


def page_jobs(hosts: Sequence[str] = ()) -> Iterator[Job]:
    """The pages that the site names, each as a visitor of every host gets it."""
    for host in hosts or ("",):
        for address in reads.pages():
            yield partial(_visit, host, address)


def _visit(host: str, address: str) -> None:
    if (status := Visitor(host).get(address)) >= HTTPStatus.BAD_REQUEST:
        raise reads.NothingToRead(
            f"The page {address!r} answers {status}: take it out of pages() in "
            f"{conf().READS!r}, or mend it."
        )


def count_jobs(hosts: Sequence[str] = ()) -> dict[str, int]:
    """How many jobs there will be, about: rows come and go."""
    counts = (records.model._default_manager.count() for records in BY_TABLE.values())
    return {
        "records": sum(-(-count // BATCH) for count in counts),
        "queries": reads.warmed_count(),
        "pages": sum(1 for _ in reads.pages()) * max(1, len(hosts)),
    }


JOBS: dict[str, Callable[[], Iterator[Job]]] = {
    "records": record_jobs,
    "queries": read_jobs,
    "pages": page_jobs,
}


def warm(jobs: Iterable[Job], *, workers: int) -> Iterator[Warmed]:
    """Run the jobs, `workers` at a time; yields the tally so far whenever one has ended.

    Raises Unavailable as soon as Redis is away, and whatever a job raises.
    """
    tally = Warmed()
    todo: SimpleQueue[Job | None] = SimpleQueue()
    done: SimpleQueue[Exception | None] = SimpleQueue()
    threads = [threading.Thread(target=_work, args=(todo, done)) for _ in range(workers)]
    fetched.connect(tally.hear)
    for thread in threads:
        thread.start()
    try:
        under_way = 0
        for job in jobs:
            # A job waits for each worker, and no more: a million rows are not queued up.
            if under_way == 2 * workers:
                yield _next(done, tally)
                under_way -= 1
            todo.put(job)
            under_way += 1
        for _ in range(under_way):
            yield _next(done, tally)
    finally:
        for _ in threads:
            todo.put(None)
        for thread in threads:
            thread.join()
        fetched.disconnect(tally.hear)


def _next(done: SimpleQueue[Exception | None], tally: Warmed) -> Warmed:
    if error := done.get():
        raise error
    if client.away:
        raise Unavailable(client.breaker.reason or "it went while the cache was warmed")
    return tally


def _work(todo: SimpleQueue[Job | None], done: SimpleQueue[Exception | None]) -> None:
    try:
        while job := todo.get():
            try:
                job()
            except Exception as error:
                done.put(error)
            else:
                done.put(None)
    finally:
        connections.close_all()  # this thread's own
