"""The story of a request: each fetch as look, then a hit, or claim, load and fill; each statement.

It is made of a timeline, in plain JSON values. Fetches lie within each other, as those that a page
is made of lie within the page's load: `depth` says how deep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.utils.text import Truncator

from ..events import COMPUTED, Fetch
from ..storage import keys
from .timeline import Ran, Read, Timeline, Trip

LONGEST_PARAMS = 300  # characters of all of a statement's that are shown
DEEPEST = 4  # what lies deeper is shown as deep as this
NARROWEST = 0.4  # hundredths of the whole, so that a bar can be seen

Node = Read | Ran  # what trips belong to


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One bar. `x` and `width` are hundredths of the whole story's time."""

    name: str
    ms: float
    x: float
    width: float
    commands: int = 0  # to Redis, in one round trip
    bytes: int = 0
    answered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A fetch, or a statement or a round trip that no fetch has made."""

    kind: str  # the fetch's; or "statement", "write", "trip"
    depth: int
    ms: float
    steps: list[Step]
    sql: str = ""
    params: str = ""
    ran: list[str] = field(default_factory=list)  # the statements of its load
    fetches: list[dict[str, Any]] = field(default_factory=list)  # one for each key
    first: int = 0  # of the timeline's fetches
    outcome: str = ""
    tier: str = ""
    gates: list[dict[str, str]] = field(default_factory=list)
    records: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    ms: float
    trips: int
    queries: int
    parts: list[Part]
    invalidations: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def fetched(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """The fetches of these kinds, one for each key; of all where none is named."""
        for part in self.parts:
            yield from (one for one in part.fetches if not kinds or part.kind in kinds)


def story(timeline: Timeline, *, params: bool = False) -> Story:
    """What a timeline has heard. Parameters are a visitor's own words: they are told on request."""
    nodes: list[Node] = sorted(
        [*timeline.reads, *(ran for ran in timeline.statements if not ran.in_fetch)],
        key=lambda node: (node.began, -node.ended),
    )
    end = timeline.ended or max((node.ended for node in nodes), default=timeline.began)
    scale = _Scale(timeline.began, max(end - timeline.began, 1e-9))
    told: list[tuple[float, Part]] = []
    owned: dict[int, list[Trip]] = {}
    for trip in timeline.trips:
        owner = _innermost(nodes, trip)
        if owner is None:
            part = Part(kind="trip", depth=0, ms=_ms(trip), steps=[scale.step(trip)])
            told.append((trip.began, part))
        else:
            owned.setdefault(id(owner), []).append(trip)
    for node in nodes:
        depth = min(DEEPEST, sum(_within(node, other) for other in nodes))
        trips = owned.get(id(node), [])
        if isinstance(node, Read):
            events = timeline.fetches[node.first : node.first + node.asked]
            ran = [
                each
                for each in timeline.statements
                if each.in_fetch and _innermost(timeline.reads, each) is node
            ]
            told.append((node.began, _fetch(node, events, trips, ran, depth, scale, params)))
        else:
            told.append((node.began, _statement(node, trips, depth, scale, params)))
    told.sort(key=lambda each: each[0])
    return Story(
        ms=scale.seconds * 1000,
        trips=sum(trip.answered for trip in timeline.trips),
        queries=sum(ran.kind in ("read", "write") for ran in timeline.statements),
        parts=[part for _, part in told],
        invalidations=[event.as_dict() for event in timeline.invalidations],
    )


class _Scale:
    def __init__(self, began: float, seconds: float) -> None:
        self.began, self.seconds = began, seconds

    def step(self, trip: Trip) -> Step:
        step = self.bar(trip.name, trip.began, trip.ended)
        return replace(step, commands=trip.commands, bytes=trip.bytes, answered=trip.answered)

    def bar(self, name: str, began: float, ended: float) -> Step:
        x = 100 * max(0.0, began - self.began) / self.seconds
        width = max(NARROWEST, 100 * (ended - began) / self.seconds)
        x = min(x, 100 - NARROWEST)
        return Step(
            name=name,
            ms=(ended - began) * 1000,
            x=round(x, 2),
            width=round(min(width, 100 - x), 2),
        )


