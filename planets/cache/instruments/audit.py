"""Is what is served what the database has? Of some hits that is found out, after they were served.

    1. A hit of CACHE_ASIDE["AUDIT"]'s share is put into a queue, with how to load it. Where the
       queue is full, it is not: the page never waits.
    2. A thread of its own loads it again, over a connection of its own.
    3. Where the rows differ it looks again. An entry that is still there, filled under the same
       generations and current, was not made stale by any write: it should never have been served.
    4. It loads once more: a query that answers twice in two ways proves nothing.

The finding is counted, logged and invalidated. Hits of queries and records are audited; what is
computed (pages, fragments, values) stands on the same gates, and is not computed again.
"""

from __future__ import annotations

import logging
import os
import queue
import random
from collections import Counter
from typing import Any, NamedTuple

from django.db import DatabaseError, connections
from msgspec.structs import replace

from .. import stats
from ..conf import conf
from ..invalidation import drop
from ..reading import path
from ..reading.late import PUNCTUAL
from ..reading.lookup import Forbidden, Found, Load, Lookup, Seen
from ..reading.replicas import from_primary
from ..storage.background import Background
from ..storage.errors import Unavailable
from ..storage.near import near

logger = logging.getLogger(__name__)

WAITING = 100  # hits; a burst of more is not audited
IDLE = 5.0  # seconds without work after which the thread ends, and its connections with it


class Hit(NamedTuple):
    """What was served, of which key, and what gives it again."""

    lookup: Lookup
    key: str
    found: Found
    load: Load


class Audit:
    def __init__(self) -> None:
        self.on = False
        self.renew()

    def renew(self) -> None:
        """After a fork: what waits is the parent's."""
        self.hits: queue.Queue[Hit] = queue.Queue(WAITING)
        self.background = Background("cache-aside audit", self.work)

    def start(self) -> None:
        if not self.on:
            self.on = True
            path.checkers.append(self.served)

    def stop(self) -> None:
        if self.on:
            self.on = False
            path.checkers.remove(self.served)

    def served(self, lookup: Lookup, seen: Seen, load: Load) -> None:
        """Choose some of the hits that were just served."""
        for key, found in seen.hits.items():
            if not found.late and self.chooses():  # what is late on purpose proves nothing
                one = replace(lookup, keys=(key,), late=PUNCTUAL)
                self.put(Hit(one, key, found, load))

    def chooses(self) -> bool:
        return random.random() < conf().AUDIT  # noqa: S311

    def put(self, hit: Hit) -> None:
        try:
            self.hits.put_nowait(hit)
        except queue.Full:
            stats.count("audit", "no room")
        self.background.ensure()

    def work(self) -> None:
        """What the thread does: audit, until there is nothing left."""
        try:
            while True:
                self.judge(self.hits.get(timeout=IDLE))
        except queue.Empty:
            return
        finally:
            connections.close_all()

    def judge(self, hit: Hit) -> str:
        """Compare, count, tell; returns the outcome."""
        try:
            outcome = self.compare(hit)
        except (Unavailable, Forbidden, DatabaseError) as error:
            logger.debug("A hit could not be audited: %s", error)
            outcome = "not possible"
        except Exception:  # of somebody's own field, or driver: this thread goes on
            logger.warning("A hit could not be audited", exc_info=True)
            outcome = "not possible"
        stats.count("audit", outcome)
        return outcome

    def compare(self, hit: Hit) -> str:
        """Raises Unavailable, Forbidden, and whatever a load raises."""
        lookup, key, found, _ = hit
        loaded = self.again(hit)
        if same(lookup, found.value, loaded):
            return "same"
        now = path.look(lookup).hits.get(key)
        if now is None or (now.generation, now.filled) != (found.generation, found.filled):
            return "written since"
        if not same(lookup, loaded, self.again(hit)):
            return "unsteady"
        seen = path.look(lookup)
        logger.error(
            "A hit was not what the database has, and no write explains it: key %s, filled under "
            "generations %s, which are now %s. Its SQL: %.2000s",
            key, ", ".join(found.generation), _now(lookup, seen), lookup.sql,
        )  # fmt: skip
        drop(key)
        near.drop([key])
        return "stale"

    def again(self, hit: Hit) -> Any:
        token = path.loading.set(hit.lookup)  # what it runs is no traffic of the site's
        try:
            with from_primary():  # a replica may have it later
                return hit.load(hit.lookup.keys)[hit.key]
        finally:
            path.loading.reset(token)


def same(lookup: Lookup, one: Any, other: Any) -> bool:
    """Equal; rows that no ORDER BY puts into an order may stand in any."""
    if one == other:
        return True
    rows = isinstance(one, list) and isinstance(other, list)
    if not rows or "ORDER BY" in lookup.sql.upper():
        return False
    return Counter(map(repr, one)) == Counter(map(repr, other))


def _now(lookup: Lookup, seen: Seen) -> str:
    return ", ".join(str(generation) for generation in seen.generations)


audit = Audit()
os.register_at_fork(after_in_child=audit.renew)
