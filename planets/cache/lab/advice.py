"""Which statements are worth caching, which are not, and what else would help more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..conf import conf
from ..instruments.account.ledger import Ledger
from ..instruments.wording import span
from .evidence import Evidence, Scan
from .prediction import Prediction

Kind = Literal["index", "large", "repeated", "cache", "stop", "ttl", "late", "hot"]

CALLS = 20  # of fewer nothing is said
REPEATS = 4  # times in a page, on average of those that ask more than once
SCANNED, SCAN_SHARE = 1_000, 100  # rows read each time, and for each row that is sent
# It reads many rows for few whatever index there is, or finds none of use.
MUST_SCAN = re.compile(r"\b(?:COUNT|SUM|AVG|MIN|MAX)\(|\bGROUP BY\b|\bLIKE\b")
EXPIRIES = 0.25  # of the misses
BETTER = 0.1  # ten points more hits
WORTH = 0.5  # of the calls: an entry that is read less often than twice is no cache
LATE = 5  # seconds that a reader may be behind
TTLS = (2, 6, 24)  # times as long as now


@dataclass(frozen=True, kw_only=True)
class Advice:
    kind: Kind
    digest: str
    statement: str
    sentence: str
    saves: float  # seconds an hour
    arithmetic: tuple[str, ...]
    sites: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def advise(ledger: Ledger, scans: Mapping[str, Scan] | None = None) -> list[Advice]:
    """What saves most first. `scans` are by the digest of the line."""
    found: list[Advice] = []
    for digest, line in ledger.lines.items():
        if line.kind == "write" or line.calls < CALLS:
            continue
        evidence = Evidence(digest, line, ledger, (scans or {}).get(digest))
        if line.doubt and not evidence.scan:
            continue
        found += next(([made] for rule in RULES if (made := rule(evidence))), [])
    return sorted(found, key=lambda advice: advice.saves, reverse=True)


# --- rules, in order: the first that has something to say of a statement is the one


def index(e: Evidence) -> Advice | None:
    scan = e.scan
    if not scan or scan.calls == 0:
        return None
    examined, sent = scan.examined / scan.calls, scan.sent / scan.calls
    if examined < SCANNED or examined < SCAN_SHARE * max(sent, 1) or MUST_SCAN.search(e.line.text):
        return None
    return _made(
        e,
        "index",
        f"an index would do more: it reads {examined:,.0f} rows for {sent:,.0f}",
        scan.seconds / scan.calls * e.line.calls * e.hour,
        f"{scan.calls:,} calls read {scan.examined:,} rows and sent {scan.sent:,}",
    )


def large(e: Evidence) -> Advice | None:
    size = e.line.bytes / e.line.sizes if e.line.sizes else 0
    refused = e.line.too_large > e.line.misses / 2
    if not refused and (e.line.hits or size <= conf().MAX_BYTES):
        return None
    rows = "" if e.is_computed else f"{e.line.rows_each:,.0f} rows, "
    told = f"about {size:,.0f} bytes" if size else f"more than {conf().MAX_BYTES:,} bytes"
    return _made(
        e,
        "large",
        f"too large: slice it; {rows}{told}, and no entry may have more than "
        f"{conf().MAX_BYTES:,} (MAX_BYTES)",
        e.saved(1),
        f"{e.line.too_large:,} of {e.line.misses:,} misses were too large to store",
    )


def repeated(e: Evidence) -> Advice | None:
    pages = e.line.pages
    if not pages or e.line.in_pages / pages < REPEATS or e.line.in_pages < e.line.calls / 2:
        return None
    times, sets = e.line.in_pages / pages, e.line.sets_in_pages / pages
    what = (
        "keep it" if sets < 1.5 else "prefetch it" if sets > times * 0.9 else "prefetch or keep it"
    )
    each = e.hit if e.is_cached else e.mean
    return _made(
        e,
        "repeated",
        f"repeated {times:.0f} times in one page: {what}",
        e.line.in_pages * (1 - 1 / times) * e.hour * each / 1000,
        f"{e.line.in_pages:,} calls in {pages:,} pages, {sets:.1f} parameter sets in each",
    )


def ttl(e: Evidence) -> Advice | None:
    """Longer than now, where entries end for their age rather than for a write."""
    if not e.is_cached or not e.line.ttl:
        return None
    now = e.predicted()
    if not now.misses or now.expired < EXPIRIES * now.misses:
        return None
    tried = [(e.ttl * times, e.predicted(e.ttl * times)) for times in TTLS]
    best, then = max(tried, key=lambda one: (round(one[1].ratio, 2), -one[0]))
    if then.ratio - now.ratio < BETTER or then.ratio < e.break_even:
        return None
    return _made(
        e,
        "ttl",
        f"raise its TTL: {_percent(now.expired / now.misses)} of its misses are expiries, and "
        f"ttl={best:g} instead of {e.ttl:g} would make {_percent(then.ratio)} hits",
        _more_saved(e, now, then),
        _replayed(f"with ttl={e.ttl:g}", now),
        _replayed(f"with ttl={best:g}", then),
    )


def cache(e: Evidence) -> Advice | None:
    found = e.predicted()
    if e.is_cached or e.is_computed or not _pays(e, found.ratio):
        return None
    how = ".cached()" if e.line.kind == "sql" else "Records"
    return _made(
        e,
        "cache",
        f"cache this: {_calls(e)}, {_sets(e)}, {_percent(found.ratio)} "
        f"would hit, saves {_seconds(e.saved(found.ratio))} of database an hour: `{how}`",
        e.saved(found.ratio),
        _replayed(f"with ttl={e.ttl:g}", found),
    )


def hot(e: Evidence) -> Advice | None:
    now = e.predicted()
    if e.hot is None or not _hopes(e, now):
        return None
    table, columns, then = e.hot
    if then.ratio - now.ratio < BETTER or not _pays(e, then.ratio):
        return None
    names = ", ".join(f"`{name}`" for name in sorted(columns))
    noun, verb = ("column", "is") if len(columns) == 1 else ("columns", "are")
    setting = f'HOT = {{"{table}": {sorted(columns)}}}'.replace("'", '"')
    but = f", and leave {names} out of what it asks for, as by defer()," if e.names(columns) else ""
    return _made(
        e,
        "hot",
        f"its {noun} {names} {verb} hot: {setting}{but} would make {_percent(then.ratio)} hits",
        _more_saved(e, now, then),
        _replayed("with all writes", now),
        _replayed(f"without those that set {names} alone", then),
    )


def late(e: Evidence) -> Advice | None:
    now, then = e.predicted(), e.when_late(LATE)
    if not _hopes(e, now) or now.written < now.misses / 2:
        return None
    if then.ratio - now.ratio < BETTER or not _pays(e, then.ratio):
        return None
    return _made(
        e,
        "late",
        f"it is written too often: max_stale={LATE} would make {_percent(then.ratio)} hits",
        _more_saved(e, now, then),
        _replayed("as it is written", now),
        _replayed(f"with max_stale={LATE}", then),
    )


def stop(e: Evidence) -> Advice | None:
    if not e.is_cached or e.ratio >= e.break_even or e.gained(e.ratio) >= 0:
        return None
    even = (
        f"break-even {_percent(e.break_even)}"
        if e.break_even <= 1
        else "a hit is no faster than a load"
    )
    costs = -e.gained(e.ratio)
    why = f" (the last: {e.line.why})" if e.line.thrown_away and e.line.why else ""
    return _made(
        e,
        "stop",
        f"stop caching that: {_percent(e.ratio)} hits, {even}, costs {_seconds(costs)} an hour",
        costs,
        f"{e.line.hits:,} hits and {e.line.misses:,} misses, of which {e.line.thrown_away:,} were "
        f"not stored{why}; {e.line.waits:,} waits",
    )


RULES: tuple[Callable[[Evidence], Advice | None], ...] = (
    index, large, repeated, ttl, cache, hot, late, stop,
)  # fmt: skip


def _pays(e: Evidence, ratio: float) -> bool:
    return ratio >= max(e.break_even, WORTH)


def _hopes(e: Evidence, now: Prediction) -> bool:
    """It misses so often that something ought to be done."""
    return not _pays(e, now.ratio)


# --- wording


def _made(e: Evidence, kind: Kind, sentence: str, saves: float, *arithmetic: str) -> Advice:
    sites = tuple(sorted(e.line.sites, key=lambda site: -e.line.sites[site]))
    at = f" at {sites[0]}" if sites else ""
    return Advice(
        kind=kind,
        digest=e.digest,
        statement=e.line.text,
        sentence=sentence + at,
        saves=saves,
        arithmetic=(*_figures(e), *arithmetic),
        sites=sites,
    )


def _figures(e: Evidence) -> Iterator[str]:
    yield (
        f"{e.line.calls:,} calls in {span(e.ledger.hours * 3600)} ({_calls(e)}), "
        f"{_sets(e)}" + ("" if e.is_computed else f", {e.line.rows_each:,.1f} rows a load")
    )
    takes = "to make it takes" if e.is_computed else "a load takes"
    yield (
        f"{takes} {e.load:.2f} ms (median; p99 {e.slowest:.2f}, mean {e.mean:.2f}), a hit "
        f"{e.hit:.2f}, a miss {e.overhead:.2f} more than that: "
        + (f"pays from {_percent(e.break_even)} hits on" if e.break_even <= 1 else "never pays")
    )


def _replayed(how: str, found: Prediction) -> str:
    return (
        f"replayed {how}: {_percent(found.ratio)} hits; misses: {found.first:,.0f} first calls, "
        f"{found.written:,.0f} after writes, {found.expired:,.0f} expired"
    )


def _more_saved(e: Evidence, now: Prediction, then: Prediction) -> float:
    """What is saved as it would be then, beyond what is saved as it is."""
    return e.saved(then.ratio) - (e.saved(now.ratio) if e.is_cached else 0)


def _calls(e: Evidence) -> str:
    return f"{e.line.calls * e.hour:,.0f} calls an hour"


def _sets(e: Evidence) -> str:
    return f"{e.line.sets:,} parameter set{'' if e.line.sets == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds >= 0.1 else f"{seconds * 1000:,.0f} ms"
