from __future__ import annotations

import re


def metric(text: str, name: str) -> float:
    """The sum of a metric, whatever its labels, in what /metrics answers."""
    return sum(float(v) for v in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.M))