def _fetch(
    read: Read,
    events: Sequence[Fetch],
    trips: Sequence[Trip],
    ran: Sequence[Ran],
    depth: int,
    scale: _Scale,
    params: bool,
) -> Part:
    steps = [scale.step(trip) for trip in trips]
    if read.loaded.ms is not None and read.loaded.values:
        # It follows the last trip that looked for a fill of another's, and comes before our own.
        before = [trip.ended for trip in trips if trip.name in ("look", "claim")]
        began = max(before, default=read.began)
        seconds = read.loaded.ms * len(read.seen.missing) / 1000
        steps.append(scale.bar("load", began, min(began + seconds, read.ended)))
        steps.sort(key=lambda step: step.x)
    gates, records = _grounds(read)
    asked = read.lookup.params or (ran[0].params if ran else ())
    return Part(
        kind=read.lookup.shelf.kind,
        depth=depth,
        ms=_ms(read),
        steps=steps,
        sql=read.lookup.sql,
        params=_shown(asked) if params else "",
        ran=[each.sql for each in ran],
        fetches=[event.as_dict() for event in events],
        first=read.first,
        outcome=_outcome(events),
        tier=events[0].tier if events else "",
        gates=gates,
        records=records,
    )


def _outcome(events: Sequence[Fetch]) -> str:
    """Of a batch what is worth looking at: a hit is all of it."""
    outcomes = {event.outcome for event in events}
    return next((word for word in ("error", "miss", "bypass", "stale") if word in outcomes), "hit")


def _statement(ran: Ran, trips: Sequence[Trip], depth: int, scale: _Scale, params: bool) -> Part:
    """A write closes its gates before it runs and opens them after; a read is between nothing."""
    before = [trip.ended for trip in trips if trip.name != "open"]
    after = [trip.began for trip in trips if trip.name == "open"]
    began = max(before, default=ran.began)
    name = "load" if ran.kind == "read" else ran.kind
    steps = [*map(scale.step, trips), scale.bar(name, began, min(after, default=ran.ended))]
    return Part(
        kind="write" if ran.kind == "write" else "statement",
        depth=depth,
        ms=_ms(ran),
        steps=sorted(steps, key=lambda step: step.x),
        sql=ran.sql,
        params=_shown(ran.params) if params else "",
    )


def _grounds(read: Read) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The gates that a fetch stands behind, and the records, each with what it had when read."""
    gates: dict[str, str | None] = dict(zip(read.lookup.gates, read.seen.generations, strict=False))
    records: Mapping[str, str] = {}
    if read.lookup.shelf.kind in COMPUTED:
        values = [found.value for found in read.seen.hits.values()]
        for made in filter(None, (*values, *read.loaded.values.values())):
            gates |= made.dependencies.gates
            records = made.dependencies.records
    return (
        [
            {"key": gate, "of": keys.behind(gate), "generation": had or ""}
            for gate, had in gates.items()
        ],
        [{"key": record, "token": token} for record, token in records.items()],
    )


def _shown(params: Any) -> str:
    if not params:
        return ""
    if isinstance(params, Mapping):
        told = ", ".join(f"{name}={value!r}" for name, value in params.items())
    else:
        told = ", ".join(map(repr, params))
    return Truncator(told).chars(LONGEST_PARAMS)


def _innermost(nodes: Sequence[Any], inner: Any) -> Any:
    """The last to begin of those that it lies within; None where it lies in none."""
    found = [node for node in nodes if _within(inner, node)]
    return max(found, key=lambda node: node.began, default=None)


def _within(inner: Any, outer: Any) -> bool:
    return inner is not outer and outer.began <= inner.began and inner.ended <= outer.ended


def _ms(span: Any) -> float:
    return float(span.ended - span.began) * 1000
