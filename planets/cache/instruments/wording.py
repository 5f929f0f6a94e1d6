"""Sizes, spans and shares in words, the same on pages and in terminals."""

from __future__ import annotations

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
# What so many keys of a kind are called.
NOUNS = {
    "record": ("record", "records"),
    "sql": ("query", "queries"),
    "page": ("page", "pages"),
    "fragment": ("fragment", "fragments"),
    "value": ("value", "values"),
    "late": ("late copy", "late copies"),
    "gate": ("gate", "gates"),
    "lease": ("lease", "leases"),
    "statistics": ("of statistics", "of statistics"),
    "watcher": ("of the watcher", "of the watcher"),
    "other": ("of another program", "of other programs"),
}
SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def of_kind(kind: str, count: int) -> str:
    """`7 queries`: so many keys of a kind."""
    return f"{count:,} {NOUNS[kind][count != 1]}"


def size(count: float | None) -> str:
    """`1536` as "1.5 KiB"."""
    if count is None:
        return "unknown"
    place = 0
    while count >= 1024 and place < len(UNITS) - 1:
        count /= 1024
        place += 1
    return f"{count:,.1f} {UNITS[place]}" if place else f"{count:,.0f} bytes"


def span(seconds: float | None) -> str:
    """`252` as "4 min 12 s": the two largest units, and below ten seconds a decimal."""
    if seconds is None:
        return "for ever"
    if 0 < seconds < 10:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    if not rest:
        return "0 s"
    counts: list[tuple[int, str]] = []
    for unit, length in SPANS:
        count, rest = divmod(rest, length)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in counts[:2] if count)


def rate(a_second: float) -> str:
    """`0.0333` as "0.033", `1234.5` as "1,234": what there are in a second."""
    if a_second >= 100:
        return f"{a_second:,.0f}"
    return f"{a_second:.2g}" if a_second < 10 else f"{a_second:.1f}"


def share(part: float | None) -> str:
    """`0.934` as "93.4 %"."""
    return "none yet" if part is None else f"{part:.1%}".replace("%", " %")
