"""What the samples say: medians with their spread, ratios to the targets, table and JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Self

TITLES = {
    "orm": "plain ORM",
    "cachalot": "cachalot",
    "cacheops": "cacheops",
    "by_hand": "get_or_set",
    "tutorial": "tutorial",
    "ours": "ours",
    "near": "ours, near",
    "raw": "raw redis",
    "dict": "dict",
}
PEERS = ("cachalot", "cacheops")
FLOORS = ("raw", "dict")  # nobody's cache: what a trip, and what no trip takes
WORKS = {
    "list_8": "list of 8",
    "list_8_kept": "list of 8, queryset kept",
    "list_100": "list of 100",
    "get": "get by pk",
    "record": "record by pk",
    "count": "count on an index",
    "join": "join of 20",
    "aggregate": "aggregate",
    "miss_list_8": "miss, list of 8",
    "miss_get": "miss, get by pk",
    "miss_record": "miss, record",
    "save": "save",
    "value_8": "plain rows, 8",
    "save_5": "transaction of five tables",
    "page_home": "home, hit",
    "page_planet": "planet, hit",
    "page_moons": "moons, hit",
    "page_compare": "compare, hit",
    "page_304": "home, 304",
    "page_nothing": "a view that does nothing",
    "miss_page": "home, an address asked for first",
    "stale_page": "home, after a write",
    "served_home": "home",
    "served_planet": "planet",
}
# The same work on a model with fields of its own, and on the site's planets.
FAMILIES = {"": "", "own_": "own fields: ", "planet_": "Planet: "}
# Bounds without and with the near tier, in times as fast as the better of the peers.
HIT_TARGETS: dict[str, tuple[float, float]] = {
    "record": (3, 20),
    "get": (2, 5),
    "list_8": (2, 4),
    "list_8_kept": (2.5, 10),
    "list_100": (1.5, 3),
    "count": (2, 5),
    "aggregate": (2, 5),
    "join": (2.5, 6),
}
WORKS |= {
    family + kind: said + WORKS[kind] for family, said in FAMILIES.items() for kind in HIT_TARGETS
}
# What plain ORM does for the same, and the bound.
FRESH_TARGETS = {
    "miss_list_8": ("miss_list_8", 1.5),
    "miss_record": ("miss_get", 1.3),
    "save": ("save", 1.5),
    "save_5": ("save_5", 1.3),
}
SERVED = "served by 2"
SECTIONS = {
    "hit": "Hit, µs",
    "fresh": "Miss and write, µs",
    "page": "Whole pages, µs (get_or_set: Django's cache_page)",
    "page made": "Whole pages that have to be made, µs",
    "served by 1": "By gunicorn with one worker, requests a second",
    "served by 2": "By gunicorn with two workers, requests a second",
    "served by 4": "By gunicorn with four workers, requests a second",
    "1 threads": "1 thread, calls a second",
    "4 threads": "4 threads, calls a second",
    "16 threads": "16 threads, calls a second",
    "memory": "Redis memory, bytes an entry",
    "push": "From a write to its being known in another process, p99, µs",
    "invalidation": "Invalidation of so many entries, µs",
    "far hit": "Hit, database 1 ms away, µs",
    "far fresh": "Miss and write, database 1 ms away, µs",
}

Samples = Mapping[str, Mapping[str, Mapping[str, list[float]]]]


@dataclass(frozen=True)
class Figure:
    """The median of some rounds and the quartiles round it."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, samples: list[float]) -> Self:
        low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(median, low, high, len(samples))

    def __str__(self) -> str:
        digits = 0 if self.median >= 10 else 2
        return f"{self.median:.{digits}f} ±{(self.high - self.low) / 2:.{digits}f}"


@dataclass(frozen=True)
class Target:
    """`ratio` is how many times faster than the other, or of `at most` ones its multiple."""

    title: str
    ratio: float
    bound: float
    at_most: bool

    @property
    def met(self) -> bool:
        return self.ratio <= self.bound if self.at_most else self.ratio >= self.bound

    def __str__(self) -> str:
        sign, verdict = "≤" if self.at_most else "≥", "met" if self.met else "missed"
        return f"{self.title:<62} {self.ratio:6.2f} × {sign} {self.bound:<5} {verdict}"


