"""The cache on one screen of a terminal, 80 by 24 where nobody says how large it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils import timezone

from .history import Minute
from .overview import Overview
from .report import UNKNOWN, gates, memory, named, table, total_of
from .wording import of_kind, rate, share, size, span

WIDTH, HEIGHT = 80, 24
ENTRIES, INVALIDATIONS = 5, 4  # that are shown
BARS = "▁▂▃▄▅▆▇█"


def screen(found: Overview, at: str, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """No line is wider than `width`, and there are `height` of them at most."""
    return [cut(line, width) for line in _lines(found, at)][:height]


def cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: max(0, width - 1)]}…"


def sparkline(minutes: Sequence[Minute]) -> str:
    """The hits of each minute, the oldest on the left; a blank where there were none."""
    most = max((minute.hits for minute in minutes), default=0)
    return "".join(
        BARS[min(len(BARS) - 1, minute.hits * len(BARS) // (most + 1))] if minute.hits else " "
        for minute in minutes
    )


def _lines(found: Overview, at: str) -> Iterator[str]:
    server, sample = found.server, found.sample
    most = max((minute.hits for minute in found.minutes), default=0)
    ratio = f"{share(found.ratio_now)} now, {share(found.ratio_hour)} in an hour"
    hits = (
        f"{rate(found.hits_a_second)} a second of {rate(found.fetches_a_second)} fetches, "
        f"{found.bypasses} bypasses and {found.errors} errors in an hour"
    )
    yield f"{at}   Ctrl-C ends it"
    yield from table(
        [
            ("Server", f"{named(server)}, {memory(server)}"),
            *(("Unknown", line) for line in found.unknown),
            ("Hit ratio", ratio if found.minutes else UNKNOWN),
            ("Hits", hits if found.minutes else UNKNOWN),
            ("", f"{sparkline(found.minutes)}|"),
            ("", f"hits a minute in the last hour, {most:,} at most"),
            ("Gates", gates(found.gates)),
            *(("Watcher", state.words()) for state in found.watchers.values()),
        ]
    )
    kinds = [of_kind(total.kind, total.count) for total in sample.kinds() if total.count]
    some = "Keys" if sample.complete else f"{sample.size:,} of {total_of(sample)} keys"
    yield f"{some}: {', '.join(kinds) or ('none' if sample.listed else UNKNOWN)}"
    if found.hottest:
        yield ""
        yield "Hottest entries" if sample.counts_accesses else "Most recently used entries"
        rows = [(k.kind, size(k.bytes), span(k.ttl), k.what or k.name) for k in found.hottest]
        yield from table(rows[:ENTRIES], right=(1, 2))
    if found.invalidations:
        yield ""
        yield "Last invalidations"
        rows_of_feed = [
            (
                f"{timezone.localtime(one.at):%H:%M:%S}",
                ", ".join(one.records) or one.what,
                one.cause,
            )
            for one in found.invalidations
        ]
        yield from table(rows_of_feed[:INVALIDATIONS])
