"""A bounded sample of measurements: any of them is in it with the same chance as any other."""

from __future__ import annotations

import random
from collections.abc import Sequence

SIZE = 128  # enough for a p99 that is one of them


def add(sample: list[float], count: int, value: float) -> None:
    """Take in the measurement number `count`, counted from 1."""
    if len(sample) < SIZE:
        sample.append(value)
    elif (place := int(random.random() * count)) < SIZE:  # noqa: S311
        sample[place] = value


def merged(one: list[float], count: int, other: list[float], others: int) -> list[float]:
    """A sample of both, of so many measurements each."""
    if len(one) + len(other) <= SIZE:
        return one + other
    share = round(SIZE * count / (count + others))
    share = min(len(one), max(share, SIZE - len(other)))
    return random.sample(one, share) + random.sample(other, SIZE - share)


def quantile(sample: Sequence[float], share: float) -> float | None:
    """The measurement that so many of the others are below; None where there is none."""
    if not sample:
        return None
    return sorted(sample)[min(len(sample) - 1, int(share * len(sample)))]
