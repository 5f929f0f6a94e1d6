"""The result of tune_cache, and its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import charts
from .recommendation import JITTER, megabytes, recommend
from .sweep import Cell
from .workload import Workload


@dataclass(frozen=True)
class Tuning:
    workload: Workload
    base: int  # bytes of an empty server
    speed: float  # wanted: times as fast as the workload's time
    cells: Sequence[Cell]

    @property
    def actual_speed(self) -> float:
        """The slowest run's."""
        return min(one.speed for cell in self.cells for one in cell.outcomes)

    def as_dict(self) -> dict[str, Any]:
        advice = recommend(self.cells)
        return {
            "source": self.workload.source,
            "reads": self.workload.reads,
            "seconds": self.workload.seconds,
            "skipped_lines": self.workload.skipped,
            "speed": self.speed,
            "actual_speed": self.actual_speed,
            "outcomes": [one.as_dict() for cell in self.cells for one in cell.outcomes],
            "advice": {"text": advice.sentence, "more": advice.more, "sure": advice.sure,
                       "redis_conf": advice.lines},
        }  # fmt: skip


def context(found: Tuning) -> dict[str, Any]:
    """What the template shows."""
    advice = recommend(found.cells)
    best = advice.best.setup
    by_setup = {
        (cell.setup.maxmemory, cell.setup.policy, cell.setup.ttl): cell for cell in found.cells
    }
    memory, policies, ttls = (list(dict.fromkeys(part)) for part in zip(*by_setup, strict=True))
    curves = {
        policy: [100 * by_setup[bytes_, policy, best.ttl].hit_ratio for bytes_ in memory]
        for policy in policies
    }
    ratios = [cell.hit_ratio for cell in found.cells]
    low, width = min(ratios), max(ratios) - min(ratios) or 1.0

    def heat(cell: Cell) -> dict[str, Any]:
        """A field of the heat map: its percentage, and how deep its colour is."""
        depth = round(5 + 60 * (cell.hit_ratio - low) / width)
        return {"hits": 100 * cell.hit_ratio, "depth": depth, "best": cell is advice.best}

    heats = [
        {
            "memory": megabytes(bytes_),
            "rows": [
                (policy, [heat(by_setup[bytes_, policy, ttl]) for ttl in ttls])
                for policy in policies
            ],
        }
        for bytes_ in memory
    ]
    return {
        "found": found,
        "advice": advice,
        "ttls": ttls,
        "heats": heats,
        "stale_bound": best.ttl * JITTER,
        "curves": charts.lines(
            f"Hit ratio by memory, TTL {best.ttl:g} s", list(map(megabytes, memory)), curves, "%"
        ),
        "rows": [
            {
                "memory": megabytes(cell.setup.maxmemory),
                "cell": cell,
                "hits": 100 * cell.hit_ratio,
                "spread": 100 * cell.spread,
                "bound": cell.setup.ttl * JITTER,
                **{name: cell.mean(name) for name in ("loads", "evicted", "expired", "refused")},
                "used": megabytes(cell.mean("memory")),
            }
            for cell in found.cells
        ],
    }
