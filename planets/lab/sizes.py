"""How large the site's own records are."""

from __future__ import annotations

from planets.models import Planet
from planets.records import PLANETS

SAMPLE = 1_000  # rows
MARKER = 90  # bytes of the field that makes a hash ours, about
DEFAULT = (500,)  # bytes; where there is no planet to look at


def record_sizes() -> tuple[int, ...]:
    """Bytes of a sample of the planets' hashes."""
    rows = Planet.objects.order_by("id").values_list(*PLANETS.attnames)[:SAMPLE]
    sizes = tuple(
        MARKER
        + sum(
            len(name) + len(text.write(value).encode())
            for value, name, text in zip(row, PLANETS.columns, PLANETS.texts, strict=True)
            if value is not None
        )
        for row in rows
    )
    return sizes or DEFAULT
