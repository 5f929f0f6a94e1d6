"""Names of keys as the layer makes them."""

from __future__ import annotations


def entry(number: int) -> str:
    """`sql:<digest>`, for a query that nobody has made."""
    return f"sql:{number:032x}"
