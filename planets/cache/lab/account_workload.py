"""The account of statements as a workload: what was asked for, and what was written, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import merge

from ..instruments.account.ledger import Ledger
from ..instruments.account.line import Line
from ..instruments.account.runs import SECOND
from .evidence import moments
from .workload import Event, NoWorkload, Workload

MOST = 1_000_000  # events


def from_account(ledger: Ledger, sizes: Sequence[int]) -> Workload:
    """Of the parameter sets that the account has a log of. Raises NoWorkload."""
    events: list[Event] = []
    live: dict[str, dict[str, int]] = defaultdict(dict)  # by table: keys that are filled, and sizes
    for at, line, key in _calls(ledger):
        seconds = (at - ledger.began) / SECOND
        if line.kind == "write":
            tables = [live.pop(table, {}) for table in line.tables]
            gone = {name: size for filled in tables for name, size in filled.items()}
            events += [Event(seconds, name, True, size) for name, size in gone.items()]
            continue
        size = line.bytes // line.sizes if line.bytes else sizes[key % len(sizes)]
        events.append(Event(seconds, f"{key:08x}", False, max(size, 1)))
        for table in line.tables:
            live[table][f"{key:08x}"] = max(size, 1)
        if len(events) > MOST:
            raise NoWorkload(f"The account has more than {MOST:,} events: lower --since.")
    if not any(not event.write for event in events):
        raise NoWorkload(
            "The account has no call of a SELECT: CACHE_ASIDE['ADVICE'] keeps it, and the site "
            "must have served some pages since."
        )
    reads = ledger.of("read")
    return Workload(f"the account of this site, statements: {len(reads)}", events)


def _calls(ledger: Ledger) -> Iterator[tuple[int, Line, int]]:
    """All that has a log, in order."""
    each = [
        [(at, number, key) for at in moments(mine)]
        for number, line in enumerate(ledger.lines.values())
        if not line.doubt
        for key, mine in line.log.items()
    ]
    lines = list(ledger.lines.values())
    for at, number, key in merge(*map(sorted, each)):
        yield at, lines[number], key