@dataclass(frozen=True)
class Report:
    figures: dict[str, dict[str, dict[str, Figure]]]
    setups: dict[str, str]
    facts: dict[str, str]

    @classmethod
    def of(cls, samples: Samples, setups: dict[str, str], facts: dict[str, str]) -> Self:
        figures = {
            section: {
                work: {name: Figure.of(values) for name, values in by_name.items()}
                for work, by_name in works.items()
            }
            for section, works in samples.items()
        }
        return cls(figures, setups, facts)

    def time(self, section: str, work: str, name: str) -> float:
        return self.figures[section][work][name].median

    def best_peer(self, work: str) -> float:
        return min(self.time("hit", work, peer) for peer in PEERS)

    def targets(self) -> Iterator[Target]:
        for family in FAMILIES:
            yield from self.hit_targets(family)
        raw = self.time("hit", "record", "ours") / self.time("hit", "record", "raw")
        yield Target("ours: record by pk, against raw HGETALL", raw, 1.4, at_most=True)
        for work, (of_orm, bound) in FRESH_TARGETS.items():
            ratio = self.time("fresh", work, "ours") / self.time("fresh", of_orm, "orm")
            title = f"ours: {WORKS[work]}, against the ORM"
            yield Target(title, ratio, bound, at_most=True)
        few, many = self.figures["invalidation"]
        for name in ("ours", "near"):
            ratio = self.time("invalidation", many, name) / self.time("invalidation", few, name)
            title = f"{TITLES[name]}: invalidation, {many} entries against {few}"
            yield Target(title, ratio, 1.2, at_most=True)
        if "page made" in self.figures:
            yield from self.page_targets()
        if SERVED in self.figures:
            yield from self.served_targets()

    def hit_targets(self, family: str) -> Iterator[Target]:
        """Against the better of the peers; a record against its get()."""
        for kind, bounds in HIT_TARGETS.items():
            work = family + kind
            if work not in self.figures["hit"]:
                continue  # there are not a hundred planets
            peer = self.best_peer(family + ("get" if kind == "record" else kind))
            for name, bound in zip(("ours", "near"), bounds, strict=True):
                title = f"{TITLES[name]}: {WORKS[work]}, faster than the best peer"
                ratio = peer / self.time("hit", work, name)
                yield Target(title, ratio, bound, at_most=False)

    def beaten(self) -> Iterator[str]:
        """Where another than ours is the fastest of those that give the same."""
        for section in ("hit", "fresh", "page"):
            for work, by_name in self.figures.get(section, {}).items():
                times = {n: f.median for n, f in by_name.items() if n not in FLOORS}
                if not {"ours", "near"} & times.keys():
                    continue
                ours = min(times[name] for name in ("ours", "near") if name in times)
                best = min(times, key=times.__getitem__)
                if best not in ("ours", "near"):
                    told = f"{TITLES[best]} wins: {times[best]:.0f} µs, ours {ours:.0f} µs"
                    yield f"{WORKS.get(work, work)}: {told}"

    def page_targets(self) -> Iterator[Target]:
        """Of whole pages, and of values."""
        nothing = "page_nothing"
        for name, bound in {"ours": 4, "near": 8}.items():
            ratio = self.time("page", "page_home", "by_hand") / self.time("page", "page_home", name)
            yield Target(
                f"{TITLES[name]}: home, faster than cache_page", ratio, bound, at_most=False
            )
        for name in ("ours", "near"):
            ratio = self.time("page", "page_home", name) / self.time("page", nothing, name)
            title = f"{TITLES[name]}: home, against a view that does nothing"
            yield Target(title, ratio, 1.0, at_most=True)
        for work in ("miss_page", "stale_page"):
            ratio = self.time("page made", work, "ours") / self.time("page made", work, "orm")
            yield Target(f"ours: {WORKS[work]}, against uncached", ratio, 1.15, at_most=True)
        ratio = self.time("hit", "value_8", "ours") / self.time("hit", "value_8", "by_hand")
        yield Target("ours: remember(), against get_or_set of the same", ratio, 1.0, at_most=True)

    def served_targets(self) -> Iterator[Target]:
        for work, bound in {"served_home": 15, "served_planet": 8}.items():
            for name in ("ours", "near"):
                ratio = self.time(SERVED, work, name) / self.time(SERVED, work, "orm")
                title = f"{TITLES[name]}: {WORKS[work]} by gunicorn, more than uncached"
                yield Target(title, ratio, bound, at_most=False)

    def table(self) -> str:
        """For a terminal: medians ± half the interquartile range."""
        lines = [", ".join(f"{name} {value}" for name, value in self.facts.items())]
        for section, works in self.figures.items():
            lines += ["", SECTIONS[section]]
            lines.append(f"{'':<25}" + "".join(f"{title:>14}" for title in TITLES.values()))
            for work, by_name in works.items():
                cells = [str(by_name.get(name, "")) for name in TITLES]
                lines.append(f"{WORKS.get(work, work):<25}" + "".join(f"{c:>14}" for c in cells))
        lines += ["", "Targets"]
        lines += [str(target) for target in self.targets()]
        lines += ["", "Where another is faster", *self.beaten()]
        return "\n".join(lines)

    def markdown(self) -> str:
        """The same for docs/speed.md."""
        lines = [", ".join(f"{name} {value}" for name, value in self.facts.items()) + "."]
        for section, works in self.figures.items():
            names = [name for name in TITLES if any(name in row for row in works.values())]
            lines += ["", f"| {SECTIONS[section]} | {' | '.join(TITLES[n] for n in names)} |"]
            lines.append("| --- " + "| ---: " * len(names) + "|")
            for work, by_name in works.items():
                cells = " | ".join(str(by_name.get(name, "")) for name in names)
                lines.append(f"| {WORKS.get(work, work)} | {cells} |")
        lines += ["", "| target | ratio | bound | |", "| --- | ---: | ---: | --- |"]
        for target in self.targets():
            sign, verdict = "≤" if target.at_most else "≥", "met" if target.met else "missed"
            lines.append(
                f"| {target.title} | {target.ratio:.2f} | {sign} {target.bound} | {verdict} |"
            )
        lines += ["", "Where another is faster than ours, with or without the near tier:", ""]
        lines += [f"- {told}" for told in self.beaten()] or ["- nowhere"]
        return "\n".join(lines)

    def json(self) -> str:
        targets = [{**asdict(target), "met": target.met} for target in self.targets()]
        return json.dumps({**asdict(self), "targets": targets}, indent=1, ensure_ascii=False) + "\n"
